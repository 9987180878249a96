/** Why a session stops before both ends have closed by themselves. */
import { SallyportError } from '../errors.ts';
import { EXIT_DENIED, EXIT_FAILED } from './notice.ts';
import type { SessionEnd } from './ports.ts';

export interface Cut {
  readonly notice: string | null;
  readonly exitStatus: number;
  readonly status: SessionEnd['status'];
  readonly why: string;
}

export function denied(text: string): Cut {
  return {
    notice: text,
    exitStatus: EXIT_DENIED,
    status: 'closed',
    why: 'the command was refused',
  };
}

export function clientGone(): Cut {
  return { notice: null, exitStatus: EXIT_FAILED, status: 'closed', why: 'the client went away' };
}

/** What was thrown, as something that a client can be told. */
export function asFailure(error: unknown): SallyportError {
  return error instanceof SallyportError
    ? error
    : new SallyportError('internal', 'something broke inside the bastion', 'tell its operator', {
        cause: error,
      });
}
