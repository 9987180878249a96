/**
 * The emulated screen of a session: what a person in front of the terminal sees. Sole owner of the
 * emulator. Not caught here: what the text means. Differences between emulators remain (images, fonts,
 * characters newer than the width table).
 *
 * Parsing is synchronous: after `write` the screen is as the output left it. Memory is bounded by the
 * scrollback and by the flood guard; an answer that the emulator would send is dropped.
 */
import { createRequire } from 'node:module';
import { StringDecoder } from 'node:string_decoder';
import type * as Serialize from '@xterm/addon-serialize';
import type * as Headless from '@xterm/headless';
import { FloodGuard } from './flood-guard.ts';
import { charWidth } from './width.ts';

// Loaders disagree about what the default export of these two CommonJS bundles is; `require` is clear.
const load = createRequire(import.meta.url);
const { Terminal } = load('@xterm/headless') as typeof Headless;
const { SerializeAddon } = load('@xterm/addon-serialize') as typeof Serialize;

/** A terminal is emulated with a size within these, whatever the client says. */
export const MIN_SIDE = 2;
export const MAX_SIDE = 500;
/** A line with its prompt hardly fits on a screen that is smaller than this. */
const TINY_CELLS = 256;
/** Rows kept above the screen, unless the constructor is told otherwise. */
export const SCROLLBACK_ROWS = 200;
/** What selects a character set, ISO 2022, and the names of those that the emulator knows. */
const CHARACTER_SETS = '()*+-./';
const CHARACTER_SET_NAMES = '0AB4C5RQKYE6ZH7=';
/** Rows that were wrapped are taken for one line as long as they hold no more than this, in cells. */
export const MAX_WRAPPED_CELLS = 65_536;
/** The emulator is fed in pieces of this size. */
const WRITE_CHARS = 65_536;
/** Palette entries that shells use for a suggestion that isn't part of the line: bright black, greys. */
const GHOST_COLOURS = new Set([8, 59, 102, ...Array.from({ length: 12 }, (_, n) => 236 + n)]);

/** A cell; `y` counts from the top of the scrollback. */
export interface Cell {
  readonly x: number;
  readonly y: number;
}

interface Size {
  readonly cols: number;
  readonly rows: number;
}

/** A row that is followed while it scrolls or is wrapped anew. */
export interface RowMark {
  /** Counts from the top of the scrollback; null when the row is gone. */
  readonly y: number | null;
  dispose(): void;
}

export class Screen {
  readonly #emulator: Headless.Terminal;
  readonly #serializer = new SerializeAddon();
  readonly #decoder = new StringDecoder('utf8');
  readonly #guard: FloodGuard;
  #dropped = 0;
  /** Wrapped lines by the row that was asked for, until something is written. */
  readonly #lines = new Map<number, string>();
  /** The lowest row that may lack what the guard has dropped; `all` = the other screen is shown. */
  #lacking: Headless.IMarker | 'all' | null = null;
  /** What was asked for since the last look at the screen: in a storm of sizes only the last one counts. */
  #size: Size | null = null;
  #isCursorHidden = false;
  #scrollRegion: string | null = null;
  /** Rows were not wrapped at some time since the modes are watched. */
  #wasUnwrapped = false;

