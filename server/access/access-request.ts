/**
 * Access that is asked for: what somebody may ask for, by which rule, and for how long. Pure. Not caught
 * here: who may decide about it, which is the business of approvals, and whether its time is up.
 */
import type { GrantRule } from './grant.ts';
import { isNamedBy, type Principal } from './principal.ts';
import { selects, type Target } from './target.ts';

/** One entry of `requests:` in the configuration: a grant that somebody has to approve each time. */
export interface RequestRule extends Omit<GrantRule, 'access'> {
  /** Longest time that can be asked for. */
  readonly maxDurationS: number;
  /** How long a request waits for its decision. */
  readonly timeoutS: number;
  /** Who may approve, of those who have the role; empty = all of those. */
  readonly approvers: readonly string[];
  /** How many different people have to. */
  readonly approvals: number;
  /** The owner of the agent that asks counts as the one who asks. */
  readonly fourEyes: boolean;
}

/** Shortest time that can be asked for, and the bound of what a configuration may allow. */
export const MIN_ACCESS_S = 1;
export const MAX_ACCESS_S = 7 * 86_400;
/** Bounds of how long a request waits. */
export const DEFAULT_REQUEST_TIMEOUT_S = 3_600;
/** Most people that a configuration may ask to approve. */
export const MAX_APPROVALS = 10;
export const MAX_ACCESS_REASON_CHARACTERS = 500;
/** Requests of one principal that may wait at the same time. */
export const MAX_WAITING_REQUESTS = 5;

const UNITS_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** `90s`, `30m`, `2h`, `1d` in seconds; null = none of these. */
export function durationS(text: string): number | null {
  const [, digits = '', unit = ''] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(digits) * (UNITS_S[unit] ?? Number.NaN);
  return seconds >= MIN_ACCESS_S ? seconds : null;
}

/** The shortest text that `durationS` reads as this. */
export function durationText(seconds: number): string {
  for (const unit of ['d', 'h', 'm'] as const) {
    const size = UNITS_S[unit] ?? 1;
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}

export type Requestable =
  | { readonly kind: 'requestable'; readonly rule: RequestRule; readonly login: string }
  /** There is no such target, or it may not be asked for: the same answer. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'login-ambiguous'; readonly logins: readonly string[] }
  | { readonly kind: 'too-long'; readonly mostS: number };

/**
 * The rule by which `principal` may ask for `target`: the first that fits.
 * @param target null = there is none of that name
 * @param login null = the only one that may be asked for
 */
export function requestable(
  principal: Principal,
  target: Target | null,
  login: string | null,
  seconds: number,
  rules: readonly RequestRule[],
): Requestable {
  if (target === null) return { kind: 'unknown' };
  const fitting = rules.filter((rule) => fits(rule, principal, target));
  const logins = target.logins
    .map(({ name }) => name)
    .filter((name) => fitting.some((rule) => rule.logins.includes(name)));
  const wanted = login ?? logins[0];
  if (wanted === undefined || !logins.includes(wanted)) return { kind: 'unknown' };
  if (login === null && logins.length > 1) return { kind: 'login-ambiguous', logins };
  const ways = fitting.filter((rule) => rule.logins.includes(wanted));
  const rule = ways.find(({ maxDurationS }) => seconds <= maxDurationS);
  if (rule !== undefined) return { kind: 'requestable', rule, login: wanted };
  return { kind: 'too-long', mostS: Math.max(...ways.map(({ maxDurationS }) => maxDurationS)) };
}

/** Whether what the rule gives on this target may be asked for by this principal, as all three are now. */
export function fits(
  rule: Pick<RequestRule, 'principals' | 'targets'>,
  principal: Principal,
  target: Target,
): boolean {
  return (
    rule.principals.some((selector) => isNamedBy(principal, selector)) &&
    rule.targets.some((selector) => selects(selector, target))
  );
}

/** Something that may be asked for. */
export interface RequestOption {
  readonly target: string;
  readonly login: string;
  readonly channels: readonly string[];
  readonly maxDurationS: number;
}

/** Everything that a principal may ask for, by target and login. */
export function requestOptions(
  principal: Principal,
  targets: readonly Target[],
  rules: readonly RequestRule[],
): readonly RequestOption[] {
  return targets.flatMap((target) => {
    const fitting = rules.filter((rule) => fits(rule, principal, target));
    return target.logins.flatMap(({ name }): RequestOption[] => {
      const ways = fitting.filter((rule) => rule.logins.includes(name));
      const [first] = ways;
      if (first === undefined) return [];
      const maxDurationS = Math.max(...ways.map((rule) => rule.maxDurationS));
      return [{ target: target.name, login: name, channels: first.channels, maxDurationS }];
    });
  });
}
