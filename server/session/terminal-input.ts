/**
 * Input of a session with a terminal. Keys pass at once; at every Enter the line is read from the
 * emulated screen, decided, and only then does the Enter go up. What can't be read is uncertain, and
 * the policy says what happens to it.
 */
import type { ShellIntegration } from '../access/target.ts';
import { commentsAsWords } from '../shell/comments.ts';
import { isCompleteInput } from '../shell/complete.ts';
import { KeySplitter, type Key } from '../terminal/keys.ts';
import { lineScreen } from '../terminal/line-screen.ts';
import { LineReader, type SubmittedLine } from '../terminal/line.ts';
import { uncertainLine } from '../terminal/submitted-line.ts';
import { DroppedKeys } from './dropped-keys.ts';
import type { Gate, GateLine } from './gate.ts';
import { HiddenInput } from './hidden-input.ts';
import type { InputQueue, ResizeUnit } from './input-queue.ts';
import { LineClearing } from './line-clearing.ts';
import { notice } from './notice.ts';
import type { OutputPipe } from './output.ts';
import type { TerminalSize, UpstreamEnd } from './ports.ts';
import { ShellMarks } from './shell-marks.ts';
import type { InputEnd } from './stdin-input.ts';
import { TerminalLanguage } from './terminal-language.ts';
import { TerminalNotices } from './terminal-notices.ts';
import type { WorkShare } from './turns.ts';

const CTRL_C = 0x03;
/** A pause of so long ends a paste. */
const PASTE_PAUSE_MS = 80;
/** Keys are split, read and passed on in pieces of at most this size. */
const SLICE_BYTES = 4096;
/** Output is shown to the reader in pieces of this size. */
const SHOWN_BYTES = 2048;
/** What stands in records for text typed while the terminal did not echo. */
const NOT_ECHOED = '(not echoed)';
/** The same behind the part of a line that was echoed. */
const REST_NOT_ECHOED = '(the rest was not echoed)';
/** What stands in records for a line that could not be read. */
const UNREADABLE = '(unreadable line)';
const STATEMENT_STAYS =
  'only the last line was dropped: the lines of the statement before it are still there, end it first';

export interface TerminalInputOptions {
  readonly input: InputQueue;
  readonly upstream: UpstreamEnd;
  readonly gate: Gate;
  readonly say: (text: string) => Promise<void>;
  readonly output: OutputPipe;
  readonly size: TerminalSize;
  /** What the marks of the target's shell are used for, and the nonce of a shell that was told to mark. */
  readonly marks: { readonly mode: ShellIntegration; readonly nonce: string | null };
  /** Ends the session. */
  readonly end: (text: string) => void;
  /** Microseconds since the start of the session. */
  readonly nowUs: () => number;
}

export class TerminalInput {
  readonly #options: TerminalInputOptions;
  readonly #keys = new KeySplitter();
  readonly #reader: LineReader;
  readonly #language: TerminalLanguage;
  readonly #marks: ShellMarks | null;
  readonly #hidden = new HiddenInput();
  readonly #clearing: LineClearing;
  /** What people tell the client. */
  readonly notices: TerminalNotices;
  /** A line of a bracketed paste was refused: the rest of that paste is dropped as it comes. */
  #dropsPaste = false;
  #unrecordedSize: TerminalSize | null = null;
  #recordsSize = false;

  constructor(options: TerminalInputOptions) {
    this.#options = options;
    const { cols, rows } = options.size;
    const screen = lineScreen(cols, rows);
    this.#reader = new LineReader(cols, rows, screen);
    this.notices = new TerminalNotices(screen, options.output);
    const { marks, gate, end } = options;
    this.#clearing = new LineClearing({ ...options, reader: this.#reader });
    const onPrompt = (): void => this.#reader.promptEnded();
    this.#marks =
      marks.mode === 'off' ? null : new ShellMarks({ nonce: marks.nonce, gate, onPrompt, end });
    this.#language = new TerminalLanguage((text, sql) => options.gate.wouldRefuse(text, sql));
  }

