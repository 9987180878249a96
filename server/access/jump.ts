/**
 * Where `ssh -J` leads: the registered target that a client means by the host and port that it asks for.
 * Not caught here: who may open which channel there; each channel of the inner connection asks again.
 */
import { NAME } from './destination.ts';
import { authorise, type GrantRule } from './grant.ts';
import type { Principal } from './principal.ts';
import type { Target } from './target.ts';

/** The port that clients assume; every target is reached at it, whatever its own port is. */
const SSH_PORT = 22;

export interface JumpPlace {
  /** Name of a target, or of none: what is asked for has the form of one and leads nowhere. */
  readonly target: string;
  readonly leadsSomewhere: boolean;
}

/**
 * The target that `host:port` stands for: its name (at port 22 or its own), or its registered address.
 * Targets that the principal may not reach are as good as unknown. Null = no place where one speaks SSH.
 * @param host as the client sent it; OpenSSH makes it lower case
 */
export function jumpPlace(
  principal: Principal,
  host: string,
  port: number,
  targets: readonly Target[],
  rules: readonly GrantRule[],
): JumpPlace | null {
  const wanted = host.toLowerCase();
  const reachable = targets.filter((target) => isReachable(principal, target, rules));
  const named = reachable.filter(
    (one) => one.name.toLowerCase() === wanted && (port === SSH_PORT || port === one.port),
  );
  const exact = named.find(({ name }) => name === host);
  const fitting = exact === undefined ? named : [exact];
  const found =
    fitting.length > 0
      ? fitting
      : reachable.filter((one) => one.host.toLowerCase() === wanted && one.port === port);
  const [only] = found;
  if (only !== undefined) {
    // Of several none is meant for certain, and none may be reached around the bastion either.
    return { target: found.length === 1 ? only.name : host, leadsSomewhere: true };
  }
  return port === SSH_PORT && NAME.test(host) ? { target: host, leadsSomewhere: false } : null;
}

function isReachable(principal: Principal, target: Target, rules: readonly GrantRule[]): boolean {
  const outcome = authorise(principal, target, null, 'shell', rules);
  return outcome.kind === 'granted' || outcome.why !== 'no-grant';
}
