/**
 * What a client typed as SSH user name: `[login@]target` or `[login%]target`, then `+key=value` items.
 * Not caught here: whether the target exists or may be reached.
 */
export const MAX_USER_NAME_BYTES = 512;
/** What the name of a target, a login or a principal looks like. */
export const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const CLAIM = /^(run|task)=([A-Za-z0-9._:/-]{1,128})$/;

/** Whether a run or a task may be named so. */
export function isClaim(value: string): boolean {
  return CLAIM.test(`run=${value}`);
}

export interface Destination {
  /** Account on the target; null = that of the only or default grant. */
  readonly login: string | null;
  readonly target: string;
  /** Attribution that the client claims; kept as *claimed*, never used in rules. */
  readonly run: string | null;
  readonly task: string | null;
}

export type DestinationOutcome =
  | { readonly kind: 'destination'; readonly destination: Destination }
  | { readonly kind: 'malformed'; readonly why: string };

export function parseDestination(userName: string): DestinationOutcome {
  const malformed = (why: string): DestinationOutcome => ({ kind: 'malformed', why });
  if (userName === '') return malformed('the user name is empty');
  if (Buffer.byteLength(userName) > MAX_USER_NAME_BYTES) {
    return malformed(`the user name is longer than ${MAX_USER_NAME_BYTES} bytes`);
  }
  const [place = '', ...items] = userName.split('+');
  const parts = place.split(/[@%]/);
  if (parts.length > 2) return malformed('the user name has more than one @ or %');
  const target = parts.at(-1) ?? '';
  const login = parts.length === 2 ? (parts[0] ?? '') : null;
  if (!NAME.test(target)) return malformed('the target name has characters that names never have');
  if (login !== null && !NAME.test(login)) {
    return malformed('the login name has characters that names never have');
  }
  const claims = new Map<string, string>();
  for (const item of items) {
    const [, key, value] = CLAIM.exec(item) ?? [];
    if (key === undefined || value === undefined) {
      return malformed('after + the user name takes run=VALUE and task=VALUE only');
    }
    if (claims.has(key)) return malformed(`the user name gives ${key} twice`);
    claims.set(key, value);
  }
  return {
    kind: 'destination',
    destination: {
      login,
      target,
      run: claims.get('run') ?? null,
      task: claims.get('task') ?? null,
    },
  };
}