  /**
   * Sizes outside MIN_SIDE..MAX_SIDE are clamped.
   * @param options.plainLetters character sets that draw letters as other signs have no effect
   */
  constructor(
    cols: number,
    rows: number,
    scrollbackRows: number = SCROLLBACK_ROWS,
    options: { readonly plainLetters?: boolean } = {},
  ) {
    this.#emulator = new Terminal({
      cols: clampSide(cols),
      rows: clampSide(rows),
      scrollback: scrollbackRows,
      allowProposedApi: true,
      logLevel: 'off',
    });
    this.#guard = new FloodGuard(this.cols, this.rows);
    this.#terminal.loadAddon(this.#serializer);
    this.#useWidths();
    this.#watchSequences();
    if (options.plainLetters === true) this.#ignoreCharacterSets();
  }

  /** The size that is emulated when this one is asked for. */
  static clamp(size: Size): Size {
    return { cols: clampSide(size.cols), rows: clampSide(size.rows) };
  }

  get cols(): number {
    return this.#terminal.cols;
  }

  get rows(): number {
    return this.#terminal.rows;
  }

  /** Where the next character goes; `x` = cols when it will wrap. */
  get cursor(): Cell {
    const buffer = this.#terminal.buffer.active;
    return { x: buffer.cursorX, y: buffer.baseY + buffer.cursorY };
  }

  /** A full-screen program (or somebody who wants to look like one) uses the alternate screen. */
  get isAlternate(): boolean {
    return this.#terminal.buffer.active.type === 'alternate';
  }

  /** The target asked for pastes to be marked: a line editor is at work. */
  get bracketedPaste(): boolean {
    return this.#terminal.modes.bracketedPasteMode;
  }

  /** From here on `isDistorted` notes what was so only for a while. */
  watchModes(): void {
    this.#wasUnwrapped = false;
  }

  /** Text that is written doesn't come to stand where line editors think that it does. */
  get isDistorted(): boolean {
    const { insertMode, originMode, wraparoundMode } = this.#terminal.modes;
    const isSet = insertMode || originMode || !wraparoundMode || this.#wasUnwrapped;
    return isSet || this.isLacking;
  }

  /**
   * Rows that are visible may lack what was printed faster than it can be followed. It is over when they
   * were cleared, or have been scrolled away.
   */
  get isLacking(): boolean {
    const lacking = this.#lacking;
    if (lacking === null || this.isAlternate) return lacking !== null;
    if (lacking === 'all') this.#lack();
    else if (lacking.line < this.#terminal.buffer.active.baseY) {
      lacking.dispose();
      this.#lacking = null;
    }
    return this.#lacking !== null;
  }

  /** Allows for more work than the characters of the output do. @param nowUs of any clock */
  timePasses(nowUs: number): void {
    this.#guard.timePasses(nowUs);
  }

  /** Parses output to its end. Bytes may be cut inside a character, text may not. */
  write(output: Buffer | string): void {
    const text = typeof output === 'string' ? output : this.#decoder.write(output);
    this.#lines.clear();
    const safe = this.#guard.push(text);
    for (let at = 0; at < safe.length; at += WRITE_CHARS) {
      // After input the emulator parses the next write at once instead of at its next turn.
      this.#terminal.input('', true);
      this.#terminal.write(safe.slice(at, at + WRITE_CHARS));
    }
    if (this.#guard.dropped === this.#dropped) return;
    this.#dropped = this.#guard.dropped;
    this.#lack();
  }

  /** Clamped like the constructor; wrapped lines are wrapped anew. */
  resize(cols: number, rows: number): void {
    this.#scrollRegion = null;
    this.#lines.clear();
    this.#size = Screen.clamp({ cols, rows });
  }

  /** Row `y` from column `from` up to, not including, `to`; blank cells are spaces. */
  rowText(y: number, from = 0, to: number = this.cols): string {
    return this.#line(y)?.translateToString(false, from, to) ?? '';
  }

  /** The first row of the wrapped line that row `y` belongs to. */
  lineStart(y: number): number {
    const lowest = Math.max(0, y - this.#maxWrappedRows);
    let start = y;
    while (start > lowest && this.#line(start)?.isWrapped === true) start -= 1;
    return start;
  }

  /** The last row of the wrapped line that row `y` belongs to. */
  lineEnd(y: number): number {
    const highest = y + this.#maxWrappedRows;
    let end = y;
    while (end < highest && this.#line(end + 1)?.isWrapped === true) end += 1;
    return end;
  }

  /**
   * Something was written up to the right margin of row `y`: a line editor that moves the cursor itself
   * goes on in the next row without a mark that it is the same line.
   */
  isFilled(y: number): boolean {
    const last = this.#line(y)?.getCell(this.cols - 1);
    if (last === undefined) return false;
    if (last.getChars() !== '' || last.getWidth() === 0) return true;
    // A wide character that did not fit into the last column.
    const next = this.#line(y + 1)?.getCell(0);
    const before = this.#line(y)?.getCell(this.cols - 2);
    return next?.getWidth() === 2 && before?.getChars() !== '';
  }

  /** The cursor's line may begin where it can't be seen: above the screen, or the screen is tiny. */
  get isCutOff(): boolean {
    const start = this.lineStart(this.cursor.y);
    return this.#line(start)?.isWrapped === true || this.cols * this.rows < TINY_CELLS;
  }

  /** The blanks that were written at the end of a filled row. */
  blanksAtMargin(y: number): string {
    const written = this.#line(y)?.translateToString(true) ?? '';
    return written.slice(written.trimEnd().length);
  }

  /** The wrapped line around row `y`, its rows joined, without blanks at its end. */
  logicalLine(y: number): string {
    const known = this.#lines.get(y);
    if (known !== undefined) return known;
    const line = this.#joined(this.lineStart(y), this.lineEnd(y), this.cols).trimEnd();
    this.#lines.set(y, line);
    return line;
  }

  /** The wrapped line around row `cell.y`, from its start up to, not including, the cell. */
  logicalLineTo(cell: Cell): string {
    return this.#joined(this.lineStart(cell.y), cell.y, cell.x);
  }

  /** The last row, from the top of the scrollback, that shows anything. */
  lastTextRow(): number {
    let y = this.#terminal.buffer.active.baseY + this.rows - 1;
    while (y > 0 && this.rowText(y).trim() === '') y -= 1;
    return y;
  }

  /**
   * Everything in the cursor's wrapped line after the cursor is in the faint style of a suggestion.
   * False when there is nothing.
   */
  ghostAfterCursor(): boolean {
    const { x, y } = this.cursor;
    let seen = false;
    for (let row = y; row <= this.lineEnd(y); row += 1) {
      const line = this.#line(row);
      if (line === undefined) break;
      for (let column = row === y ? x : 0; column < this.cols; column += 1) {
        const cell = line.getCell(column);
        if (cell === undefined || cell.getChars().trim() === '') continue;
        const isGrey = cell.isFgPalette() && GHOST_COLOURS.has(cell.getFgColor());
        if (!isGrey && cell.isDim() === 0) return false;
        seen = true;
      }
    }
    return seen;
  }

  /** Follows the cursor's row. In the alternate screen, which has no scrollback, it stays where it is. */
  markRow(): RowMark {
    const { y } = this.cursor;
    const marker: Headless.IMarker | undefined = this.isAlternate
      ? undefined
      : this.#terminal.registerMarker(0);
    if (marker === undefined) return { y, dispose: () => {} };
    const settle = (): void => this.#settleSize();
    return {
      get y() {
        settle();
        return marker.line < 0 ? null : marker.line;
      },
      dispose: () => marker.dispose(),
    };
  }

  /** Escape sequences that paint the visible screen on a fresh terminal of the same size. */
  serialize(): string {
    const region = this.#scrollRegion;
    const { cursorX, cursorY } = this.#terminal.buffer.active;
    const position = `\u001b[${cursorY + 1};${Math.min(cursorX, this.cols - 1) + 1}H`;
    return (
      this.#serializer.serialize({ scrollback: 0 }) +
      (region === null ? '' : `\u001b[${region}r${position}`) +
      (this.#isCursorHidden ? '\u001b[?25l' : '')
    );
  }

  dispose(): void {
    this.#emulator.dispose();
  }

  get #terminal(): Headless.Terminal {
    this.#settleSize();
    return this.#emulator;
  }

  #settleSize(): void {
    const size = this.#size;
    if (size === null) return;
    this.#size = null;
    this.#lines.clear();
    this.#emulator.resize(size.cols, size.rows);
    this.#guard.resize(size.cols, size.rows);
  }

  #lack(): void {
    if (typeof this.#lacking === 'object') this.#lacking?.dispose();
    const below = this.rows - 1 - this.#terminal.buffer.active.cursorY;
    this.#lacking = this.isAlternate ? 'all' : (this.#terminal.registerMarker(below) ?? 'all');
  }

  get #maxWrappedRows(): number {
    return Math.ceil(MAX_WRAPPED_CELLS / this.cols);
  }

  #line(y: number): Headless.IBufferLine | undefined {
    const buffer = this.#terminal.buffer.active;
    // Beyond its end the emulator's ring of rows starts again.
    return y >= 0 && y < buffer.length ? buffer.getLine(y) : undefined;
  }

  #joined(first: number, last: number, lastTo: number): string {
    let text = '';
    for (let y = first; y <= last; y += 1)
      text += this.rowText(y, 0, y === last ? lastTo : this.cols);
    return text;
  }

  #useWidths(): void {
    this.#terminal.unicode.register({
      version: 'sallyport',
      wcwidth: charWidth,
      charProperties(codePoint, preceding) {
        const width = charWidth(codePoint);
        const before = (preceding >> 1) & 3;
        // A mark joins the character before it; the property's layout is the emulator's own.
        if (width === 0 && before > 0) return (before << 1) | 1;
        // One that stands alone takes a cell: without, the emulator writes beyond the margin.
        return Math.max(1, width) << 1;
      },
    });
    this.#terminal.unicode.activeVersion = 'sallyport';
  }

  #ignoreCharacterSets(): void {
    for (const intermediates of CHARACTER_SETS) {
      for (const final of CHARACTER_SET_NAMES) {
        this.#terminal.parser.registerEscHandler({ intermediates, final }, () => true);
      }
    }
  }

  /** Notes what the serializer leaves out, and drops what would grow without a bound. */
  #watchSequences(): void {
    const { parser } = this.#terminal;
    // Every hyperlink is kept as long as its row; they are of no use here.
    parser.registerOscHandler(8, () => true);
    const cursorMode = (hidden: boolean) => (params: (number | number[])[]) => {
      if (params.includes(25)) this.#isCursorHidden = hidden;
      return false;
    };
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, cursorMode(false));
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, cursorMode(true));
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, (params) => {
      if (params.includes(7)) this.#wasUnwrapped = true;
      return false;
    });
    parser.registerCsiHandler({ final: 'r' }, ([top, bottom]) => {
      this.#scrollRegion = Number(bottom ?? 0) === 0 ? null : `${Number(top)};${Number(bottom)}`;
      return false;
    });
    parser.registerCsiHandler({ final: 'J' }, ([what]) => {
      if (what === 2 && !this.isAlternate) this.#lacking = null;
      return false;
    });
    const reset = () => {
      this.#isCursorHidden = false;
      this.#scrollRegion = null;
      return false;
    };
    parser.registerEscHandler({ final: 'c' }, reset);
    parser.registerCsiHandler({ intermediates: '!', final: 'p' }, reset);
  }
}

function clampSide(side: number): number {
  return Math.min(MAX_SIDE, Math.max(MIN_SIDE, Math.trunc(side) || MIN_SIDE));
}
