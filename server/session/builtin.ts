/**
 * The bastion's own commands, for a user name that is no target: `ssh bastion targets`. They read
 * and decide what the same principal could in the browser, nothing else.
 */
import { authorise, CHANNEL_KINDS } from '../access/grant.ts';
import { permit, type Action } from '../access/permission.ts';
import type { Principal } from '../access/principal.ts';
import type { RecordedEvent } from '../asciicast/event.ts';
import { printable } from '../printable.ts';
import { ACCESS_VERBS, type AccessCaller, type AccessQueries } from './access-commands.ts';
import {
  isWait,
  runApprovals,
  runDecision,
  type ApprovalAnswer,
  type ApprovalQueries,
} from './approval-commands.ts';
import { EXIT_DENIED, utcText } from './notice.ts';
import type { ChannelRequest, Directory } from './ports.ts';
import {
  knownHostsLines,
  readPlace,
  sshConfigLines,
  type BastionIdentity,
  type BastionPlace,
} from './ssh-config.ts';

/** What the commands need; narrower than the web's ports. */
export interface BuiltinQueries extends ApprovalQueries {
  readonly directory: Directory;
  readonly access: AccessQueries;
  readonly identity: BastionIdentity;
  /** Newest first; only those that the principal may see. */
  recentSessions(principal: Principal, limit: number): Promise<readonly BuiltinSession[]>;
  /** Null = there is none, or it isn't theirs to see. The look is journalled before the first event. */
  recording(
    id: string,
    by: { readonly principal: Principal; readonly source: string },
  ): Promise<AsyncIterable<RecordedEvent> | null>;
}

/** Who asks, and how they came. */
export interface BuiltinCaller extends AccessCaller {
  /** What they typed as user name. */
  readonly userName: string;
  /** Where they reached the bastion; null = not over a network. */
  readonly place: BastionPlace | null;
}

export interface BuiltinSession {
  readonly id: string;
  readonly startedAt: string;
  readonly principal: string;
  readonly target: string;
  readonly kind: string;
  readonly status: string;
}

export type BuiltinResult = ApprovalAnswer;

const MAX_LISTED = 50;
const SSH_PORT = 22;
const NOTHING_OPEN = 'no target is open to you; ask an admin for a grant';

/** What each command is for, and what it needs; null = it tells people of themselves only. */
export const BUILTINS: Readonly<
  Record<string, { readonly words: string; readonly action: Action | null }>
> = {
  help: { words: 'this text', action: null },
  whoami: { words: 'who the bastion takes you for', action: null },
  targets: { words: 'what you may reach', action: null },
  'ssh-config': {
    words: 'lines for ~/.ssh/config; ssh-config known_hosts: for ~/.ssh/known_hosts',
    action: null,
  },
  sessions: { words: 'your latest sessions; for auditors everybody’s', action: 'session.list' },
  approvals: {
    words: 'what waits for a decision; approvals wait ID, approvals standing, approvals revoke ID',
    action: 'approval.list',
  },
  approve: { words: 'approve ID [--for session|30m] [reason]', action: 'approval.decide' },
  deny: { words: 'deny ID [reason]', action: 'approval.decide' },
  play: { words: 'play SESSION; Ctrl-C or q ends it', action: 'session.read' },
  request: {
    words: 'request [LOGIN@]TARGET TIME REASON [--wait]: ask for access',
    action: 'access.request',
  },
  requests: { words: 'what you asked for; requests all', action: 'access.request' },
  withdraw: {
    words: 'withdraw ID: of a request, or of access that you no longer need',
    action: 'access.request',
  },
  revoke: {
    words: 'revoke ID [reason]: end access that was granted for a time',
    action: 'access.request',
  },
};

/** Whether a request at a name that is no target is for the bastion itself. */
export function isBuiltin(request: ChannelRequest): boolean {
  if (request.kind === 'subsystem') return false;
  if (request.command === null) return true;
  return Object.hasOwn(BUILTINS, words(request)[0] ?? '');
}

/** The words of a request that blocks until a person has decided; null = it is something else. */
export function awaitedApproval(request: ChannelRequest): readonly string[] | null {
  const asked = words(request);
  return isWait(asked) ? asked : null;
}

/** The words of a command about access for a time, for who may give it; null = it is something else. */
export function accessWords(
  principal: Principal,
  request: ChannelRequest,
): readonly string[] | null {
  const [verb = '', ...args] = words(request);
  const isAccess = (ACCESS_VERBS as readonly string[]).includes(verb);
  return isAccess && neededRole(verb, principal) === null ? [verb, ...args] : null;
}

