/**
 * Reads the line that a person submits in a terminal: what the keys say and what the emulated screen
 * shows, compared. Not caught here: commands that a program on the target starts without an Enter from
 * the client (key bindings with a line break in them, `edit-and-execute-command`, timers), and text
 * that never appears on the screen although the program echoes.
 *
 * Nothing is waited for and no clock is read: times come in as microseconds of the caller's clock.
 * Printed bytes never switch the reader off; at worst a line is `uncertain`.
 */
import { Answer } from './answer.ts';
import { InterruptedLine, RefusedLine } from './dropped-line.ts';
import { editedLine } from './edited-line.ts';
import { isShellInside, markStart, readEdited, readUnprompted } from './edited-text.ts';
import type { EditedText, LineStart } from './edited-text.ts';
import { abortKeys, type Key } from './keys.ts';
import { asksTarget } from './likely-line.ts';
import { MarkedPrompt } from './marked-prompt.ts';
import { PendingLines } from './pending-lines.ts';
import { Prompts, looksLikeShellPrompt } from './prompt.ts';
import { QueriedLines } from './queried.ts';
import { RoundTrip } from './round-trip.ts';
import { lineScreen } from './line-screen.ts';
import type { Cell, Screen } from './screen.ts';
import { settlingUs } from './settling.ts';
import { ShownLines } from './shown-lines.ts';
import { heldLine, submittedLine, unansweredLine, withGuesses } from './submitted-line.ts';
import type { Draft, Reading, SubmittedLine } from './submitted-line.ts';
import { charSuffixes, wordSuffixes } from './suffixes.ts';
import { TypedLine } from './typed.ts';
import { typedLine } from './typed-line.ts';
import { bareLine, fullScreenLine, pastedLine } from './unedited.ts';

/** The caller looks again after at most this long, since the echo may come any time. */
const POLL_US = 3000;
export { AHEAD_LIMIT_US, SETTLE_LIMIT_US, SETTLE_QUIET_US } from './settling.ts';
export type { SubmittedLine };

export type PollOutcome =
  | { readonly kind: 'wait'; readonly forUs: number }
  | { readonly kind: 'line'; readonly line: SubmittedLine };

/**
 * One per terminal. For every Enter: `beginSubmit`, `poll` until it gives the line, and then `submitted`
 * or `afterDenied`. Reading again (after an approval) is allowed and gives the same line if it is one.
 */
export class LineReader {
  readonly #screen: Screen;
  readonly #prompts = new Prompts();
  readonly #markedPrompt = new MarkedPrompt();
  readonly #roundTrip = new RoundTrip();
  readonly #answer = new Answer();
  readonly #queried = new QueriedLines();
  #typed = new TypedLine();
  #shown = new ShownLines();
  /** The line before, when the cursor still stood where its Enter was pressed; else null. */
  #entered: string | null = null;
  /** null = no key of the next line has come. */
  #start: LineStart | null = null;
  /** What was typed into a full-screen program that has ended since. */
  #carried = '';
  #begunAtUs = 0;
  /** When the last output before that key had come. */
  #shownAtUs = 0;
  readonly #refused = new RefusedLine();
  readonly #interrupted = new InterruptedLine();
  #isInPaste = false;
  #wasResized = false;
  /** The last Enter took a found line into the editor, and no key has come since. */
  #hasPicked = false;
  readonly #pending = new PendingLines();
  #held: Key | null = null;
  /** vi was opened on the line, as it seems, and nobody has agreed to it yet. */
  #isEditorOpen = false;
  #submitAtUs = 0;
  #enteredAtUs = 0;
  #enteredAt: (Cell & { readonly text: string }) | null = null;
  #last: SubmittedLine | null = null;

  /** Sizes are clamped to what the screen emulates. */
  constructor(cols: number, rows: number, screen: Screen = lineScreen(cols, rows)) {
    this.#screen = screen;
  }

