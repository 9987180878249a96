/** The bastion's own commands about access for a time: `request`, `requests`, `withdraw ID`, `revoke ID`. */
import {
  durationS,
  durationText,
  type requestable,
  type RequestOption,
} from '../access/access-request.ts';
import {
  attributedRun,
  type AttributedRun,
  type Attribution,
  type ClaimedRun,
} from '../access/attribution.ts';
import { parseDestination } from '../access/destination.ts';
import { permit } from '../access/permission.ts';
import type { Principal } from '../access/principal.ts';
import { printable } from '../printable.ts';
import { EXIT_DENIED, EXIT_FAILED, notice, utcText } from './notice.ts';

const MAX_LISTED = 50;
const MAX_TEXT_CHARACTERS = 300;
const MAX_ID_CHARACTERS = 64;
const FORM =
  'request [LOGIN@]TARGET[+run=RUN] TIME REASON [--wait], for instance request web1 2h "disk is full"';

/** What is shown of a request. */
export interface BuiltinAccessRequest {
  readonly id: string;
  readonly status: 'waiting' | 'granted' | 'refused' | 'expired' | 'withdrawn' | 'ended';
  readonly principal: string;
  readonly target: string;
  readonly login: string;
  readonly reason: string;
  readonly durationS: number;
  readonly expiresAt: string;
  readonly approvedBy: readonly string[];
  readonly endsAt: string | null;
  readonly settledBy: string | null;
  readonly settledWhy: string | null;
}

export interface AccessAsking {
  readonly principal: Principal;
  readonly source: string;
  readonly target: string;
  readonly login: string | null;
  readonly durationS: number;
  readonly reason: string;
  readonly by: AttributedRun;
}

export type AccessAnswer =
  | { readonly kind: 'asked'; readonly request: BuiltinAccessRequest; readonly url: string }
  | { readonly kind: 'no-reason' }
  | { readonly kind: 'too-many'; readonly most: number }
  | Exclude<ReturnType<typeof requestable>, { kind: 'requestable' }>;

/** At most four methods: see ports.ts. */
export interface AccessQueries {
  ask(asking: AccessAsking): Promise<AccessAnswer>;
  options(principal: Principal): Promise<readonly RequestOption[]>;
  /** Newest first. @param principal null = everybody's */
  list(principal: string | null, limit: number): Promise<readonly BuiltinAccessRequest[]>;
  end(
    id: string,
    by: { readonly principal: Principal; readonly source: string; readonly reason: string | null },
  ): Promise<{ readonly kind: 'withdrawn' | 'ended' | 'unknown' | 'over' | 'waiting' }>;
  /** Resolves once it no longer waits, or `signal` aborts. */
  decided(id: string, signal: AbortSignal): Promise<BuiltinAccessRequest | null>;
}

export interface AccessCaller {
  readonly principal: Principal;
  readonly source: string;
  /** What the key says of run and task, and what was typed; left out = nothing. */
  readonly run?: { readonly known: Attribution | null; readonly claimed: ClaimedRun };
}

interface Answer {
  readonly lines: readonly string[];
  readonly exitStatus: number;
}

export const ACCESS_VERBS = ['request', 'requests', 'withdraw', 'revoke'] as const;

/**
 * Runs one of the commands.
 * @param say tells the caller something before the end
 * @param gone aborts when the caller no longer waits
 */
export async function runAccess(
  queries: AccessQueries,
  caller: AccessCaller,
  [verb, ...args]: readonly string[],
  say: (line: string) => Promise<void>,
  gone: AbortSignal,
): Promise<Answer> {
  if (verb === 'requests') return listed(queries, caller, args);
  if (verb === 'request') return request(queries, caller, args, say, gone);
  const [id, ...reason] = args;
  if (id === undefined) return usage(`write: ${verb ?? ''} ID [reason]`);
  if (id.length > MAX_ID_CHARACTERS) return refused(FAILURES.unknown);
  const { principal, source } = caller;
  const { kind } = await queries.end(id, { principal, source, reason: reasonOf(reason) });
  const shown = printable(id, MAX_ID_CHARACTERS);
  return kind === 'withdrawn' || kind === 'ended'
    ? ok([`${shown} ${kind}`])
    : refused(FAILURES[kind]);
}

const FAILURES = {
  unknown: 'there is no such request of yours; see: ssh BASTION requests',
  over: 'that request is over already; see: ssh BASTION requests',
  waiting: 'that request still waits; refuse it with: ssh BASTION deny ID',
} as const;

