/**
 * Every route, who may use it, how it answers then, and what the journal says when an auditor uses it on
 * somebody else's session. A route that isn't here fails a test.
 */
import type { Action } from '../../server/access/permission.ts';
import type { HttpOptions } from '../../server/http/options.ts';
import { httpApp } from '../../server/http/app.ts';
import { ApprovalFeed } from '../../server/http/approval-feed.ts';
import { NewsFeed } from '../../server/http/news-feed.ts';
import { LiveViews } from '../../server/http/live.ts';
import type { EventType } from '../../server/journal/event.ts';
import { type HttpWorld, sessionId } from './http-world.ts';

/** A star: only for those who may do it to everything. `open`: everybody. `bearer`: whoever sends a token, valid or not. Else a permission. */
const MATRIX = `
GET  /healthz                               open              200 -
GET  /readyz                                open              200 -
GET  /metrics                               open              200 -
GET  /assets/:name                          open              404 -
GET  /setup/:token                          open              200 -
POST /setup/:token                          open              401 -
POST /sign-out                              open              303 -
GET  /                                      open              302 -
GET  /sessions                              session.list      200 -
GET  /sessions/:id                          session.read      200 recording.viewed
POST /sessions/:id/terminate                session.terminate 303 -
GET  /overview                              directory.read     200 -
GET  /api/v1/overview                       directory.read     200 -
GET  /search                                session.list      200 -
GET  /approvals                             approval.list     200 -
GET  /approvals/:id                         approval.list     200 recording.viewed
POST /approvals/:id                         approval.decide   303 -
GET  /api/v1/sessions                       session.list      200 -
GET  /api/v1/sessions/:id                   session.read      200 -
GET  /api/v1/sessions/:id/commands          session.read      200 recording.viewed
GET  /api/v1/sessions/:id/commands/:seq/output session.read   200 recording.viewed
GET  /api/v1/sessions/:id/transfers         session.read      200 recording.viewed
GET  /api/v1/sessions/:id/recording         session.read      200 recording.exported
GET  /api/v1/sessions/:id/files/:number     session.read      200 recording.exported
GET  /api/v1/sessions/:id/segments          session.read      200 recording.viewed
GET  /api/v1/sessions/:id/segments/:number  session.read      200 recording.viewed
GET  /api/v1/sessions/:id/live              session.read      200 recording.viewed
GET  /api/v1/sessions/:id/pauses            session.read      200 recording.viewed
GET  /api/v1/sessions/:id/chain             session.read      200 -
POST /api/v1/sessions/:id/terminate         session.terminate 202 -
POST /api/v1/sessions/:id/pause             session.control   202 -
POST /api/v1/sessions/:id/resume            session.control   202 -
POST /api/v1/sessions/:id/notice            session.control   202 -
GET  /api/v1/sessions/:id/controls          session.read      200 -
POST /sessions/:id/pause                    session.control   303 -
POST /sessions/:id/resume                   session.control   303 -
POST /sessions/:id/notice                   session.control   303 -
GET  /api/v1/runs                           session.list      200 -
GET  /api/v1/runs/compare                   session.read      200 recording.viewed
GET  /runs                                  session.list      200 -
GET  /run                                   session.read      200 -
GET  /compare                               session.read      200 recording.viewed
GET  /principals                            directory.read    200 -
GET  /targets                               directory.read    200 -
GET  /grants                                directory.read    200 -
GET  /credentials                           directory.read    200 -
GET  /journal                               journal.read      200 journal.read
GET  /journal/export                        journal.read      200 journal.exported
GET  /api/v1/tokens                         token.list        200 -
POST /api/v1/tokens                         token.create      201 -
GET  /api/v1/tokens/:id                     token.list        404 -
DELETE /api/v1/tokens/:id                   token.revoke      404 -
GET  /sign-in                               open              200/302 -
GET  /login                                 open              302 -
GET  /login/callback                        open              401 auth.failed
GET  /api/v1/sessions/:id/notes             session.review    200 -
POST /api/v1/sessions/:id/notes             session.review    201 -
GET  /api/v1/sessions/:id/review            session.review    200 -
POST /api/v1/sessions/:id/review            session.review    200 -
POST /sessions/:id/notes                    session.review    303 -
POST /sessions/:id/review                   session.review    303 -
GET  /api/v1/sessions/:id/holds             session.hold      200 -
POST /api/v1/sessions/:id/hold              session.hold      201 -
POST /api/v1/sessions/:id/release           session.hold      200 -
GET  /api/v1/search                         session.list      200 recording.viewed
GET  /api/v1/commands                       session.list      200 recording.viewed
GET  /api/v1/approvals                      approval.list     200 -
GET  /api/v1/approvals/standing             approval.list     200 -
GET  /api/v1/approvals/stream               approval.list     200 -
GET  /api/v1/approvals/:id                  approval.list     200 recording.viewed
GET  /api/v1/approvals/:id/live             approval.list     200 recording.viewed
POST /api/v1/approvals/:id/revoke           approval.decide   409 -
POST /approvals/:id/revoke                  approval.decide   303 -
POST /api/v1/approvals/:id/approve          approval.decide   200 -
POST /api/v1/approvals/:id/deny             approval.decide   200 -
GET  /api/v1/access-requests                access.request    200 -
POST /api/v1/access-requests                access.request    201 -
GET  /api/v1/access-requests/:id            access.request    404 -
POST /api/v1/access-requests/:id/end        access.request    404 -
GET  /api/v1/requests                       directory.read    200 -
GET  /api/v1/webhooks                       directory.read    200 -
GET  /access                                access.request    200 -
POST /access                                access.request    400 -
POST /access/:id/end                        access.request    303 -
GET  /api/v1/journal                        journal.read      200 journal.read
GET  /api/v1/principals                     directory.read    200 -
GET  /api/v1/principals/:name               directory.read    200 -
GET  /api/v1/targets                        directory.read    200 -
GET  /api/v1/targets/:name                  directory.read    200 -
GET  /api/v1/grants                         directory.read    200 -
GET  /api/v1/grants/:name                   directory.read    200 -
GET  /api/v1/policies                       directory.read    200 -
GET  /api/v1/policies/:name                 directory.read    200 -
GET  /api/v1/credentials                    directory.read    200 -
GET  /api/v1/credentials/:name              directory.read    200 -
POST /api/v1/principals                     directory.write   200 -
DELETE /api/v1/principals/:name             directory.write   200 -
POST /api/v1/targets                        directory.write   200 -
DELETE /api/v1/targets/:name                directory.write   200 -
POST /api/v1/grants                         directory.write   200 -
DELETE /api/v1/grants/:name                 directory.write   200 -
POST /api/v1/policies                       directory.write   200 -
DELETE /api/v1/policies/:name               directory.write   200 -
POST /api/v1/credentials                    directory.write   200 -
DELETE /api/v1/credentials/:name            directory.write   200 -
POST /api/v1/grants/:name                   directory.write   200 -
GET  /api/v1/versions                       directory.read    200 -
GET  /api/v1/versions/:number               directory.read    404 -
GET  /api/v1/rules                          directory.read    200 -
POST /api/v1/rules/try                      directory.read    200 recording.viewed
GET  /rules                                 directory.read    200 -
POST /rules                                 directory.read    200 recording.viewed
GET  /api/v1/sessions/:id/thumbnail         session.read      200 recording.viewed
GET  /api/v1/sessions/news                  session.list*     200 -
POST /sessions/filters                      session.list      303 -
POST /sessions/filters/delete               session.list      303 -
POST /api/v1/ssh-keys                       bearer            400 -
GET  /api/v1/ssh-keys                       ssh-key.list      200 -
DELETE /api/v1/ssh-keys/:id                 ssh-key.revoke    404 -
GET  /keys                                  ssh-key.list      200 -
POST /keys/:id/revoke                       ssh-key.revoke    404 -
GET  /ssh/:token                            open              401/403 auth.failed
POST /ssh/:token                            open              401/403 auth.failed
GET  /device                                open              401/403 auth.failed
POST /device                                open              401/403 auth.failed
POST /api/v1/device_authorization           open              200 -
POST /api/v1/device_token                   open              400 -
GET  /api/v1/login                          open              401/200 -
DELETE /api/v1/login                        open              401/200 token.revoked
`;

