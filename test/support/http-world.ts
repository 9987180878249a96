/** A web server over fakes, with a few people and sessions, for tests of routes and pages. */
import { FakeControls } from './fake-controls.ts';
import type { Principal, Role } from '../../server/access/principal.ts';
import { startHttp, type HttpServer } from '../../server/http/app.ts';
import type { HttpOptions } from '../../server/http/options.ts';
import type { ApprovalView, CommandView, SessionView } from '../../server/http/ports.ts';
import { silentLogger } from '../../server/log.ts';
import { markerLabel } from '../../server/session/line-text.ts';
import { parsePublicLine } from '../../server/ssh/key.ts';
import { createPages } from '../../web/index.ts';
import { FakeAccess } from './fake-access.ts';
import { FakeAudit, FakeDirectory, FakeShortKeys } from './fake-directory.ts';
import { OVERVIEW } from './fake-overview.ts';
import { fakePolicyDesk } from './fake-policy-desk.ts';
import { fakeRuns } from './fake-runs.ts';
import { FakeClientSignIns } from './fake-links.ts';
import { FakeHolds } from './fake-holds.ts';
import { FakeIssuerDesk } from './fake-issuer-desk.ts';
import { FakeDirectoryEdits } from './fake-directory-edits.ts';
import { FakeTokens } from './fake-tokens.ts';
import { FakeReviews } from './fake-reviews.ts';
import { FakeNews, fakeSavedFilters } from './fake-session-lists.ts';
import { FakeApprovals } from './fake-approvals.ts';
import {
  FakeRecordings,
  FakeSearch,
  FakeSignIns,
  fakeFiles,
  type KeptSession,
  recordingKey,
} from './http-fakes.ts';

/** Bundled once for all tests of a run. */
const pages = createPages();

export const NOW = Date.parse('2026-01-01T10:04:00.000Z');

