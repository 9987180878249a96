/**
 * Reads the line that a person submits in a terminal: what the keys say and what the emulated screen
 * shows, compared. Not caught here: commands that a program on the target starts without an Enter from
 * the client (key bindings with a line break in them, `edit-and-execute-command`, timers), and text
 * that never appears on the screen although the program echoes.
 *
 * Nothing is waited for and no clock is read: times come in as microseconds of the caller's clock.
 * Printed bytes never switch the reader off; at worst a line is `uncertain`.
 */
import { isHidden, isPickedLine, isShown } from './echo.ts';
import { markStart, readEdited, readUnprompted } from './edited-text.ts';
import type { EditedText, LineStart } from './edited-text.ts';
import { abortBytes, type Key } from './keys.ts';
import { PendingLines } from './pending-lines.ts';
import {
  Prompts,
  afterPromptShape,
  incrementalSearch,
  looksLikeSecretPrompt,
  looksLikeShellPrompt,
} from './prompt.ts';
import { RoundTrip } from './round-trip.ts';
import { sameLetters, sameText } from './same-text.ts';
import { SCROLLBACK_ROWS, Screen } from './screen.ts';
import { settlingUs } from './settling.ts';
import { submittedLine, type Draft, type SubmittedLine } from './submitted-line.ts';
import { charSuffixes, wordSuffixes } from './suffixes.ts';
import { TypedLine } from './typed.ts';
import { unfinished } from './unfinished.ts';

/** Lines of a paste that may belong together are judged together up to this length. */
const MAX_JOINED_PASTE_CHARS = 4096;
/** The caller looks again after at most this long, since the echo may come any time. */
const POLL_US = 3000;

export { AHEAD_LIMIT_US, SETTLE_LIMIT_US, SETTLE_QUIET_US } from './settling.ts';
export type { SubmittedLine };

export type PollOutcome =
  | { readonly kind: 'wait'; readonly forUs: number }
  | { readonly kind: 'line'; readonly line: SubmittedLine };

interface Reading {
  readonly line: SubmittedLine;
  /** Keys and screen say the same: nothing is to be waited for. */
  readonly isAgreed: boolean;
}

/**
 * One per terminal. For every Enter: `beginSubmit`, `poll` until it gives the line, and then `submitted`
 * or `afterDenied`. Reading again (after an approval) is allowed and gives the same line if it is one.
 */
export class LineReader {
  readonly #screen: Screen;
  readonly #prompts = new Prompts();
  readonly #roundTrip = new RoundTrip();
  #typed = new TypedLine();
  /** null = no key of the next line has come. */
  #start: LineStart | null = null;
  /** What was typed into a full-screen program that has ended since. */
  #carried = '';
  /** When the first key of the line came. */
  #begunAtUs = 0;
  /** The line that was refused last, until a key of the next one comes. */
  #refused: { readonly prompt: string; readonly line: string } | null = null;
  #isInPaste = false;
  #wasResized = false;
  readonly #pending = new PendingLines();
  /** The key that is held is Ctrl-D, which ends no line that has something in it. */
  #endKey: Key | null = null;
  #submitAtUs = 0;
  #enteredAtUs = 0;
  #last: SubmittedLine | null = null;

  /** Sizes are clamped to what the screen emulates. */
  constructor(cols: number, rows: number) {
    this.#screen = new Screen(cols, rows, SCROLLBACK_ROWS, { plainLetters: true });
  }