export interface MatrixRow {
  readonly method: string;
  /** As express has it. */
  readonly path: string;
  readonly needs: Action | 'open' | 'bearer';
  readonly isForAll: boolean;
  /** Status for who may; of what is open, first for strangers. */
  readonly success: number;
  readonly successSignedIn: number;
  readonly journal: EventType | null;
}

export const ROUTES: readonly MatrixRow[] = MATRIX.trim()
  .split('\n')
  .map((line) => {
    const [method = '', path = '', needs = '', statuses = '', journal] = line.split(/ +/);
    const [success, successSignedIn = success] = statuses.split('/').map(Number);
    return {
      method,
      path,
      needs: needs.replace('*', '') as MatrixRow['needs'],
      isForAll: needs.endsWith('*'),
      success: success ?? 0,
      successSignedIn: successSignedIn ?? 0,
      journal: journal === '-' ? null : (journal as EventType),
    };
  });

/** What stands for the parts of an address that are no session; by the beginning of the path. */
const PLACES: readonly (readonly [prefix: string, name: string, value: string])[] = [
  ['/api/v1/approvals/', ':id', 'ab12'],
  ['/approvals/', ':id', 'ab12'],
  ['/api/v1/principals/', ':name', 'deploy-bot'],
  ['/api/v1/targets/', ':name', 'web-01'],
  ['/api/v1/grants/', ':name', 'g1'],
  ['/api/v1/policies/', ':name', 'default'],
  ['/api/v1/credentials/', ':name', 'web-deploy'],
  ['/api/v1/access-requests/', ':id', 'no-such'],
  ['/access/', ':id', 'no-such'],
  ['/assets/', ':name', 'nothing.js'],
  ['/setup/', ':token', 'guess'],
  ['/ssh/', ':token', 'guess'],
  ['/keys/', ':id', 'no-such'],
  ['/api/v1/ssh-keys/', ':id', 'no-such'],
  ['/api/v1/sessions/:id/segments/', ':number', '0'],
  ['/api/v1/sessions/:id/commands/', ':seq', '2'],
  ['', ':number', '3'],
];