  /**
   * Shows the reader what the target sent, before the client gets it.
   * @param atUs when it is recorded
   */
  async observe(bytes: Buffer, atUs: number): Promise<void> {
    const { work } = this.#options.gate;
    this.notices.observed(bytes);
    const show = (piece: Buffer): void => this.#reader.output(piece, this.#options.nowUs());
    for (let at = 0; at < bytes.length; at += SHOWN_BYTES) {
      const piece = bytes.subarray(at, at + SHOWN_BYTES);
      work.run(() => (this.#marks === null ? show(piece) : this.#marks.read(piece, atUs, show)));
      await work.pause();
    }
  }

  /** Passes input on until the client has gone. */
  async run(): Promise<InputEnd> {
    const { input, upstream } = this.#options;
    for (;;) {
      const unit = await input.next();
      switch (unit.kind) {
        case 'data':
          await this.#keystrokes(unit.bytes);
          break;
        case 'resize':
          await this.#resize(unit);
          break;
        case 'eof':
        case 'signal':
        case 'break':
          await upstream.write(unit);
          break;
        case 'close':
          this.#reader.dispose();
          await upstream.write(unit);
          return { kind: 'gone' };
      }
    }
  }

  async #resize(unit: ResizeUnit): Promise<void> {
    const { cols, rows } = unit.size;
    this.#reader.resize(cols, rows);
    this.#options.output.resized(cols);
    this.#unrecordedSize = unit.size;
    if (!this.#recordsSize) void this.#recordSizes();
    await this.#options.upstream.write(unit);
  }

  /** One at a time: of sizes that come faster than they can be recorded, the last one counts. */
  async #recordSizes(): Promise<void> {
    const { output, nowUs } = this.#options;
    this.#recordsSize = true;
    for (let size = this.#unrecordedSize; size !== null; size = this.#unrecordedSize) {
      this.#unrecordedSize = null;
      const { cols, rows } = size;
      // A failed recording surfaces where output is pushed; input has nothing to add.
      await output.event({ atUs: nowUs(), code: 'r', cols, rows }).catch(() => {});
    }
    this.#recordsSize = false;
  }

  async #keystrokes(bytes: Buffer): Promise<void> {
    const { input, gate } = this.#options;
    const { work } = gate;
    for (let rest = bytes; rest.length > 0 && !input.gone.aborted;) {
      const slice = rest.subarray(0, SLICE_BYTES);
      const taken = work.run(() => this.#keys.take(slice));
      rest = rest.subarray(slice.length - taken.rest.length);
      const last = taken.keys.at(-1);
      if (last !== undefined && this.#reader.submits(last) && !this.#dropsPaste) {
        // What is behind it waits where Ctrl-C is looked for while the line is held.
        input.unshift(rest);
        rest = rest.subarray(rest.length);
      }
      await this.#pass(taken.keys);
      await work.pause();
    }
  }

  async #pass(keys: readonly Key[]): Promise<void> {
    const { upstream, gate, nowUs, output } = this.#options;
    const { work } = gate;
    let passing: Buffer[] = [];
    const flush = async (): Promise<void> => {
      if (passing.length === 0) return;
      const bytes = Buffer.concat(passing);
      output.typed(bytes);
      await upstream.write({ kind: 'data', bytes });
      passing = [];
    };
    for (const [index, key] of keys.entries()) {
      if (this.#dropsPaste) {
        // Whoever never says that the paste has ended is heard again after Ctrl-C.
        const isStopped = key.inPaste && key.bytes.includes(CTRL_C);
        if (isStopped) this.#keys.endPaste();
        this.#dropsPaste = key.inPaste && !isStopped;
        if (key.inPaste || key.kind === 'paste-end') continue;
      }
      if (!work.run(() => this.#reader.submits(key))) {
        work.run(() => this.#reader.key(key, nowUs()));
        if (key.kind === 'interrupt') this.#language.forget();
        passing.push(key.bytes);
        if (work.isUsedUp) {
          await flush();
          await work.pause();
        }
        continue;
      }
      await flush();
      if (!(await this.#submit(key, keys.slice(index + 1)))) return;
    }
    await flush();
  }

  /**
   * Decides the line that `enter` would submit. False = refused, and the line was cleared upstream.
   * @param behind keys that came with it; they are dropped with a refused line
   */
  async #submit(enter: Key, behind: readonly Key[]): Promise<boolean> {
    const { input, gate, say, upstream, nowUs } = this.#options;
    const line = await this.#read(enter);
    const isPlain = line.text !== null && !line.alternate && !line.interim && !line.secret;
    const { promptUs } = this.#reader;
    const isPasted = line.text !== null && line.interim && enter.inPaste;
    const { prompt } = this.#reader;
    const judgedLine = await gateLine(line, gate.work);
    const typed = { line: { ...judgedLine, promptUs }, prompt, isPlain, isPasted };
    const judged = await this.#language.read(typed);
    const outcome = await input.interruptible(
      (abandoned) => gate.decide(judged, abandoned, say),
      ({ kind }) => kind === 'refused',
      // A target that takes no more input ends the session elsewhere.
      (unit) => void this.#resize(unit).catch(() => {}),
    );
    if (input.gone.aborted) return false;
    let refusal = outcome.kind === 'refused' ? outcome.notice : null;
    if (outcome.kind === 'released' && outcome.decision.verdict === 'hold') {
      if (!(await this.#isUnchanged(line, enter))) {
        refusal = notice('refused: the line is no longer the one that was approved; type it again');
      }
    }
    if (refusal === null) {
      if (outcome.kind === 'released' && isPlain && line.text !== '') {
        this.#language.released(judged, typed, outcome.decision);
        const isForShell = judged.language === 'shell' && judged.console === undefined;
        if (!judged.secret) this.#hidden.shown(outcome.decision.commands, isForShell);
      }
      if (outcome.kind === 'released') {
        this.#marks?.released(judged.candidates, outcome.decision.verdict === 'hold');
      }
      if (line.secret && !line.alternate) this.#hidden.hidden(prompt ?? '');
      if (enter.kind === 'end-of-input' && line.text === '') this.#language.inputEnded();
      this.#reader.submitted(nowUs());
      this.#options.output.typed(enter.bytes);
      await upstream.write({ kind: 'data', bytes: enter.bytes });
      return true;
    }
    const isEmptied =
      !enter.inPaste && !this.#language.takesInterrupt && (await this.#clearing.empty());
    if (!isEmptied) this.#language.forget();
    await say(refusal);
    if (isEmptied && this.#language.isInStatement) await say(notice(STATEMENT_STAYS));
    const dropped = await this.#dropFollowing(enter, behind);
    if (dropped !== null) await say(notice(dropped));
    if (isEmptied) await this.#clearing.showPrompt();
    else await this.#clearing.interrupt();
    return false;
  }

  /** Whether the line is still the one that was approved, as far as keys and screen say. */
  async #isUnchanged(line: SubmittedLine, enter: Key): Promise<boolean> {
    const again = await this.#read(enter);
    if (again.text !== line.text || again.certainty !== line.certainty) return false;
    if (again.secret !== line.secret || again.alternate !== line.alternate) return false;
    const approved = new Set(line.candidates);
    const added = again.candidates.filter((one) => !approved.has(one) && !again.guesses.has(one));
    // Without a text, the readings are all that was approved; with one, output may stand around it.
    if (line.text === null) return added.length === 0;
    for (const one of added) if (await this.#options.gate.wouldDeny(one)) return false;
    return true;
  }

  /**
   * Drops what came before anybody could know of the refusal, and the rest of a paste as it comes.
   * @returns what to say of it; null = there was nothing
   */
  async #dropFollowing(enter: Key, behind: readonly Key[]): Promise<string | null> {
    const { input } = this.#options;
    const dropped = new DroppedKeys(enter.inPaste);
    dropped.add(behind);
    do {
      for (let rest = input.dropKeys(); rest.length > 0;) {
        const slice = rest.subarray(0, SLICE_BYTES);
        const taken = this.#options.gate.work.run(() => this.#keys.take(slice));
        dropped.add(taken.keys);
        rest = rest.subarray(slice.length - taken.rest.length);
        await this.#options.gate.work.pause();
      }
    } while (dropped.goesOn && (await input.moreKeys(PASTE_PAUSE_MS)));
    this.#dropsPaste = dropped.isInPaste;
    return dropped.words;
  }

  /** A line without echo is in doubt when a shell may read it. */
  #doubted(line: SubmittedLine): SubmittedLine {
    if (!line.secret || line.alternate || line.certainty === 'uncertain') return line;
    const why = this.#hidden.doubt(this.#reader.prompt ?? '');
    return why === null ? line : uncertainLine({ ...line, guesses: new Set() }, why);
  }

  /** Waits, bounded by the reader, until the echo has settled; then reads the line. */
  async #read(key: Key): Promise<SubmittedLine> {
    const { gate, nowUs } = this.#options;
    this.#reader.beginSubmit(nowUs(), key);
    for (;;) {
      const step = gate.work.run(() => this.#reader.poll(nowUs()));
      if (step.kind === 'line') return this.#doubted(step.line);
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(step.forUs / 1000)));
      await gate.work.pause();
    }
  }
}

async function gateLine(line: SubmittedLine, work: WorkShare): Promise<GateLine> {
  const empty = line.text === '' && line.certainty === 'observed';
  const isForProgram = line.secret && line.certainty === 'observed';
  const isKept = !line.secret && line.echoed === null;
  const candidates = [...line.candidates];
  const guesses = new Set(line.guesses);
  for (const one of line.candidates) {
    // A shell runs nothing of a line that it asks to continue; the reader joins what follows to it.
    const isOpen = work.run(() => isUnfinished(one));
    if (isOpen) guesses.add(one);
    const words = line.alternate || line.guesses.has(one) ? null : commentsAsWords(one);
    if (words !== null && !candidates.includes(words)) {
      candidates.push(words);
      guesses.add(words);
    }
    if (isOpen && !line.guesses.has(one)) candidates.push(...work.run(() => closedByBrace(one)));
    await work.pause();
  }
  return {
    text: writtenText(line),
    otherwise: isKept ? line.otherwise : null,
    whole: isKept ? line.whole : null,
    mayStandAlone: line.mayStandAlone,
    candidates,
    guesses,
    language: 'shell',
    certainty: line.certainty,
    why: line.why,
    quiet: empty || isForProgram || line.alternate || line.interim,
    secret: !isKept,
    unshown: isKept || isForProgram ? null : (line.text ?? line.candidates[0] ?? null),
    isMarked: line.isMarked,
  };
}

/** What may be stored of the line. */
function writtenText({ text, secret, echoed }: SubmittedLine): string {
  if (secret || echoed?.trim() === '') return NOT_ECHOED;
  return echoed === null ? (text ?? UNREADABLE) : `${echoed} ${REST_NOT_ECHOED}`;
}

/**
 * zsh takes a brace for a word of its own wherever it stands: `f() { ls }` is whole there.
 * @param text a line that other shells ask to continue
 */
function closedByBrace(text: string): string[] {
  const closed = text.replace(/([^\s;&|{(])(\s+\})/g, '$1;$2');
  return closed === text || isUnfinished(closed) ? [] : [closed];
}

function isUnfinished(text: string): boolean {
  return isCompleteInput(text) === 'incomplete';
}