  /** What makes the target forget a line that was refused. */
  get abortBytes(): Buffer {
    return abortBytes(this.#isInPaste);
  }

  /** What the target sent, in the order in which the client gets it. */
  output(bytes: Buffer, nowUs: number): void {
    this.#roundTrip.received(nowUs);
    this.#screen.write(bytes);
  }

  resize(cols: number, rows: number): void {
    this.#screen.resize(cols, rows);
    this.#wasResized = true;
  }

  /** A key that doesn't submit, before it is forwarded. */
  key(key: Key, nowUs: number): void {
    this.#roundTrip.sent(nowUs, key.kind === 'text');
    if (key.kind === 'report') return;
    if (key.kind === 'interrupt' && !key.inPaste) {
      this.#forgetLine();
      this.#pending.clear();
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

  /** An Enter, or another key that submits, came and is being held. */
  beginSubmit(nowUs: number, key?: Key): void {
    this.#submitAtUs = nowUs;
    this.#endKey = key?.kind === 'end-of-input' ? key : null;
    if (this.#start === null && this.#isRefusedLineStuck()) this.#begin();
  }

  /** The line, or how long to wait before asking again. Ends within the limits above. */
  poll(nowUs: number): PollOutcome {
    const reading = this.#read();
    const waitUs = this.#isInPaste ? 0 : this.#waitUs(nowUs, reading);
    if (waitUs > 0) return { kind: 'wait', forUs: Math.min(waitUs, POLL_US) };
    const isOpen = this.#endKey !== null && this.#start !== null && reading.line.text !== '';
    const line = isOpen ? { ...reading.line, interim: true } : reading.line;
    this.#last = line;
    return { kind: 'line', line };
  }

  /** The Enter went up. */
  submitted(nowUs: number): void {
    const line = this.#last;
    this.#enteredAtUs = nowUs;
    if (line?.interim === true) {
      if (this.#endKey !== null) this.#typed.push(this.#endKey);
      else if (this.#isInPaste) this.#typed.newLine();
      else this.#typed.forget();
      return;
    }
    if (line !== null && line.certainty === 'observed' && !line.secret && !line.alternate) {
      if (this.#start !== null && !this.#start.isStale) this.#prompts.learn(this.#start.prompt);
    }
    this.#remember(line);
    this.#forgetLine();
  }

  /** The line was refused and `abortBytes` went up instead. */
  afterDenied(nowUs: number): void {
    const prompt = this.#start?.prompt ?? '';
    const line = this.#screen.logicalLineTo(this.#screen.cursor).trimEnd();
    this.#enteredAtUs = nowUs;
    this.#forgetLine();
    this.#refused = { prompt, line };
  }

  dispose(): void {
    this.#screen.dispose();
  }

  #forgetLine(): void {
    this.#start?.row.dispose();
    this.#start = null;
    this.#typed = new TypedLine();
    this.#carried = '';
    this.#isInPaste = false;
    this.#wasResized = false;
    this.#last = null;
  }

  #begin(): void {
    const isStale = this.#roundTrip.lastReceivedUs < this.#enteredAtUs;
    const start = markStart(this.#screen, isStale);
    const refused = this.#refused?.prompt;
    const isStuck = this.#isRefusedLineStuck();
    this.#refused = null;
    if (isStuck && refused !== undefined) {
      this.#typed.forget();
      this.#start = { ...start, prompt: refused };
      return;
    }
    if (refused !== undefined) this.#pending.clear();
    const prefilled = isStale
      ? []
      : this.#prompts.restsOf(start.prompt).filter((rest) => rest !== '');
    const isPrompt = [start.prompt, ...prefilled].some((one) => this.#prompts.isKnown(one));
    const rest = isPrompt ? undefined : prefilled.at(-1);
    // A program may have put text into the line before the first key.
    if (rest !== undefined) this.#typed.forget();
    const prompt = start.prompt.slice(0, start.prompt.length - (rest?.length ?? 0));
    this.#start = { ...start, prompt };
  }

  /** A program that takes the abort for text still has the line, and the next Enter submits it. */
  #isRefusedLineStuck(): boolean {
    if (this.#refused === null) return false;
    const { prompt, line } = this.#refused;
    if (line === prompt.trimEnd()) return false;
    return this.#screen.logicalLineTo(this.#screen.cursor).startsWith(line);
  }

  #waitUs(nowUs: number, { isAgreed, line }: Reading): number {
    const { smoothedUs, lastReceivedUs, lastSentUs } = this.#roundTrip;
    return settlingUs({
      nowUs,
      submitAtUs: this.#submitAtUs,
      enteredAtUs: this.#enteredAtUs,
      smoothedUs,
      lastReceivedUs,
      lastSentUs,
      isAhead: this.#start?.isStale === true,
      isAgreed,
      isUnechoed: line.secret,
      isContradicted: !isAgreed && (this.#typed.text ?? this.#typed.likely ?? '') !== '',
    });
  }

  #read(): Reading {
    if (this.#start === null) return { line: this.#bareEnter(), isAgreed: false };
    if (this.#isInPaste) return { line: this.#pasteLine(this.#start), isAgreed: true };
    const edited = readEdited(this.#screen, this.#start, this.#prompts, this.#wasResized);
    if (this.#screen.isAlternate && edited?.isPromptKnown !== true) {
      return { line: this.#fullScreen(), isAgreed: false };
    }
    return this.#compare(this.#start, edited ?? readUnprompted(this.#screen, this.#start));
  }

  /** Enter without a key before it: nothing, unless a program has filled the line. */
  #bareEnter(): SubmittedLine {
    const row = this.#cursorLine();
    if (this.#screen.isAlternate) return this.#fullScreen();
    const rest = this.#prompts.restsOf(row).at(-1);
    if (rest === undefined) return this.#line({ text: '', guesses: wordSuffixes(row) });
    const before = this.#prompts.restsOf(this.#screen.logicalLineTo(this.#screen.cursor)).at(-1);
    // A prompt at the right margin is set off by blanks; text in the line is not.
    if ((before ?? '').trim() === '' && /^(?:$|\s{2})/.test(rest)) {
      return this.#line({ text: '', guesses: wordSuffixes(rest) });
    }
    return this.#line({ text: rest, strict: [rest] });
  }

  /** A line break inside a paste that the line editor keeps to itself until the paste ends. */
  #pasteLine(start: LineStart): SubmittedLine {
    const whole = this.#typed.text;
    if (whole === null) {
      return submittedLine({ text: null, why: 'the paste contains control characters' });
    }
    const end = whole.lastIndexOf('\n');
    const text = whole.slice(end + 1);
    const before = whole.slice(0, Math.max(0, end)).slice(-MAX_JOINED_PASTE_CHARS);
    const joined = unfinished(before) === null ? [] : [whole.slice(-MAX_JOINED_PASTE_CHARS)];
    // Even behind a known prompt the marks may be a trick, and each line may run as it comes.
    const isKnown = this.#prompts.isKnown(start.prompt);
    return submittedLine({
      text,
      [isKnown ? 'guesses' : 'strict']: [text, ...joined],
      interim: true,
    });
  }

  #fullScreen(): SubmittedLine {
    const typed = this.#carried + this.#typed.raw;
    const guesses = [...charSuffixes(typed), ...wordSuffixes(this.#cursorLine())];
    return submittedLine({ text: typed === '' ? null : typed, guesses, alternate: true });
  }

  #compare(start: LineStart, edited: EditedText | null): Reading {
    const typed = this.#typed.text;
    const row = this.#cursorLine();
    const wasResized = this.#wasResized;
    const around = { screen: this.#screen, prompts: this.#prompts, start, wasResized };
    const carried = charSuffixes(this.#carried === '' ? '' : this.#carried + (typed ?? ''));
    const guesses = edited?.isPromptKnown === true ? carried : [...carried, ...wordSuffixes(row)];
    if (typed === null || typed.trim() === '') {
      const isEmpty = typed !== null && edited !== null && edited.text === '';
      const { raw } = this.#typed;
      const shown = edited?.text ?? row;
      if (typed === null && shown.trim() === '' && this.#isSilent(raw)) {
        const why = 'keys were pressed and nothing of them is on the screen';
        return {
          line: this.#line({ text: null, why, strict: [raw], secret: true }),
          isAgreed: false,
        };
      }
      const likely = this.#typed.likely ?? '';
      const isPlaced = start.prompt !== '' || edited?.isPromptKnown === true;
      if (edited !== null && isPlaced && likely.trim() !== '' && sameLetters(likely, shown)) {
        const strict = sameText(likely, shown) ? [likely] : [likely, shown];
        return { line: this.#line({ text: likely, strict, guesses }), isAgreed: true };
      }
      // Where keys and screen differ, the target may keep off the screen what was typed, or add to it.
      const unseen = raw.trim() === '' || sameText(raw, shown) ? [] : [raw];
      return { line: this.#byScreen(start, edited, [...unseen, ...guesses]), isAgreed: isEmpty };
    }
    if (isHidden(typed, edited?.text ?? null, around)) {
      return { line: this.#secret(row, typed), isAgreed: false };
    }
    // Rows below the cursor are no part of the line when the keys say what it is.
    const others = (edited?.others ?? []).filter((other) => !other.includes('\n'));
    const shown = edited?.text ?? (start.isStale ? row : null);
    if (shown !== null && sameText(typed, shown)) {
      return {
        line: this.#line({ text: typed, strict: [typed, ...others], guesses }),
        isAgreed: true,
      };
    }
    const shaped = afterPromptShape(row);
    if (shaped !== null && sameText(typed, shaped)) {
      return { line: this.#line({ text: typed, strict: [typed], guesses }), isAgreed: true };
    }
    if (shown !== null && isShown(typed, shown, around)) {
      const isAgreed = start.isStale || sameLetters(typed, shown);
      const strict = start.isStale ? [typed] : [typed, shown];
      return { line: this.#line({ text: typed, strict, guesses: [shown, ...guesses] }), isAgreed };
    }
    const texts = edited === null ? [shaped] : textsOf(edited);
    const why =
      edited === null
        ? 'nothing on the screen shows where the line begins'
        : 'the screen shows something else than what was typed';
    const text = edited?.text ?? typed;
    return { line: this.#line({ text, why, strict: [...texts, typed], guesses }), isAgreed: false };
  }

  /** The keys don't say what the line holds: history, completion, search, editing. */
  #byScreen(
    start: LineStart,
    edited: EditedText | null,
    guesses: readonly string[],
  ): SubmittedLine {
    const row = this.#cursorLine();
    const shaped = afterPromptShape(row);
    if (edited !== null && this.#typed.isRecalled && isPickedLine(edited.text)) {
      return this.#line({ text: null, strict: textsOf(edited), guesses, interim: true });
    }
    if (edited !== null && (start.prompt !== '' || edited.isPromptKnown || shaped === null)) {
      return this.#line({ text: edited.text, strict: textsOf(edited), guesses });
    }
    const search = incrementalSearch(row);
    if (search.length > 0) return this.#line({ text: search[0] ?? null, strict: search, guesses });
    const why = 'the prompt is unknown, so that the line may begin elsewhere';
    const strict = edited === null ? [shaped] : [...textsOf(edited), shaped];
    return this.#line({ text: shaped, why, strict, guesses });
  }

  /** With a blank line on the screen: letters were typed, or the target answered no key at all. */
  #isSilent(raw: string): boolean {
    return raw.trim() !== '' || this.#roundTrip.lastReceivedUs < this.#begunAtUs;
  }

  #secret(row: string, typed: string): SubmittedLine {
    // A line editor that doesn't echo, or a shell's prompt: this may well be a command.
    const isSuspect =
      this.#screen.bracketedPaste ||
      this.#prompts.restsOf(row).length > 0 ||
      (looksLikeShellPrompt(row) && !looksLikeSecretPrompt(row));
    if (!isSuspect) return submittedLine({ text: null, guesses: [typed], secret: true });
    const why = 'the terminal does not echo although a shell seems to be waiting';
    return submittedLine({ text: null, why, strict: [typed], secret: true });
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

function textsOf(edited: EditedText): (string | null)[] {
  return [edited.text, edited.withGhost, ...edited.others];
}