/** What is sent, as JSON. */
const BODIES: Readonly<Record<string, unknown>> = {
  'POST /api/v1/access-requests': { target: 'web-01', duration: '1h', reason: 'why' },
  'POST /approvals/:id': { decision: 'approve' },
  'POST /api/v1/rules/try': { name: 'default', policy: 'policies: {default: {default: allow}}' },
  'POST /rules': { name: 'default', policy: 'policies: {default: {default: allow}}' },
  'POST /sessions/filters': { name: 'mine', query: 'target=web-01' },
  'POST /sessions/filters/delete': { name: 'mine' },
  'POST /api/v1/sessions/:id/notice': { text: 'hello' },
  'POST /sessions/:id/notice': { text: 'hello' },
  'POST /api/v1/sessions/:id/notes': { text: 'seen', command: 2 },
  'POST /sessions/:id/notes': { text: 'seen' },
  'POST /api/v1/sessions/:id/review': { reviewed: true },
  'POST /sessions/:id/review': { reviewed: 'yes' },
  'POST /api/v1/sessions/:id/hold': { reason: 'a case' },
  'POST /api/v1/sessions/:id/release': { reason: 'no case' },
};

/** What stands behind the `?`; `:owner` is the principal of the session. */
const QUERIES: Readonly<Record<string, string>> = {
  '/run': '?principal=:owner&run=run_01JQ',
  '/compare': '?principal=:owner&run=run_01JQ&with=run_01JQ',
  '/api/v1/runs/compare': '?principal=:owner&run=run_01JQ&with=run_01JQ',
};

/** Only what has ended is reviewed. */
async function endAll({ recordings }: HttpWorld): Promise<void> {
  for (const { view } of recordings.kept) Object.assign(view, { status: 'closed' });
}

/** What must have happened before. */
const BEFORE: Readonly<Record<string, (world: HttpWorld) => Promise<unknown>>> = {
  'POST /api/v1/sessions/:id/review': endAll,
  'POST /sessions/:id/review': endAll,
  'POST /api/v1/sessions/:id/release': async ({ holds }) => {
    for (const session of [sessionId(1), sessionId(2)]) {
      const nobody = { principal: null, source: null };
      await holds.hold({ session, reason: 'r', by: 'x', ...nobody });
    }
  },
};

/** The address of a route for this session. */
export function addressOf({ path }: MatrixRow, session: string, owner: string): string {
  let address = `${path}${(QUERIES[path] ?? '').replaceAll(':owner', owner)}`;
  for (const [prefix, name, value] of PLACES) {
    if (path.startsWith(prefix)) address = address.replace(name, value);
  }
  return address.replace(':id', session);
}

/** Whether the route is about one session, or one of something else. */
export function isOfSession({ path }: MatrixRow): boolean {
  return path.includes('/sessions/:id') || QUERIES[path]?.includes(':owner') === true;
}

/** What is sent to a route. */
export function requestOf({ method, path }: MatrixRow): RequestInit {
  const body = BODIES[`${method} ${path}`];
  if (method === 'GET') return { method };
  return {
    method,
    headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
    body: JSON.stringify(body ?? {}),
  };
}

/** Brings the world to where the route can succeed. */
export async function prepareFor({ method, path }: MatrixRow, world: HttpWorld): Promise<void> {
  await BEFORE[`${method} ${path}`]?.(world);
}

interface Listed {
  readonly path: string | RegExp;
  readonly methods: readonly string[] | undefined;
  readonly router: { listRoutes(): readonly Listed[] } | undefined;
}

/** Every `METHOD /path` that the application has; `* /path` closes a path for all other methods. */
export function routesOf(options: HttpOptions): string[] {
  const feed = new ApprovalFeed(options.approvals);
  const news = new NewsFeed(options.newsSource);
  const app = httpApp(options, new LiveViews(options.recordings), feed, news);
  feed.close();
  news.close();
  const { router } = app as unknown as { readonly router: { listRoutes(): readonly Listed[] } };
  return walk('', router.listRoutes());
}

function walk(prefix: string, routes: readonly Listed[]): string[] {
  return routes.flatMap(({ methods, path, router }) => {
    const own = String(path);
    const whole = `${prefix}${own === '/' ? '' : own}`;
    if (router !== undefined) return walk(whole, router.listRoutes());
    return (methods ?? []).map((method) => `${method} ${whole === '' ? '/' : whole}`);
  });
}
