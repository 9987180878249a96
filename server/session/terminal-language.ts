/**
 * Which language the lines of a terminal are in: the shell's, that of a database client, or that of the
 * console of an interpreter which a line before started. Not caught here: programs that say nothing of
 * themselves on their command line (a script that ends in one), and other programs with lines of their
 * own; those are read as a shell's.
 *
 * Prompts are only a hint, since anybody can print one: a line for a client is judged in its language,
 * and what a rule says of it as a command of the shell counts as well. Where a shell seems to read again
 * though nobody told the client to end, it is the other way round.
 */
import type { Decision, SqlPlace } from '../policy/decision.ts';
import { NO_NAMES, type ConsoleNames } from '../shell/console.ts';
import { isCompleteSql } from '../sql/complete.ts';
import { readSql } from '../sql/statement.ts';
import type { GateLine } from './gate.ts';
import { consoleLine } from './terminal-console.ts';

/** So many prompts of shells, and of each client, are remembered. */
const MAX_PROMPTS = 32;
/** So many clients that wait for a shell of theirs to end. */
const MAX_CLIENTS = 8;
/** A statement over several lines is read as one up to this length. */
const MAX_STATEMENT_CHARS = 65_536;
/** Prompts of psql, mysql and sqlite3, the ones that ask for more too. */
const CLIENT_PROMPT =
  /(?:[=\-'"(*!^$;][>#]|^(?:mysql|MariaDB(?: \[[^\]]*\])?|sqlite)>|^ +(?:->|[`'"]>|\/\*>|\.\.\.>)) ?$/;
const CONSOLE_PROMPT =
  /^(?:>>>|\.\.\.|\.{2,}|>|\|?|In \[\d+\]:|irb\(.*|\S+:\d+(?:\[\d+\])?>|not connected>) ?$/;
/** Languages of clients that drop their line and what they have of a statement at Ctrl-C. */
const INTERRUPTIBLE: ReadonlySet<string> = new Set('postgresql mysql python node irb'.split(' '));
/** What ends a client. */
const LEAVING = /^\s*(?:\\q\b|\.(?:q|quit|exit)\b|(?:exit|quit)\s*;?\s*$)/i;
/** What ends a shell. */
const SHELL_LEAVING = /^\s*(?:exit|logout|exec)\b/;

/** What is known of a line beside its readings. */
export interface TypedLine {
  readonly line: GateLine;
  /** What stood before it on the screen; null = that isn't known. */
  readonly prompt: string | null;
  /** It is a line at all: not a secret, not keys for a full-screen program, not cut by a paste. */
  readonly isPlain: boolean;
  /** It is one of several lines of a paste, which count as a whole when the paste has ended. */
  readonly isPasted?: boolean;
}

/** Whether a rule would hold or refuse the text as a command of the shell, or as SQL. */
export type WouldRefuse = (text: string, sql: SqlPlace | null) => Promise<boolean>;

/** A program that reads lines of another language than the shell's. */
interface Client {
  /** Where a client of a database stands; null = it is a console. */
  sql: SqlPlace | null;
  /** The interpreter of a console. */
  readonly program: string;
  names: ConsoleNames;
  /** Lines of a statement that isn't complete yet. */
  pending: string;
  /** The same of one that was interrupted: the client may have kept it. */
  interrupted: string;
  readonly prompts: Set<string>;
}

/** One per terminal. For every line `read`, and then `released` or `forget`. */
export class TerminalLanguage {
  readonly #wouldRefuse: WouldRefuse;
  readonly #shellPrompts = new Set<string>();
  /** Reads the lines, as it seems; null = a shell does. */
  #client: Client | null = null;
  /** Seems to have ended, though nobody told it to. */
  #doubted: Client | null = null;
  /** Clients that started a shell which reads now, the nearest last. */
  readonly #below: Client[] = [];
  /** What reads was told to end. */
  #isLeaving = false;

  constructor(wouldRefuse: WouldRefuse) {
    this.#wouldRefuse = wouldRefuse;
  }

  /** The line as it is to be judged. */
  async read({ line, prompt, isPlain, isPasted = false }: TypedLine): Promise<GateLine> {
    if (!isPlain && !isPasted) return line.secret ? this.#asHidden(line) : line;
    this.#place(prompt);
    const client = this.#client;
    if (client === null) return this.#asShell(line);
    for (const text of line.candidates) if (await this.#wouldRefuse(text, null)) return line;
    return asFor(line, client);
  }

  /** The line as `read` gave it went up. */
  released(line: GateLine, { line: typed, prompt }: TypedLine, decision: Decision): void {
    const client = this.#client;
    if (client === null) {
      if (SHELL_LEAVING.test(line.text)) this.#isLeaving = true;
      if (
        prompt !== null &&
        prompt.trim() !== '' &&
        this.#below.at(-1)?.prompts.has(shapeOf(prompt)) !== true
      )
        learn(this.#shellPrompts, prompt);
    } else {
      if (prompt !== null) learn(client.prompts, prompt);
      if (this.#advance(client, typed)) this.#isLeaving = true;
    }
    this.#started(decision);
  }

  /** Ctrl-D at an empty line. */
  inputEnded(): void {
    this.#isLeaving = true;
  }

  /** Whether Ctrl-C empties the line, and neither ends what reads it nor leaves the line where it is. */
  get takesInterrupt(): boolean {
    const client = this.#client;
    if (client === null) return true;
    return client.sql === null
      ? INTERRUPTIBLE.has(client.program)
      : INTERRUPTIBLE.has(client.sql.dialect);
  }

  /** The lines before belong to a statement that isn't complete yet. */
  get isInStatement(): boolean {
    return this.#client !== null && this.#client.pending !== '';
  }

  /** Ctrl-C came, or a line was refused: most clients drop what they have of a statement. */
  forget(): void {
    const client = this.#client;
    if (client === null) return;
    client.names = { ...client.names, isTorn: false };
    if (client.sql !== null && !INTERRUPTIBLE.has(client.sql.dialect)) return;
    if (client.pending !== '') client.interrupted = client.pending;
    client.pending = '';
  }

  /** Sees from the prompt who reads. */
  #place(prompt: string | null): void {
    if (prompt === null) return;
    const client = this.#client;
    if (client !== null) {
      if (!this.#hasEnded(client, prompt)) return;
      this.#client = null;
      this.#doubted = this.#isLeaving ? null : client;
      this.#isLeaving = false;
      return;
    }
    const below = this.#below.at(-1);
    if (!this.#isLeaving || below?.prompts.has(shapeOf(prompt)) !== true) return;
    this.#client = this.#below.pop() ?? null;
    this.#isLeaving = false;
  }

  #hasEnded(client: Client, prompt: string): boolean {
    const shape = shapeOf(prompt);
    if (client.prompts.has(shape)) return false;
    if (this.#shellPrompts.has(shape)) return true;
    const usual = client.sql === null ? CONSOLE_PROMPT : CLIENT_PROMPT;
    return this.#isLeaving && !usual.test(prompt);
  }

  /** Without echo it may be for the client just as well. */
  async #asHidden(line: GateLine): Promise<GateLine> {
    if (this.#client === null) return line;
    const [text = line.text] = line.candidates;
    const judged = asFor({ ...line, text, guesses: new Set() }, this.#client);
    for (const one of judged.candidates)
      if (await this.#wouldRefuse(one, judged.sql ?? null)) return { ...judged, text: line.text };
    return line;
  }

  async #asShell(line: GateLine): Promise<GateLine> {
    const others = this.#doubted === null ? this.#below : [this.#doubted, ...this.#below];
    for (const client of others) {
      const judged = asFor(line, client);
      for (const text of judged.candidates)
        if (await this.#wouldRefuse(text, judged.sql ?? null)) return judged;
    }
    return line;
  }

  /** A program of another language, or a shell inside one, was started. */
  #started({ commands, sqlInput }: Decision): void {
    // A console is itself one of the readings of its lines.
    const reading = this.#client?.program;
    const console = commands.find(
      (one) => one.console !== undefined && one.console !== reading,
    )?.console;
    const isSql = commands.some(({ stdinLanguage }) => stdinLanguage === 'sql');
    const sql = isSql ? (sqlInput ?? null) : null;
    const isClient = console !== undefined || sql !== null;
    const isShell = commands.some(({ stdinLanguage }) => stdinLanguage === 'shell');
    if (!isClient && (!isShell || this.#client === null)) return;
    if (this.#client !== null) {
      this.#below.push(this.#client);
      if (this.#below.length > MAX_CLIENTS) this.#below.shift();
    }
    this.#client = isClient
      ? {
          sql,
          program: console ?? '',
          names: NO_NAMES,
          pending: '',
          interrupted: '',
          prompts: new Set(),
        }
      : null;
    this.#doubted = null;
    this.#isLeaving = false;
  }

  /** The client takes the line. @returns whether it tells the client to end */
  #advance(client: Client, line: GateLine): boolean {
    if (client.sql === null) {
      const { read } = consoleLine(line, client.program, client.names);
      client.names = read.after;
      return read.isLeaving;
    }
    const isLeaving = client.pending === '' && LEAVING.test(line.text);
    const joined = `${client.pending}${line.text}\n`;
    const kept = client.interrupted === '' ? '' : `${client.interrupted}${line.text}\n`;
    const isKept = kept.length <= MAX_STATEMENT_CHARS && isOpen(kept, client.sql);
    client.interrupted = isKept ? kept : '';
    if (isOpen(joined, client.sql)) {
      client.pending = joined.length > MAX_STATEMENT_CHARS ? '' : joined;
      return isLeaving;
    }
    client.pending = '';
    const { dialect, state } = client.sql;
    client.sql = { dialect, state: readSql(joined, dialect, state).after };
    return isLeaving;
  }
}

function asFor(line: GateLine, client: Client): GateLine {
  return client.sql === null
    ? consoleLine(line, client.program, client.names).line
    : asSql(line, client.sql, client);
}

function asSql(
  line: GateLine,
  place: SqlPlace,
  { pending, interrupted }: Pick<Client, 'pending' | 'interrupted'>,
): GateLine {
  const strict = line.candidates.filter((text) => !line.guesses.has(text));
  const own = new Set([line.text, ...strict]);
  const texts = [...own].map((text) => `${pending}${text}\n`);
  const open = texts.filter((text) => isOpen(text, place));
  // The client may have dropped what came before.
  const alone = pending === '' ? [] : [...own];
  // Or it has kept what was interrupted.
  const kept = interrupted === '' ? [] : [...own].map((text) => `${interrupted}${text}\n`);
  return {
    ...line,
    candidates: [...texts, ...alone, ...kept],
    // A statement that isn't complete runs later, with what is still to come.
    guesses: new Set([...open, ...alone, ...kept]),
    language: 'sql',
    sql: place,
  };
}

function isOpen(text: string, { dialect, state }: SqlPlace): boolean {
  return isCompleteSql(text, dialect, state) === 'incomplete';
}

function learn(prompts: Set<string>, prompt: string): void {
  prompts.add(shapeOf(prompt));
  const [oldest] = prompts;
  if (prompts.size > MAX_PROMPTS && oldest !== undefined) prompts.delete(oldest);
}

/** Times and counters in a prompt change. */
function shapeOf(prompt: string): string {
  return prompt.trim().replace(/\d/g, '0');
}
