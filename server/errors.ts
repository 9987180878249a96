/**
 * The one error type. It is thrown for broken invariants and for refusals that end a start, a request
 * or a connection; expected outcomes (deny, hold, not found) are values, never errors.
 */
import { printable } from './printable.ts';

/** What each code means outside: exit status of the command line and status of the HTTP answer. */
const CODES = {
  'config.invalid': { exitStatus: 2, httpStatus: 400 },
  'usage.invalid': { exitStatus: 2, httpStatus: 400 },
  'home.unwritable': { exitStatus: 2, httpStatus: 500 },
  'home.in-use': { exitStatus: 2, httpStatus: 500 },
  'listen.failed': { exitStatus: 2, httpStatus: 500 },
  'database.unreachable': { exitStatus: 2, httpStatus: 503 },
  'database.too-old': { exitStatus: 2, httpStatus: 500 },
  'database.schema': { exitStatus: 2, httpStatus: 500 },
  'key.corrupt': { exitStatus: 2, httpStatus: 500 },
  'vault.locked': { exitStatus: 2, httpStatus: 500 },
  'engine.unpatched': { exitStatus: 2, httpStatus: 500 },
  'object.unknown': { exitStatus: 1, httpStatus: 404 },
  'object.conflict': { exitStatus: 1, httpStatus: 409 },
  'access.unauthenticated': { exitStatus: 2, httpStatus: 401 },
  'access.forbidden': { exitStatus: 1, httpStatus: 403 },
  'limit.exceeded': { exitStatus: 1, httpStatus: 429 },
  'target.unreachable': { exitStatus: 1, httpStatus: 502 },
  'target.refused': { exitStatus: 1, httpStatus: 502 },
  'target.host-key-changed': { exitStatus: 1, httpStatus: 502 },
  'recording.failed': { exitStatus: 1, httpStatus: 503 },
  'issuer.unavailable': { exitStatus: 1, httpStatus: 503 },
  'storage.unreachable': { exitStatus: 1, httpStatus: 503 },
  'journal.failed': { exitStatus: 1, httpStatus: 503 },
  'not-built': { exitStatus: 2, httpStatus: 501 },
  internal: { exitStatus: 1, httpStatus: 500 },
} as const;

export type ErrorCode = keyof typeof CODES;

export class SallyportError extends Error {
  override readonly name = 'SallyportError';
  readonly code: ErrorCode;
  /** What the reader can do next: one sentence. */
  readonly hint: string;

  /**
   * @param code from the closed list above
   * @param message what happened and why, one line, without a final full stop
   * @param hint what to do next, one line
   */
  constructor(code: ErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }

  get exitStatus(): number {
    return CODES[this.code].exitStatus;
  }

  get httpStatus(): number {
    return CODES[this.code].httpStatus;
  }
}

/** All codes, for the test that keeps the README's table true. */
export const ERROR_CODES = Object.keys(CODES) as readonly ErrorCode[];

/** The text of anything thrown, safe for one line of a log or a terminal, at most 500 characters. */
export function messageOf(thrown: unknown): string {
  return printable(thrown instanceof Error ? thrown.message : String(thrown), 500);
}
