/**
 * The bastion's own commands, for a user name that is no target: `ssh bastion targets`. They read
 * and decide what the same principal could in the browser, nothing else.
 */
import { authorise, CHANNEL_KINDS } from '../access/grant.ts';
import { hasRole, type Principal } from '../access/principal.ts';
import { printable } from '../printable.ts';
import { EXIT_DENIED, EXIT_FAILED } from './notice.ts';
import type { ChannelRequest, Directory } from './ports.ts';

/** What the commands need; narrower than the web's ports. */
export interface BuiltinQueries {
  readonly directory: Directory;
  /** Newest first; only those that the principal may see. */
  recentSessions(principal: Principal, limit: number): Promise<readonly BuiltinSession[]>;
  waitingApprovals(limit: number): Promise<readonly BuiltinApproval[]>;
  decide(
    id: string,
    decision: 'approved' | 'refused',
    by: { readonly principal: Principal; readonly source: string; readonly reason: string | null },
  ): Promise<{
    readonly kind: 'decided' | 'unknown' | 'already-decided' | 'own-request' | 'not-an-approver';
  }>;
}

export interface BuiltinSession {
  readonly id: string;
  readonly startedAt: string;
  readonly principal: string;
  readonly target: string;
  readonly kind: string;
  readonly status: string;
}

export interface BuiltinApproval {
  readonly id: string;
  readonly principal: string;
  readonly target: string;
  readonly text: string;
  /** Why it is held, as everywhere; null = the rule says nothing. */
  readonly reason: string | null;
  readonly expiresAt: string;
}

export interface BuiltinResult {
  readonly lines: readonly string[];
  readonly exitStatus: number;
}

const MAX_LISTED = 50;
/** Longer than any reason of a decision. */
const MAX_REASON_CHARACTERS = 1_000;
const VERBS: Readonly<Record<string, string>> = {
  help: 'this text',
  whoami: 'who the bastion takes you for',
  targets: 'what you may reach',
  sessions: 'your latest sessions; for auditors everybody’s',
  approvals: 'commands that wait for a decision',
  approve: 'approve ID [reason]',
  deny: 'deny ID [reason]',
};

/** Whether a request at a name that is no target is for the bastion itself. */
export function isBuiltin(request: ChannelRequest): boolean {
  if (request.kind === 'subsystem') return false;
  if (request.command === null) return true;
  return Object.hasOwn(VERBS, words(request)[0] ?? '');
}

/** Runs one of the bastion's commands; a shell request gets the list of targets. */
export async function runBuiltin(
  queries: BuiltinQueries,
  by: { readonly principal: Principal; readonly source: string },
  request: ChannelRequest,
): Promise<BuiltinResult> {
  const [verb = 'targets', ...rest] = words(request);
  switch (verb) {
    case 'help':
      return ok(Object.entries(VERBS).map(([name, text]) => `${name.padEnd(10)} ${text}`));
    case 'whoami': {
      const { name, kind, roles, groups } = by.principal;
      return ok([`${name} (${kind})`, `roles: ${list(roles)}`, `groups: ${list(groups)}`]);
    }
    case 'targets':
      return ok(await reachable(queries.directory, by.principal));
    case 'sessions': {
      const sessions = await queries.recentSessions(by.principal, MAX_LISTED);
      return ok(
        sessions.map((one) =>
          [one.id, one.startedAt, one.status, one.kind, one.principal, one.target].join('  '),
        ),
      );
    }
    case 'approvals': {
      if (!hasRole(by.principal, 'approver')) {
        return refused('only approvers see what waits; ask an admin for the role');
      }
      const waiting = await queries.waitingApprovals(MAX_LISTED);
      return ok(
        waiting.length === 0
          ? ['nothing waits']
          : waiting.map(
              (one) =>
                `${one.id}  ${one.principal} on ${one.target} until ${one.expiresAt}: ${printable(one.text, 300)}` +
                (one.reason === null ? '' : `  (${printable(one.reason, MAX_REASON_CHARACTERS)})`),
            ),
      );
    }
    case 'approve':
    case 'deny': {
      const [id, ...reason] = rest;
      if (id === undefined) {
        return {
          lines: [`sallyport: ${verb} needs the id of an approval`],
          exitStatus: EXIT_FAILED,
        };
      }
      const decision = verb === 'approve' ? 'approved' : 'refused';
      const { kind } = await queries.decide(id, decision, {
        ...by,
        reason: reason.length === 0 ? null : reason.join(' '),
      });
      return kind === 'decided' ? ok([`${id} ${decision}`]) : refused(DECISION_FAILURES[kind]);
    }
    default:
      return refused(`there is no command ${printable(verb, 40)}; see: ssh BASTION help`);
  }
}

const DECISION_FAILURES = {
  unknown: 'there is no such approval; see: ssh BASTION approvals',
  'already-decided': 'that approval is decided already',
  'own-request': 'nobody decides their own request; ask another approver',
  'not-an-approver': 'you are not an approver of that request; ask one of its approvers',
} as const;

async function reachable(directory: Directory, principal: Principal): Promise<string[]> {
  const rules = await directory.grantRules();
  const lines: string[] = [];
  for (const target of await directory.allTargets()) {
    for (const login of target.logins) {
      const kinds = CHANNEL_KINDS.filter(
        (kind) => authorise(principal, target, login.name, kind, rules).kind === 'granted',
      );
      if (kinds.length > 0) lines.push(`${login.name}@${target.name}  ${kinds.join(', ')}`);
    }
  }
  return lines.length === 0 ? ['no target is open to you; ask an admin for a grant'] : lines;
}

function words(request: ChannelRequest): string[] {
  const text = request.command?.toString('utf8') ?? '';
  return text.split(/\s+/).filter((word) => word !== '');
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

function ok(lines: readonly string[]): BuiltinResult {
  return { lines, exitStatus: 0 };
}

function refused(text: string): BuiltinResult {
  return { lines: [`sallyport: ${text}`], exitStatus: EXIT_DENIED };
}
