/**
 * Which language the lines of a terminal are in: the shell's, or that of a database client that a line
 * before started. Not caught here: clients that say nothing of themselves on their command line
 * (a script that ends in one), and other programs with lines of their own; those are read as a shell's.
 *
 * Prompts are only a hint, since anybody can print one: a line for a client is judged as SQL, and what a
 * rule says of it as a command of the shell counts as well.
 */
import type { Decision, SqlPlace } from '../policy/decision.ts';
import { isCompleteSql } from '../sql/complete.ts';
import { readSql } from '../sql/statement.ts';
import type { GateLine } from './gate.ts';

/** So many prompts of shells are remembered. */
const MAX_PROMPTS = 32;
/** A statement over several lines is read as one up to this length. */
const MAX_STATEMENT_CHARS = 65_536;
/** Prompts of psql, mysql and sqlite3, the ones that ask for more too. */
const CLIENT_PROMPT =
  /(?:[=\-'"(*!^$;][>#]|^(?:mysql|MariaDB(?: \[[^\]]*\])?|sqlite)>|^ +(?:->|[`'"]>|\/\*>|\.\.\.>)) ?$/;
/** What ends a client. */
const LEAVING = /^\s*(?:\\q\b|\.(?:q|quit|exit)\b|(?:exit|quit)\s*;?\s*$)/i;

/** What is known of a line beside its readings. */
export interface TypedLine {
  readonly line: GateLine;
  /** What stood before it on the screen; null = that isn't known. */
  readonly prompt: string | null;
  /** It is a line at all: not a secret, not keys for a full-screen program, not cut by a paste. */
  readonly isPlain: boolean;
}

/** One per terminal. For every line `read`, and then `released` or `forget`. */
export class TerminalLanguage {
  readonly #wouldRefuse: (text: string) => Promise<boolean>;
  readonly #shellPrompts = new Set<string>();
  /** Where the client stands that seems to read the lines; null = a shell reads them. */
  #client: SqlPlace | null = null;
  /** The client was told to end. */
  #isLeaving = false;
  /** Lines of a statement that isn't complete yet. */
  #pending = '';

  /** @param wouldRefuse whether a rule would hold or refuse the text as a command of the shell */
  constructor(wouldRefuse: (text: string) => Promise<boolean>) {
    this.#wouldRefuse = wouldRefuse;
  }

  /** The line as it is to be judged. */
  async read({ line, prompt, isPlain }: TypedLine): Promise<GateLine> {
    if (this.#client === null || !isPlain) return line;
    if (this.#hasEnded(prompt)) {
      this.#client = null;
      this.forget();
      return line;
    }
    for (const text of line.candidates) if (await this.#wouldRefuse(text)) return line;
    return this.#asSql(line, this.#client);
  }

  /** The line as `read` gave it went up. */
  released(line: GateLine, { prompt }: TypedLine, { commands, sqlInput }: Decision): void {
    if (line.language === 'sql') {
      this.#advance(line.text);
      return;
    }
    if (this.#client !== null) return;
    if (prompt !== null && prompt.trim() !== '') this.#learn(prompt);
    const isClient = commands.some(({ stdinLanguage }) => stdinLanguage === 'sql');
    if (!isClient || sqlInput === undefined || sqlInput === null) return;
    this.#client = sqlInput;
    this.#isLeaving = false;
    this.forget();
  }

  /** Ctrl-D at an empty line. */
  inputEnded(): void {
    this.#isLeaving = true;
  }

  /** Ctrl-C came: a client drops what it has of a statement. */
  forget(): void {
    this.#pending = '';
  }

  #hasEnded(prompt: string | null): boolean {
    if (prompt === null) return false;
    if (this.#shellPrompts.has(shapeOf(prompt))) return true;
    return this.#isLeaving && !CLIENT_PROMPT.test(prompt);
  }

  #asSql(line: GateLine, place: SqlPlace): GateLine {
    const strict = line.candidates.filter((text) => !line.guesses.has(text));
    const own = new Set([line.text, ...strict]);
    const texts = [...own].map((text) => `${this.#pending}${text}\n`);
    const open = texts.filter((text) => this.#isOpen(text, place));
    // The client may have dropped what came before.
    const alone = this.#pending === '' ? [] : [...own];
    return {
      ...line,
      candidates: [...texts, ...alone],
      // A statement that isn't complete runs later, with what is still to come.
      guesses: new Set([...open, ...alone]),
      language: 'sql',
      sql: place,
    };
  }

  #isOpen(text: string, { dialect, state }: SqlPlace): boolean {
    return isCompleteSql(text, dialect, state) === 'incomplete';
  }

  #advance(text: string): void {
    const place = this.#client;
    if (place === null) return;
    if (this.#pending === '' && LEAVING.test(text)) this.#isLeaving = true;
    const joined = `${this.#pending}${text}\n`;
    if (this.#isOpen(joined, place)) {
      this.#pending = joined.length > MAX_STATEMENT_CHARS ? '' : joined;
      return;
    }
    this.#pending = '';
    this.#client = { ...place, state: readSql(joined, place.dialect, place.state).after };
  }

  #learn(prompt: string): void {
    this.#shellPrompts.add(shapeOf(prompt));
    const [oldest] = this.#shellPrompts;
    if (this.#shellPrompts.size > MAX_PROMPTS && oldest !== undefined) {
      this.#shellPrompts.delete(oldest);
    }
  }
}

/** Times and counters in a prompt change. */
function shapeOf(prompt: string): string {
  return prompt.trim().replace(/\d/g, '0');
}