  /** What makes the target forget a line that was refused. */
  get abortKeys(): readonly Buffer[] {
    return abortKeys(this.#isInPaste);
  }

  /** What stood before the line when its first key came; null = that isn't known. */
  get prompt(): string | null {
    return this.#start === null || this.#start.isStale ? null : this.#start.prompt;
  }

  /** When the shell's prompt before the line had come; null = that isn't known. */
  get promptUs(): number | null {
    const { prompt } = this;
    if (prompt === null) return null;
    return this.#prompts.isKnown(prompt) || looksLikeShellPrompt(prompt) ? this.#shownAtUs : null;
  }

  /** What the target sent, in the order in which the client gets it. */
  output(bytes: Buffer, nowUs: number): void {
    const isLate = this.#roundTrip.isLate(nowUs);
    this.#screen.timePasses(nowUs);
    const isEdited = this.#start !== null && this.#typed.text === null;
    if (!isEdited || this.#isInPaste) this.#screen.write(bytes);
    else this.#shown.output(bytes, this.#screen, () => this.#edited()?.text ?? null, isLate);
    if (this.#start !== null) this.#shown.echoed(this.#typed.text, this.#screen, this.#start);
    const row = this.#screen.logicalLineTo(this.#screen.cursor);
    this.#roundTrip.received(nowUs, this.#answer.isEcho(row));
  }

  /** The target has marked the end of its prompt, behind all output so far. */
  promptEnded(): void {
    this.#markedPrompt.ended(this.#screen, this.#start !== null);
  }

  resize(cols: number, rows: number): void {
    this.#screen.resize(cols, rows);
    this.#wasResized = true;
  }

  /** A key that doesn't submit, before it is forwarded. */
  key(key: Key, nowUs: number): void {
    this.#sent(key, nowUs);
    this.#hasPicked = false;
    if (key.kind === 'report') return;
    if (key.kind === 'interrupt' && !key.inPaste) {
      this.#interrupted.interrupted(this.#typed.raw);
      this.#forgetLine();
      this.#pending.doubt();
      this.#enteredAtUs = nowUs;
      return;
    }
    if (this.#start !== null && this.#start.isAlternate !== this.#screen.isAlternate) {
      const typed = this.#typed.raw;
      this.#forgetLine();
      this.#carried = typed;
    }
    if (this.#start === null) {
      this.#begin();
      this.#begunAtUs = nowUs;
    }
    // Only a program that asked for the marks takes line breaks between them as text.
    if (key.kind === 'paste-start') {
      this.#isInPaste = this.#screen.bracketedPaste;
      if (!this.#isInPaste) this.#typed.forget();
    }
    if (key.kind === 'paste-end') this.#isInPaste = false;
    this.#typed.push(key);
  }

  #sent(key: Key, nowUs: number): void {
    // As a command of vi any key may change the line.
    const asks = asksTarget(key) || (this.#typed.isEscaped && key.kind === 'text');
    this.#roundTrip.sent(nowUs, key.kind, asks);
    this.#shown.key();
    if (!asks) return;
    const { beforeCursor } = this.#typed;
    const { prompt } = this;
    const echoed = prompt === null || beforeCursor === null ? null : prompt + beforeCursor;
    this.#answer.asked(echoed, this.#screen.logicalLineTo(this.#screen.cursor));
  }

  /** Whether the key is to be held until the line is decided. */
  submits(key: Key): boolean {
    this.#isEditorOpen &&= this.#screen.isAlternate;
    if (this.#start?.isAlternate === false && this.#screen.isAlternate) {
      // In vi mode `v` opens an editor, and the shell runs what it leaves behind.
      this.#isEditorOpen ||= this.#typed.isEscaped && this.#typed.raw.includes('v');
    }
    if (key.submits || this.#isEditorOpen) return true;
    if (key.kind !== 'text' || !key.text.includes('#') || !this.#typed.isEscaped) return false;
    // In vi mode `#` makes a line of a comment, and runs it.
    return /^\s*#/.test(this.#edited()?.text ?? '#');
  }

  /** An Enter, or another key that submits, came and is being held. */
  beginSubmit(nowUs: number, key?: Key): void {
    this.#submitAtUs = nowUs;
    this.#held = key ?? null;
    if (this.#start === null && this.isRefusedLineStuck) this.#begin();
  }

  /** The line, or how long to wait before asking again. Ends within the limits above. */
  poll(nowUs: number): PollOutcome {
    const reading = this.#read();
    const waitUs = this.#isInPaste ? 0 : this.#waitUs(nowUs, reading);
    if (waitUs > 0) return { kind: 'wait', forUs: Math.min(waitUs, POLL_US) };
    const { isUnanswered } = this.#roundTrip;
    const isOpen = isUnanswered && !(reading.isAgreed && this.#typed.isSure);
    const read = isOpen ? unansweredLine(reading.line) : reading.line;
    const held = heldLine(read, this.#held, this.#isEditorOpen);
    const around = { screen: this.#screen, start: this.#start, wasResized: this.#wasResized };
    const line = this.#markedPrompt.compared(held, around);
    const before = this.#start?.prompt ?? this.#cursorLine();
    this.#last = this.#interrupted.compared(line, before, this.#prompts);
    return { kind: 'line', line: this.#last };
  }

  /** The Enter went up. */
  submitted(nowUs: number): void {
    const line = this.#last;
    const held = this.#held;
    this.#enteredAtUs = nowUs;
    const entered = line?.text ?? '';
    this.#enteredAt = line?.text === '' ? null : { ...this.#screen.cursor, text: entered };
    if (this.#typed.text !== null && line?.secret === false) {
      this.#queried.learn(this.#typed.text, this.#edited()?.text ?? '');
    }
    this.#isEditorOpen = false;
    if (held === null || held.kind === 'enter') this.#interrupted.forget();
    if (line?.interim === true) {
      if (held !== null && held.kind !== 'enter') {
        this.#sent(held, nowUs);
        this.#typed.push(held);
      } else if (this.#isInPaste) this.#typed.newLine();
      else {
        this.#hasPicked = true;
        this.#typed = new TypedLine();
        this.#typed.forget();
      }
      return;
    }
    if (line !== null && line.certainty === 'observed' && !line.secret && !line.alternate) {
      if (this.#start !== null && !this.#start.isStale) this.#prompts.learn(this.#start.prompt);
    }
    this.#remember(line);
    // Other keys than Enter may leave the line where it is.
    if (held === null || held.kind === 'enter' || held.kind === 'end-of-input') this.#forgetLine();
    else this.#typed.push(held);
  }

  /** The line was refused and `abortKeys` went up instead. */
  afterDenied(nowUs: number): void {
    this.#refused.denied(this.#screen, this.#start?.prompt ?? '', this.#prompts);
    this.#enteredAtUs = nowUs;
    this.#forgetLine();
  }

  /** The line was refused and emptied by editing it: its prompt stands there still. */
  afterEmptied(): void {
    this.#forgetLine();
  }

  /** What stands there when it is nothing but a prompt: the line's own or a known one; else null. */
  get barePrompt(): string | null {
    const row = this.#cursorLine().trimEnd();
    const isOwn = row === this.prompt?.trimEnd() || this.#prompts.isBare(row);
    return isOwn && row.trim() !== '' ? this.#screen.logicalLineTo(this.#screen.cursor) : null;
  }

  dispose(): void {
    this.#screen.dispose();
  }

  #forgetLine(): void {
    this.#start?.row.dispose();
    this.#start = null;
    this.#markedPrompt.forget();
    this.#typed = new TypedLine();
    this.#shown = new ShownLines();
    this.#carried = '';
    this.#isInPaste = false;
    this.#wasResized = false;
    this.#hasPicked = false;
    this.#last = null;
  }

  #begin(): void {
    const { x, y } = this.#screen.cursor;
    const isUnmoved = this.#enteredAt?.x === x && this.#enteredAt.y === y;
    this.#entered = isUnmoved ? (this.#enteredAt?.text ?? null) : null;
    const isStale = isUnmoved || this.#roundTrip.lastReceivedUs < this.#enteredAtUs;
    this.#shownAtUs = this.#roundTrip.lastReceivedUs;
    this.#screen.watchModes();
    const start = markStart(this.#screen, isStale);
    const refused = this.#refused.prompt;
    const isStuck = this.isRefusedLineStuck;
    this.#refused.forget();
    if (isStuck && refused !== null) {
      this.#typed.forget();
      this.#start = { ...start, prompt: refused };
      return;
    }
    if (refused !== null) this.#pending.doubt();
    const prefilled = isStale
      ? []
      : this.#prompts.restsOf(start.prompt).filter((rest) => rest !== '');
    const isPrompt = [start.prompt, ...prefilled].some((one) => this.#prompts.isKnown(one));
    const rest = isPrompt ? undefined : prefilled.at(-1);
    // A program may have put text into the line before the first key.
    if (rest !== undefined) this.#typed.prefill(rest);
    const prompt = start.prompt.slice(0, start.prompt.length - (rest?.length ?? 0));
    this.#start = { ...start, prompt };
  }

  /** A line that was refused stands there still. */
  get isRefusedLineStuck(): boolean {
    return this.#refused.isStuck(this.#screen);
  }

  #waitUs(nowUs: number, reading: Reading): number {
    const { line, isAgreed, isLate = false, isAhead = false } = reading;
    const { smoothedUs, longUs, lastReceivedUs, lastSentUs } = this.#roundTrip;
    return settlingUs({
      nowUs,
      submitAtUs: this.#submitAtUs,
      enteredAtUs: this.#enteredAtUs,
      smoothedUs,
      longUs,
      lastReceivedUs,
      lastSentUs,
      // A full-screen program shows its keys as it likes.
      isAhead: !line.alternate && (this.#start?.isStale === true || isAhead),
      // What a key does that only the target knows may come later than what agrees.
      isAgreed: isAgreed && !this.#roundTrip.isUnanswered,
      isUnechoed: line.secret || isLate || this.#roundTrip.isUnanswered,
      isContradicted:
        !isAgreed && !line.alternate && (this.#typed.text ?? this.#typed.likely ?? '') !== '',
    });
  }

  #read(): Reading {
    if (this.#start === null) return { line: this.#bareEnter(), isAgreed: false };
    if (this.#isInPaste) {
      // Even behind a known prompt the marks may be a trick, and each line may run as it comes.
      const isKnown = this.#prompts.isKnown(this.#start.prompt);
      return { line: pastedLine(this.#typed.text, isKnown), isAgreed: true };
    }
    const edited = this.#edited();
    if (this.#screen.isAlternate && edited?.isPromptKnown !== true) {
      const full = { line: this.#fullScreen(), isAgreed: false };
      if (edited === null || !isShellInside(this.#start)) return full;
      const inside = this.#compare(this.#start, edited);
      return inside.isAgreed ? { ...inside, line: withGuesses(inside.line, full.line) } : full;
    }
    return this.#compare(this.#start, edited ?? readUnprompted(this.#screen, this.#start));
  }

  #edited(): EditedText | null {
    const start = this.#start;
    return start && readEdited(this.#screen, start, this.#prompts, this.#wasResized);
  }

  /** Enter without a key before it: nothing, unless a program has filled the line. */
  #bareEnter(): SubmittedLine {
    if (this.#screen.isAlternate) return this.#fullScreen();
    return this.#line(bareLine(this.#screen, this.#prompts));
  }

  #fullScreen(): SubmittedLine {
    const isSilent = this.#roundTrip.lastReceivedUs < this.#begunAtUs;
    const isCut = this.#screen.isCutOff || this.#screen.isLacking;
    return fullScreenLine(this.#carried, this.#typed, this.#cursorLine(), { isSilent, isCut });
  }

  #compare(start: LineStart, edited: EditedText | null): Reading {
    const typed = this.#typed.text;
    const row = this.#cursorLine();
    const [screen, shown, wasResized] = [this.#screen, this.#shown, this.#wasResized];
    const around = { screen, prompts: this.#prompts, start, shown, wasResized };
    const carried = charSuffixes(this.#carried === '' ? '' : this.#carried + (typed ?? ''));
    const isPlaced = edited?.isPromptKnown === true;
    const before = [...carried, ...this.#typed.otherwise, ...(isPlaced ? [] : wordSuffixes(row))];
    if (typed === null || typed.trim() === '') {
      const reading = editedLine({
        ...around,
        edited,
        row,
        keys: this.#typed,
        hasPicked: this.#hasPicked,
        isSilent: this.#roundTrip.lastReceivedUs < this.#begunAtUs,
        guesses: before,
        toLine: (draft) => this.#line(draft),
      });
      return { ...reading, line: this.#queried.compared(reading.line) };
    }
    // A program may have taken the first of the keys where nobody saw a prompt before them.
    const isPartial = start.isStale || (!isPlaced && start.prompt.trim() === '');
    const guesses = isPartial ? [...charSuffixes(typed), ...before] : before;
    const toLine = (draft: Draft): SubmittedLine => this.#line(draft);
    return typedLine({ ...around, edited, row, typed, entered: this.#entered, guesses, toLine });
  }

  /** The line, also joined with those before it that the shell may have taken but not run yet. */
  #line(draft: Draft): SubmittedLine {
    const prompt = this.#start?.prompt ?? this.#cursorLine();
    return submittedLine(this.#pending.join(draft, prompt, this.#prompts));
  }

  #remember(line: SubmittedLine | null): void {
    if (line === null || line.text === null || line.alternate) this.#pending.clear();
    else this.#pending.add(line.text, this.#start?.prompt ?? this.#cursorLine(), this.#prompts);
  }

  #cursorLine(): string {
    return this.#screen.logicalLine(this.#screen.cursor.y);
  }
}
