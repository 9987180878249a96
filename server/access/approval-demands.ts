/**
 * Whose approval counts, and what is still missing. Pure. Nobody decides what they asked for themselves, nor
 * do agents decide for their owner, and whoever shares an owner counts once. Not caught here: one human who
 * has several principals that the directory doesn't connect.
 */
import { hasRole, isNamedBy, type Principal } from './principal.ts';

/** What one rule asks for. */
export interface Demand {
  readonly rule: string | null;
  /** Empty = every approver. */
  readonly approvers: readonly string[];
  readonly minimum: number;
  /** Whoever has the same owner as the requester, or is it, counts as the requester. */
  readonly fourEyes: boolean;
  /** From when on who else may decide; null = nobody is added. */
  readonly escalation: { readonly atMs: number; readonly to: readonly string[] } | null;
}

/** Somebody who decides. */
export interface Voter {
  readonly principal: Pick<Principal, 'id' | 'name' | 'kind' | 'roles' | 'groups'>;
  /** The owner of an agent, or null. */
  readonly owner: string | null;
}

export interface Asked {
  readonly name: string;
  readonly owner: string | null;
}

export type Standing = 'may' | 'own-request' | 'four-eyes' | 'not-an-approver';

/**
 * Whether somebody may decide on a request at all: for at least one of its demands.
 * @param escalatedMs up to when escalations have taken place; null = none has
 */
export function standingOf(
  demands: readonly Demand[],
  voter: Voter,
  asked: Asked,
  escalatedMs: number | null,
): Standing {
  const { name } = voter.principal;
  if (name === asked.name || voter.owner === asked.name) return 'own-request';
  const eligible = demands.filter((one) => isEligible(one, voter, escalatedMs));
  if (eligible.length === 0) return 'not-an-approver';
  return eligible.some((one) => !isBarred(one, voter, asked)) ? 'may' : 'four-eyes';
}

/** How many approvals each demand still lacks; all zero = it may go on. */
export function missingOf(
  demands: readonly Demand[],
  approvals: readonly Voter[],
  asked: Asked,
  escalatedMs: number | null,
): readonly number[] {
  return demands.map((demand) => {
    const people = new Set(
      approvals
        .filter((voter) => standingOf([demand], voter, asked, escalatedMs) === 'may')
        .map(personOf),
    );
    return Math.max(0, demand.minimum - people.size);
  });
}

/** Who stands behind a principal, as far as the directory says. */
export function personOf({ owner, principal }: Voter): string {
  return owner ?? principal.name;
}

/** Named approvers narrow the role; an admin may always decide. */
function isEligible(demand: Demand, { principal }: Voter, escalatedMs: number | null): boolean {
  const whole = principal as Principal;
  if (hasRole(whole, 'admin')) return true;
  if (!hasRole(whole, 'approver')) return false;
  const { approvers, escalation } = demand;
  if (approvers.length === 0) return true;
  const isEscalated = escalation !== null && escalatedMs !== null && escalation.atMs <= escalatedMs;
  const named = isEscalated ? [...approvers, ...escalation.to] : approvers;
  return named.some((selector) => isNamedBy(whole, selector));
}

function isBarred({ fourEyes }: Demand, voter: Voter, asked: Asked): boolean {
  return fourEyes && personOf(voter) === (asked.owner ?? asked.name);
}