async function request(
  queries: AccessQueries,
  { principal, run, source }: AccessCaller,
  args: readonly string[],
  say: (line: string) => Promise<void>,
  gone: AbortSignal,
): Promise<Answer> {
  const isWaiting = args.includes('--wait');
  const [place, time, ...words] = args.filter((word) => word !== '--wait');
  if (place === undefined) return options(await queries.options(principal));
  const parsed = parseDestination(place);
  const seconds = durationS(time ?? '');
  if (parsed.kind === 'malformed') return usage(`${parsed.why}; write: ${FORM}`);
  if (seconds === null) return usage(`TIME is 30m, 2h or 1d; write: ${FORM}`);
  const { login, run: typedRun, target, task: typedTask } = parsed.destination;
  const { known = null, claimed = { run: null, task: null } } = run ?? {};
  const attributed = attributedRun(known, {
    run: typedRun ?? claimed.run,
    task: typedTask ?? claimed.task,
  });
  if (attributed.kind === 'contradiction') return refused(attributed.why);
  const { by } = attributed;
  const reason = unquoted(words.join(' '));
  const asking = { principal, source, target, login, durationS: seconds, reason, by };
  const answer = await queries.ask(asking);
  if (answer.kind !== 'asked') return refused(failure(answer, target));
  const { request: made, url } = answer;
  const lines = [
    `${made.id} waits until ${utcText(made.expiresAt)}: access to ${made.login}@${made.target} for ${durationText(made.durationS)}`,
    `approvers decide at ${url} or with: ssh BASTION approve ${made.id}`,
  ];
  if (!isWaiting) return ok(lines);
  for (const line of lines) await say(line);
  const decided = await queries.decided(made.id, gone);
  if (decided === null || decided.status === 'waiting') return refused('no longer waiting');
  return {
    lines: [notice(endOf(decided))],
    exitStatus: decided.status === 'granted' ? 0 : EXIT_DENIED,
  };
}

function failure(answer: Exclude<AccessAnswer, { kind: 'asked' }>, target: string): string {
  switch (answer.kind) {
    case 'unknown':
      return `there is no target "${target}" that you may ask for; see those with: ssh BASTION request`;
    case 'login-ambiguous':
      return `several logins may be asked for; write LOGIN@${target} with one of: ${answer.logins.join(', ')}`;
    case 'too-long':
      return `access to ${target} may be asked for at most ${durationText(answer.mostS)}`;
    case 'no-reason':
      return `say why; write: ${FORM}`;
    case 'too-many':
      return `${answer.most} of your requests wait already; withdraw one with: ssh BASTION withdraw ID`;
  }
}

function options(found: readonly RequestOption[]): Answer {
  if (found.length === 0) return refused('there is nothing that you may ask for; ask an admin');
  return ok(
    found.map(
      ({ channels, login, maxDurationS, target }) =>
        `${login}@${target}  up to ${durationText(maxDurationS)}: ${channels.join(', ')}`,
    ),
  );
}

async function listed(
  queries: AccessQueries,
  { principal }: AccessCaller,
  [what, ...more]: readonly string[],
): Promise<Answer> {
  if (more.length > 0 || (what !== undefined && what !== 'all')) {
    return usage('write: requests, or requests all for those of everybody');
  }
  const seesAll = permit(principal, 'approval.list').kind === 'allowed';
  if (what === 'all' && !seesAll) {
    return refused('requests of others need the role approver; ask an admin for it');
  }
  const found = await queries.list(what === 'all' ? null : principal.name, MAX_LISTED);
  if (found.length === 0) return ok(['no access was asked for']);
  return ok(
    found.map((one) => {
      const whose = what === 'all' ? `${one.principal}  ` : '';
      const place = `${one.login}@${one.target} for ${durationText(one.durationS)}`;
      return `${one.id}  ${whose}${place}  ${endOf(one)}: ${printable(one.reason, MAX_TEXT_CHARACTERS)}`;
    }),
  );
}

function endOf(one: BuiltinAccessRequest): string {
  const { approvedBy, endsAt, expiresAt, settledBy, settledWhy, status } = one;
  const by = settledBy === null ? '' : ` by ${settledBy}`;
  const why = settledWhy === null ? '' : ` (${printable(settledWhy, MAX_TEXT_CHARACTERS)})`;
  switch (status) {
    case 'waiting':
      return `waits until ${utcText(expiresAt)}`;
    case 'granted':
      return `granted by ${approvedBy.join(', ')}${endsAt === null ? '' : ` until ${utcText(endsAt)}`}`;
    case 'expired':
      return 'expired';
    case 'refused':
    case 'withdrawn':
    case 'ended':
      return `${status}${by}${why}`;
  }
}

/** Quotes that a shell left because the whole command was quoted. */
function unquoted(text: string): string {
  return /^(["'])(.*)\1$/s.exec(text)?.[2] ?? text;
}

function reasonOf(words: readonly string[]): string | null {
  return words.length === 0 ? null : unquoted(words.join(' '));
}

function ok(lines: readonly string[]): Answer {
  return { lines, exitStatus: 0 };
}

function refused(text: string): Answer {
  return { lines: [notice(text)], exitStatus: EXIT_DENIED };
}

function usage(text: string): Answer {
  return { lines: [notice(text)], exitStatus: EXIT_FAILED };
}
