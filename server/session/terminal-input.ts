/**
 * Input of a session with a terminal. Keys pass at once; at every Enter the line is read from the
 * emulated screen, decided, and only then does the Enter go up. What can't be read is uncertain, and
 * the policy says what happens to it.
 */
import type { ShellIntegration } from '../access/target.ts';
import { isCompleteInput } from '../shell/complete.ts';
import { KeySplitter, type Key } from '../terminal/keys.ts';
import { LineReader, type SubmittedLine } from '../terminal/line.ts';
import type { Gate, GateLine } from './gate.ts';
import type { InputQueue } from './input-queue.ts';
import { notice } from './notice.ts';
import type { OutputPipe } from './output.ts';
import type { TerminalSize, UpstreamEnd } from './ports.ts';
import { ShellMarks } from './shell-marks.ts';
import type { InputEnd } from './stdin-input.ts';
import { TerminalLanguage } from './terminal-language.ts';

/** How long the target may take to draw a new prompt after a refused line, milliseconds. */
const REDRAW_WAIT_MS = 60;
/** What stands in records for text typed while the terminal did not echo. */
const NOT_ECHOED = '(not echoed)';
/** What stands in records for a line that could not be read. */
const UNREADABLE = '(unreadable line)';

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
  /** A line of a bracketed paste was refused: the rest of that paste is dropped as it comes. */
  #dropsPaste = false;

  constructor(options: TerminalInputOptions) {
    this.#options = options;
    this.#reader = new LineReader(options.size.cols, options.size.rows);
    const { marks, gate, nowUs, end } = options;
    const onPrompt = (): void => this.#reader.promptEnded();
    this.#marks =
      marks.mode === 'off'
        ? null
        : new ShellMarks({ nonce: marks.nonce, gate, nowUs, onPrompt, end });
    this.#language = new TerminalLanguage((text, sql) => options.gate.wouldRefuse(text, sql));
  }

  /** Shows the reader what the target sent, before the client gets it. */
  observe(bytes: Buffer): void {
    const show = (piece: Buffer): void => this.#reader.output(piece, this.#options.nowUs());
    if (this.#marks === null) show(bytes);
    else this.#marks.read(bytes, show);
  }

  /** Passes input on until the client has gone. */
  async run(): Promise<InputEnd> {
    const { input, upstream, output, nowUs } = this.#options;
    for (;;) {
      const unit = await input.next();
      switch (unit.kind) {
        case 'data':
          await this.#keystrokes(unit.bytes);
          break;
        case 'resize': {
          const { cols, rows } = unit.size;
          this.#reader.resize(cols, rows);
          // A failed recording surfaces where output is pushed; input has nothing to add.
          output.event({ atUs: nowUs(), code: 'r', cols, rows }).catch(() => {});
          await upstream.write(unit);
          break;
        }
        case 'eof':
        case 'signal':
          await upstream.write(unit);
          break;
        case 'close':
          this.#reader.dispose();
          await upstream.write(unit);
          return { kind: 'gone' };
      }
    }
  }

  async #keystrokes(bytes: Buffer): Promise<void> {
    const { upstream, nowUs } = this.#options;
    const keys = this.#keys.push(bytes);
    let passing: Buffer[] = [];
    for (const [index, key] of keys.entries()) {
      if (this.#dropsPaste) {
        this.#dropsPaste = key.inPaste;
        if (key.inPaste || key.kind === 'paste-end') continue;
      }
      if (!this.#reader.submits(key)) {
        this.#reader.key(key, nowUs());
        if (key.kind === 'interrupt') this.#language.forget();
        passing.push(key.bytes);
        continue;
      }
      if (passing.length > 0) {
        await upstream.write({ kind: 'data', bytes: Buffer.concat(passing) });
        passing = [];
      }
      if (!(await this.#submit(key, index + 1 < keys.length))) return;
    }
    if (passing.length > 0) {
      await upstream.write({ kind: 'data', bytes: Buffer.concat(passing) });
    }
  }

  /**
   * Decides the line that `enter` would submit. False = refused, and the line was cleared upstream.
   * @param hasMore more keys came in the same packet; they are dropped with a refused line
   */
  async #submit(enter: Key, hasMore: boolean): Promise<boolean> {
    const { input, gate, say, upstream, nowUs } = this.#options;
    const line = await this.#read(enter);
    const isPlain = line.text !== null && !line.alternate && !line.interim && !line.secret;
    const { promptUs } = this.#reader;
    const typed = { line: { ...gateLine(line), promptUs }, prompt: this.#reader.prompt, isPlain };
    const judged = await this.#language.read(typed);
    const outcome = await input.interruptible(
      (abandoned) => gate.decide(judged, abandoned, say),
      ({ kind }) => kind === 'refused',
    );
    if (input.gone.aborted) return false;
    let refusal = outcome.kind === 'refused' ? outcome.notice : null;
    if (outcome.kind === 'released' && outcome.decision.verdict === 'hold') {
      const again = await this.#read(enter);
      if (again.text !== line.text) {
        refusal = notice('refused: the line is no longer the one that was approved; type it again');
      }
    }
    if (refusal === null) {
      if (outcome.kind === 'released' && isPlain && line.text !== '') {
        this.#language.released(judged, typed, outcome.decision);
      }
      if (outcome.kind === 'released') {
        this.#marks?.released(judged.candidates, outcome.decision.verdict === 'hold');
      }
      if (enter.kind === 'end-of-input' && line.text === '') this.#language.inputEnded();
      this.#reader.submitted(nowUs());
      await upstream.write({ kind: 'data', bytes: enter.bytes });
      return true;
    }
    // What came before anybody could know of the refusal was meant to follow the refused line.
    const dropped = input.dropKeys() || hasMore;
    this.#dropsPaste = enter.inPaste;
    this.#language.forget();
    await say(refusal);
    if (dropped) await say(notice('what was typed or pasted behind it is dropped'));
    await upstream.write({ kind: 'data', bytes: this.#reader.abortBytes });
    this.#reader.afterDenied(nowUs());
    await new Promise((resolve) => setTimeout(resolve, REDRAW_WAIT_MS));
    return false;
  }

  /** Waits, bounded by the reader, until the echo has settled; then reads the line. */
  async #read(key: Key): Promise<SubmittedLine> {
    this.#reader.beginSubmit(this.#options.nowUs(), key);
    for (;;) {
      const step = this.#reader.poll(this.#options.nowUs());
      if (step.kind === 'line') return step.line;
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(step.forUs / 1000)));
    }
  }
}

function gateLine(line: SubmittedLine): GateLine {
  const empty = line.text === '' && line.certainty === 'observed';
  const strict = line.candidates.filter((one) => !line.guesses.has(one));
  return {
    text: line.secret ? NOT_ECHOED : (line.text ?? UNREADABLE),
    candidates: [...line.candidates, ...strict.flatMap(closedByBrace)],
    // A shell runs nothing of a line that it asks to continue; the reader joins what follows to it.
    guesses: new Set([...line.guesses, ...line.candidates.filter(isUnfinished)]),
    language: 'shell',
    certainty: line.certainty,
    why: line.why,
    quiet: empty || line.secret || line.alternate || line.interim,
    secret: line.secret,
    isMarked: line.isMarked,
  };
}

/** zsh takes a brace for a word of its own wherever it stands: `f() { ls }` is whole there. */
function closedByBrace(text: string): string[] {
  const closed = text.replace(/([^\s;&|{(])(\s+\})/g, '$1;$2');
  return closed === text || !isUnfinished(text) || isUnfinished(closed) ? [] : [closed];
}

function isUnfinished(text: string): boolean {
  return isCompleteInput(text) === 'incomplete';
}
