/** Why a host can't be reached, in words that help. */
import { messageOf, SallyportError } from '../errors.ts';

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'is the SSH server running there, and is the port right?',
  ENOTFOUND: 'the name has no address; correct the address of the target',
  EAI_AGAIN: 'the name server did not answer; try again or use an IP address',
  ETIMEDOUT: 'check the network and the firewall between the bastion and the target',
  EHOSTUNREACH: 'there is no route to the host; check the network',
  ENETUNREACH: 'there is no route to the network; check the network',
};

/** @param where `host:port` or the target's name and address */
export function unreachable(where: string, cause: unknown): SallyportError {
  const code = codeOf(cause);
  const words = code === null ? messageOf(cause) : WORDS[code];
  return new SallyportError(
    'target.unreachable',
    `${where} cannot be reached: ${words ?? messageOf(cause)}`,
    HINTS[code ?? 'ETIMEDOUT'] ?? 'check the address of the target and the network',
    { cause },
  );
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'unknown host name',
  EAI_AGAIN: 'the host name could not be resolved',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
};

/** The system's error code, also of the first of several attempts. */
function codeOf(cause: unknown): string | null {
  if (cause instanceof AggregateError) return codeOf(cause.errors[0]);
  if (!(cause instanceof Error) || !('code' in cause)) return null;
  return typeof cause.code === 'string' ? cause.code : null;
}