/** The id of the session that is to be played; null = the request is something else. */
export function playedSession(request: ChannelRequest): string | null {
  const [verb, id = ''] = words(request);
  return verb === 'play' ? id : null;
}

/** Runs one of the bastion's commands; a shell request gets the list of targets. */
export async function runBuiltin(
  queries: BuiltinQueries,
  by: BuiltinCaller,
  request: ChannelRequest,
): Promise<BuiltinResult> {
  const [verb = 'targets', ...rest] = words(request);
  const needed = neededRole(verb, by.principal);
  if (needed !== null) return refused(`this needs the role ${needed}; ask an admin for it`);
  switch (verb) {
    case 'help':
      return ok(Object.entries(BUILTINS).map(([name, one]) => `${name.padEnd(10)} ${one.words}`));
    case 'whoami': {
      const { name, kind, roles, groups } = by.principal;
      return ok([`${name} (${kind})`, `roles: ${list(roles)}`, `groups: ${list(groups)}`]);
    }
    case 'targets':
      return ok(await reachable(queries.directory, by.principal));
    case 'ssh-config':
      return sshConfig(queries, by, rest);
    case 'sessions': {
      const sessions = await queries.recentSessions(by.principal, MAX_LISTED);
      return ok(
        sessions.map((one) =>
          [one.id, utcText(one.startedAt), one.status, one.kind, one.principal, one.target].join(
            '  ',
          ),
        ),
      );
    }
    case 'approvals':
      return runApprovals(queries, by, rest);
    case 'play':
      return refused('there is no such session that you may see; see: ssh BASTION sessions');
    case 'approve':
    case 'deny':
      return runDecision(queries, by, verb, rest);
    default:
      return refused(`there is no command ${printable(verb, 40)}; see: ssh BASTION help`);
  }
}

/** The role that a command needs and the principal hasn't; whose session it is about is asked later. */
function neededRole(verb: string, principal: Principal): string | null {
  const action = Object.hasOwn(BUILTINS, verb) ? (BUILTINS[verb]?.action ?? null) : null;
  if (action === null) return null;
  const outcome = permit(principal, action);
  return outcome.kind === 'forbidden' || outcome.kind === 'out-of-scope' ? outcome.needs : null;
}

export interface Reachable {
  readonly target: string;
  readonly login: string;
  readonly kinds: readonly string[];
}

/** Where a principal may go, and how. */
export async function reachableLogins(
  directory: Directory,
  principal: Principal,
): Promise<Reachable[]> {
  const rules = await directory.grantRules();
  const found: Reachable[] = [];
  for (const target of await directory.allTargets()) {
    for (const login of target.logins) {
      const kinds = CHANNEL_KINDS.filter(
        (kind) => authorise(principal, target, login.name, kind, rules).kind === 'granted',
      );
      if (kinds.length > 0) found.push({ target: target.name, login: login.name, kinds });
    }
  }
  return found;
}

async function reachable(directory: Directory, principal: Principal): Promise<string[]> {
  const found = await reachableLogins(directory, principal);
  return found.length === 0
    ? [NOTHING_OPEN]
    : found.map(({ target, login, kinds }) => `${login}@${target}  ${kinds.join(', ')}`);
}

/** `ssh-config [known_hosts] [HOST[:PORT]]` */
async function sshConfig(
  { directory, identity }: BuiltinQueries,
  { place: arrived, principal, userName }: BuiltinCaller,
  args: readonly string[],
): Promise<BuiltinResult> {
  const isForKnownHosts = args[0] === 'known_hosts';
  const [typed, ...rest] = isForKnownHosts ? args.slice(1) : args;
  const place = typed === undefined ? arrived : readPlace(typed, arrived?.port ?? SSH_PORT);
  if (place === null || rest.length > 0) {
    return refused('write ssh-config [known_hosts] [HOST[:PORT]], HOST being how you reach it');
  }
  const logins = new Map<string, string[]>();
  for (const { target, login } of await reachableLogins(directory, principal)) {
    logins.set(target, [...(logins.get(target) ?? []), login]);
  }
  if (logins.size === 0) return refused(NOTHING_OPEN);
  const targets = [...logins].map(([name, names]) => ({ name, logins: names }));
  return ok(
    isForKnownHosts
      ? knownHostsLines(identity, place, targets)
      : sshConfigLines(identity, place, userName, targets),
  );
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