/** The n-th session id; later ones sort behind earlier ones. */
export function sessionId(number: number): string {
  return `0197a000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

export function principal(name: string, ...roles: readonly Role[]): Principal {
  return { id: `id-of-${name}`, name, kind: 'human', roles, groups: [] };
}

export const people = {
  alice: principal('alice', 'admin'),
  audrey: principal('audrey', 'auditor'),
  piet: principal('piet', 'approver'),
  uma: principal('uma'),
} as const;

export function sessionView(number: number, changes: Partial<SessionView> = {}): SessionView {
  return {
    id: sessionId(number),
    kind: 'shell',
    principal: { name: 'deploy-bot', kind: 'agent' },
    target: 'web-01',
    login: 'deploy',
    via: 'direct',
    source: '192.0.2.7:51514',
    run: 'run_01JQ',
    task: 'OPS-412',
    attribution: 'claimed',
    startedAt: '2026-01-01T10:00:00.000Z',
    endedAt: '2026-01-01T10:00:31.900Z',
    status: 'closed',
    exitStatus: 0,
    width: 80,
    height: 24,
    commandCount: 0,
    deniedCount: 0,
    heldCount: 0,
    maskedCount: 0,
    bytesOut: 1234,
    recording: { durationMs: 31_900, chunks: 3, headHash: 'ab'.repeat(32), complete: true },
    ...changes,
  };
}

export function commandView(seq: number, changes: Partial<CommandView> = {}): CommandView {
  return {
    seq,
    atMs: seq * 1000,
    text: `echo ${seq}`,
    certainty: 'exact',
    decision: 'allow',
    rule: null,
    reason: null,
    approval: null,
    language: 'shell',
    argv: ['echo', String(seq)],
    exitStatus: 0,
    outputFromMs: seq * 1000 + 10,
    outputToMs: seq * 1000 + 200,
    masked: 0,
    ...changes,
  };
}

export function approvalView(id: string, changes: Partial<ApprovalView> = {}): ApprovalView {
  return {
    id,
    kind: 'command',
    status: 'waiting',
    session: sessionId(1),
    principal: 'deploy-bot',
    target: 'web-01',
    login: 'deploy',
    commandSeq: 3,
    text: 'systemctl restart nginx',
    rule: 'restart-service',
    reason: 'a person looks first',
    grounds: [{ rule: 'restart-service', isDoubt: false, why: 'a person looks first' }],
    demands: [
      { rule: 'restart-service', approvers: [], minimum: 1, fourEyes: false, escalation: null },
    ],
    escalatedAt: null,
    requestedAt: '2026-01-01T10:03:00.000Z',
    expiresAt: '2026-01-01T10:13:00.000Z',
    repeatable: true,
    onceBecause: null,
    votes: [],
    decidedBy: null,
    decidedAt: null,
    decisionReason: null,
    scope: 'once',
    until: null,
    uses: 0,
    standing: null,
    revokedAt: null,
    revokedBy: null,
    revokeReason: null,
    ...changes,
  };
}

/** A session whose events print each command and its output. */
export function keptSession(
  number: number,
  commands: readonly CommandView[],
  changes: Partial<SessionView> = {},
): KeptSession {
  const events: KeptSession['events'][number][] = [
    { atUs: 0, code: 'o', text: '\x1b[1;32mdeploy@web-01\x1b[0m:~$ ' },
  ];
  for (const command of commands) {
    const atUs = command.atMs * 1000;
    events.push({ atUs, code: 'm', label: markerLabel(command.text) });
    events.push({ atUs: atUs + 10_000, code: 'o', text: `${command.text}\r\n` });
    events.push({
      atUs: (command.outputToMs ?? command.atMs) * 1000,
      code: 'o',
      text: `output of ${command.seq}\r\n\x1b[1;32mdeploy@web-01\x1b[0m:~$ `,
    });
  }
  const view = sessionView(number, {
    commandCount: commands.length,
    deniedCount: commands.filter((one) => one.decision === 'deny').length,
    heldCount: commands.filter((one) => one.decision === 'hold').length,
    ...changes,
  });
  const lastUs = view.recording.durationMs * 1000;
  events.push({ atUs: lastUs, code: 'x', status: String(view.exitStatus ?? 0) });
  return { view, commands, events, term: 'xterm-256color' };
}

export interface HttpWorld {
  readonly recordings: FakeRecordings;
  readonly search: FakeSearch;
  readonly signIns: FakeSignIns;
  readonly access: FakeAccess;
  readonly approvals: FakeApprovals;
  readonly audit: FakeAudit;
  readonly news: FakeNews;
  readonly holds: FakeHolds;
  readonly shortKeys: FakeShortKeys;
  readonly clientSignIns: FakeClientSignIns;
  /** `SESSION by NAME` of every termination asked for. */
  readonly terminated: string[];
  readonly clock: { nowMs(): number; monotonicUs(): number; advance(ms: number): void };
  readonly options: HttpOptions;
  readonly server: HttpServer;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** A request with this person's bearer token, redirects not followed. */
  fetch(path: string, person?: Principal | null, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

/** Starts on a free loopback port. Call `close`. */
export async function startHttpWorld(changes: Partial<HttpOptions> = {}): Promise<HttpWorld> {
  let nowMs = NOW;
  const clock = {
    nowMs: () => nowMs,
    monotonicUs: () => nowMs * 1000,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
  const recordings = new FakeRecordings();
  const search = new FakeSearch(recordings);
  const signIns = new FakeSignIns();
  const access = new FakeAccess();
  const approvals = new FakeApprovals();
  const news = new FakeNews();
  const audit = new FakeAudit();
  const holds = new FakeHolds();
  const shortKeys = new FakeShortKeys(audit, clock);
  const clientSignIns = new FakeClientSignIns();
  const reviews = new FakeReviews(recordings, clock);
  const controls = new FakeControls((id) =>
    recordings.kept.some(({ view }) => view.id === id && view.status === 'active'),
  );
  const options: HttpOptions = {
    listen: { host: '127.0.0.1', port: 0 },
    publicUrl: null,
    recordings,
    files: fakeFiles(),
    overview: { overview: async () => OVERVIEW },
    policyDesk: fakePolicyDesk(clock),
    savedFilters: fakeSavedFilters(),
    reviews,
    newsSource: news,
    runs: fakeRuns(recordings),
    search,
    signIns,
    issuerDesk: new FakeIssuerDesk(),
    tokens: new FakeTokens(),
    access,
    approvals,
    audit,
    controls,
    readiness: async () => ({ ready: true, checks: { database: 'ok' } }),
    isOutage: () => false,
    metrics: () => 'sallyport_sessions_active 0\n',
    pages: await pages,
    recordingKey: async () => recordingKey,
    holds,
    shortKeys,
    clientSignIns,
    directory: new FakeDirectory(),
    directoryEdits: new FakeDirectoryEdits(),
    parsePublicKey: parsePublicLine,
    logger: silentLogger,
    clock,
    version: '0.0.0',
    ...changes,
  };
  const server = await startHttp(options);
  const url = `http://127.0.0.1:${server.address.port}`;
  const tokens = new Map<string, string>();
  const tokenOf = (person: Principal): string => {
    const known = tokens.get(person.id) ?? signIns.token(person);
    tokens.set(person.id, known);
    return known;
  };
  return {
    recordings,
    search,
    signIns,
    access,
    approvals,
    audit,
    news,
    holds,
    shortKeys,
    clientSignIns,
    terminated: controls.terminated,
    clock,
    options,
    server,
    url,
    fetch: (path, person = null, init = {}) => {
      const headers = new Headers(init.headers);
      if (person !== null) headers.set('authorization', `Bearer ${tokenOf(person)}`);
      return fetch(url + path, { redirect: 'manual', ...init, headers });
    },
    close: () => server.close(),
  };
}
