/**
 * Finds the marks of shell integration in a target's output: OSC 133 (FinalTerm) and OSC 633 (VS Code),
 * ended by BEL or ST. Not caught here: who printed a mark, for anybody can; and marks that are introduced
 * or ended by the one-byte forms of OSC and ST, which no shell prints.
 *
 * Output passes unchanged, cut behind each mark, so that the screen can be looked at where it stands.
 */

/** A longer mark is no mark: a command line of 64 KiB with every character escaped. */
export const MAX_MARK_BYTES = 262_400;
/** So many marks of one piece of output are told apart; what follows them passes as plain output. */
export const MAX_MARKS_PER_PIECE = 1000;

const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;
const ESC = 0x1b;
const OSC = 0x5d;
const BACKSLASH = 0x5c;
const PREFIXES: readonly string[] = ['133;', '633;'];
const PREFIX_BYTES = 4;
const MAX_EXIT_STATUS = 255;

/** `nonce`: what the mark carries to say whose it is; null = nothing, as in all marks of OSC 133. */
export type Mark =
  /** A: a prompt begins. B: it has ended, and the line begins. C: the line was taken and runs. */
  | { readonly kind: 'prompt' | 'input' | 'output'; readonly nonce: string | null }
  /** D: the command has ended; null = the mark doesn't say how. */
  | { readonly kind: 'end'; readonly exitStatus: number | null; readonly nonce: string | null }
  /** E: the line as the shell has read it. */
  | { readonly kind: 'line'; readonly text: string; readonly nonce: string | null };

/** Output up to and including a mark; null = no mark has ended in it. */
export interface MarkedOutput {
  readonly bytes: Buffer;
  readonly mark: Mark | null;
}

/** Bytes in, the same bytes out. One per stream of output. */
export class MarkScanner {
  #state: 'ground' | 'escape' | 'string' | 'string-escape' = 'ground';
  /** What has come of the string; null = it is no mark. */
  #content: Buffer[] | null = null;
  #contentBytes = 0;
  #prefix = '';

  push(bytes: Buffer): MarkedOutput[] {
    const found: MarkedOutput[] = [];
    let from = 0;
    let at = 0;
    while (at < bytes.length && found.length < MAX_MARKS_PER_PIECE) {
      if (this.#state === 'ground') {
        const escape = bytes.indexOf(ESC, at);
        if (escape < 0) break;
        this.#state = 'escape';
        at = escape + 1;
        continue;
      }
      if (this.#state === 'string') {
        const end = stringEnd(bytes, at);
        this.#collect(bytes.subarray(at, end));
        at = end;
        if (at === bytes.length) break;
      }
      const mark = this.#control(bytes[at] ?? 0);
      at += 1;
      if (mark === null) continue;
      found.push({ bytes: bytes.subarray(from, at), mark });
      from = at;
    }
    if (found.length === MAX_MARKS_PER_PIECE) this.#state = 'ground';
    if (from < bytes.length) found.push({ bytes: bytes.subarray(from), mark: null });
    return found;
  }

  /** A byte that may begin or end a string. */
  #control(byte: number): Mark | null {
    switch (this.#state) {
      case 'ground':
        return null;
      case 'escape':
        this.#escaped(byte);
        return null;
      case 'string':
        this.#state = byte === ESC ? 'string-escape' : 'ground';
        return byte === BEL ? this.#mark() : null;
      case 'string-escape': {
        if (byte === BACKSLASH) {
          this.#state = 'ground';
          return this.#mark();
        }
        this.#escaped(byte);
        return null;
      }
    }
  }

  #escaped(byte: number): void {
    this.#content = null;
    if (byte === OSC) {
      this.#state = 'string';
      this.#content = [];
      this.#contentBytes = 0;
      this.#prefix = '';
    } else this.#state = byte === ESC ? 'escape' : 'ground';
  }

  #collect(bytes: Buffer): void {
    if (this.#content === null) return;
    if (this.#prefix.length < PREFIX_BYTES) {
      this.#prefix += bytes.toString('latin1', 0, PREFIX_BYTES - this.#prefix.length);
    }
    this.#contentBytes += bytes.length;
    const isMark = PREFIXES.some((one) => one.startsWith(this.#prefix.slice(0, PREFIX_BYTES)));
    if (!isMark || this.#contentBytes > MAX_MARK_BYTES) this.#content = null;
    else if (bytes.length > 0) this.#content.push(Buffer.from(bytes));
  }

  #mark(): Mark | null {
    const content = this.#content;
    this.#content = null;
    return content === null ? null : readMark(Buffer.concat(content).toString('utf8'));
  }
}

/** Where the string ends, or the bytes. */
function stringEnd(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === BEL || byte === ESC || byte === CAN || byte === SUB) return at;
  }
  return bytes.length;
}

/** @param content of the string, `133;D;0` */
function readMark(content: string): Mark | null {
  // A line with a control character that isn't escaped may be the work of somebody else.
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(content)) return null;
  const [system, letter = '', ...fields] = content.split(';');
  const own = (index: number): string | null => (system === '633' ? fields[index] || null : null);
  switch (letter) {
    case 'A':
      return { kind: 'prompt', nonce: own(0) };
    case 'B':
      return { kind: 'input', nonce: own(0) };
    case 'C':
      return { kind: 'output', nonce: own(0) };
    case 'D':
      return { kind: 'end', exitStatus: exitStatus(fields[0] ?? ''), nonce: own(1) };
    case 'E':
      if (system !== '633' || fields[0] === undefined) return null;
      return { kind: 'line', text: unescaped(fields[0]), nonce: own(1) };
    default:
      return null;
  }
}

function exitStatus(field: string): number | null {
  const status = /^\d{1,3}$/.test(field) ? Number(field) : null;
  return status !== null && status <= MAX_EXIT_STATUS ? status : null;
}

/** `\\` is a backslash, `\x3b` the character of that number. */
function unescaped(field: string): string {
  return field.replace(/\\(?:\\|x([0-9A-Fa-f]{2}))/g, (_, hex: string | undefined) =>
    hex === undefined ? '\\' : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
