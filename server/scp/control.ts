/**
 * The lines of scp's old protocol (`scp -t`, `scp -f`), as OpenSSH's scp reads them. Pure. Not caught here:
 * what a line is about when it comes out of turn; who reads the stream knows where a file's bytes end.
 */

/** Longer lines are refused by OpenSSH as well. */
export const MAX_LINE_BYTES = 8_192;

export type Control =
  /** `C0644 12 name`: a file follows, its bytes and a status. */
  | { readonly kind: 'file'; readonly sizeBytes: number; readonly name: string }
  /** `D0755 0 name`: what follows is in that directory, up to `E`. */
  | { readonly kind: 'directory'; readonly name: string }
  | { readonly kind: 'leave' }
  /** `T` and times: they are for the file or directory after it. */
  | { readonly kind: 'times' }
  /** The source has a problem with one of its files, or with all. */
  | { readonly kind: 'problem'; readonly isFatal: boolean; readonly text: string }
  | { readonly kind: 'malformed'; readonly why: string };

/** What the sink answers to a line, and both to a file's end. */
export type Answer =
  | { readonly kind: 'go' }
  | { readonly kind: 'problem'; readonly isFatal: boolean; readonly text: string };

const GO = 0;
const PROBLEM = 1;
const FATAL = 2;

/** @param line without its line end */
export function readControl(line: Buffer): Control {
  const first = line[0];
  if (first === PROBLEM || first === FATAL) {
    return { kind: 'problem', isFatal: first === FATAL, text: textOf(line.subarray(1)) };
  }
  if (line.includes(0)) return malformed('a line holds a zero byte');
  const text = textOf(line);
  if (text === 'E') return { kind: 'leave' };
  if (/^T\d{1,19} \d{1,6} \d{1,19} \d{1,6}$/.test(text)) return { kind: 'times' };
  const match = /^([CD])[0-7]{4} (\d{1,19}) ([^]*)$/.exec(text);
  if (match === null) return malformed('a line is none of the protocol');
  const [, letter, size = '', name = ''] = match;
  // OpenSSH says the same, and ends.
  if (name === '' || name === '.' || name === '..' || name.includes('/')) {
    return malformed('a name leads out of its directory');
  }
  const sizeBytes = Number(size);
  if (!Number.isSafeInteger(sizeBytes)) return malformed('a file is larger than any can be');
  return letter === 'D' ? { kind: 'directory', name } : { kind: 'file', sizeBytes, name };
}

/**
 * An answer begins with its kind; of anything else OpenSSH takes the whole line for a problem.
 * @param line what follows the first byte, without its line end; empty behind a `go`
 */
export function readAnswer(first: number, line: Buffer): Answer {
  if (first === GO) return { kind: 'go' };
  const isPlain = first !== PROBLEM && first !== FATAL;
  const text = textOf(isPlain ? Buffer.concat([Buffer.from([first]), line]) : line);
  return { kind: 'problem', isFatal: first === FATAL, text };
}

/** Does a line follow this first byte of an answer? */
export function hasText(first: number): boolean {
  return first !== GO;
}

/** The line by which an end says that something went wrong; it goes on with the next file. */
export function problemLine(text: string, isFatal = false): Buffer {
  const shown = Buffer.from(text.replace(/[\r\n]+/g, ' ')).subarray(0, MAX_LINE_BYTES - 2);
  return Buffer.concat([Buffer.from([isFatal ? FATAL : PROBLEM]), shown, Buffer.from('\n')]);
}

function malformed(why: string): Control {
  return { kind: 'malformed', why };
}

function textOf(bytes: Buffer): string {
  return bytes.toString('utf8');
}
