/** The web server: middleware in reading order, and its life from listening to closing. */
import { createServer, type Server } from 'node:http';
import express, {
  type ErrorRequestHandler,
  type Express,
  type RequestHandler,
  type Response,
} from 'express';
import helmet from 'helmet';
import { messageOf, SallyportError } from '../errors.ts';
import { ApprovalFeed } from './approval-feed.ts';
import { approvalPages } from './approval-pages.ts';
import { accessRoutes } from './access-routes.ts';
import { approvalRoutes } from './approval-routes.ts';
import { Attempts } from './attempts.ts';
import { directoryPages } from './directory-pages.ts';
import { controlPages, controlRoutes } from './control-routes.ts';
import { directoryRoutes } from './directory-routes.ts';
import { failureOf, KnownFailure, outageOf, sendFailure } from './failure.ts';
import { bareFrame, frameOf } from './frame.ts';
import { unknownObject } from './guard.ts';
import { holdRoutes } from './hold-routes.ts';
import { devicePages, deviceRoutes } from './device-routes.ts';
import { journalPages } from './journal-pages.ts';
import { journalRoutes } from './journal-routes.ts';
import { linkRoutes } from './link-routes.ts';
import { LiveViews } from './live.ts';
import { openRoutes } from './open-routes.ts';
import type { HttpOptions, Services } from './options.ts';
import type { Frame } from './pages.ts';
import { OidcClient } from './oidc.ts';
import { oidcRoutes, signInPlace } from './oidc-routes.ts';
import { ownUrl } from './own-url.ts';
import { ownKeyPages, ownKeyRoutes } from './own-key-routes.ts';
import { pageRoutes } from './page-routes.ts';
import { Replays } from './replays.ts';
import { overviewRoutes } from './overview-routes.ts';
import { ruleRoutes } from './rule-routes.ts';
import { NewsFeed } from './news-feed.ts';
import { sessionDetailRoutes } from './session-detail-routes.ts';
import { sessionListRoutes } from './session-list-routes.ts';
import { reviewPages, reviewRoutes } from './review-routes.ts';
import { runRoutes } from './run-routes.ts';
import { searchRoutes } from './search-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { signInRoutes } from './sign-in-routes.ts';
import { sshKeyRoutes } from './ssh-key-routes.ts';
import { tokenRoutes } from './token-routes.ts';
import {
  identify,
  isGuessedToken,
  isHttps,
  refuseForeign,
  rememberViewer,
  viewerOf,
} from './viewer.ts';
import { Views } from './views.ts';

export const MAX_BODY_BYTES = 64 * 1024;
/** Who guesses tokens, as far as that is known: a name that nobody can have. */
const GUESSED_TOKENS = '(token)';
/** A compressed body is refused: no client of ours sends one. */
const BODY = { limit: MAX_BODY_BYTES, inflate: false };
export const MAX_HTTP_CONNECTIONS = 1024;
/** One address may not take all of them; a proxy in front has to do with these. */
export const MAX_HTTP_CONNECTIONS_PER_SOURCE = 512;
export const HEADERS_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 30_000;
/** How often slow requests are looked for. */
const TIMEOUT_CHECK_MS = 1_000;
/** A client that neither reads nor writes for so long is disconnected. */
export const IDLE_TIMEOUT_MS = 120_000;
/** How long `close` lets running answers finish. */
export const CLOSE_GRACE_MS = 2_000;

export interface HttpServer {
  /** Where people find it: the public URL, or the address listened on. No final slash. */
  readonly url: string;
  readonly address: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

/** Resolves when listening. Rejects with `listen.failed`. */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const live = new LiveViews(options.recordings);
  const feed = new ApprovalFeed(options.approvals);
  const news = new NewsFeed(options.newsSource);
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    },
    httpApp(options, live, feed, news),
  );
  limitSources(server);
  server.maxConnections = MAX_HTTP_CONNECTIONS;
  server.setTimeout(IDLE_TIMEOUT_MS);
  const port = await listen(server, options.listen);
  const { host } = options.listen;
  return {
    url: ownUrl(options, port),
    address: { host, port },
    close: () => {
      // Views of running sessions end by themselves only when the sessions do.
      live.close();
      feed.close();
      news.close();
      return close(server);
    },
  };
}

function limitSources(server: Server): void {
  const counts = new Map<string, number>();
  server.on('connection', (socket) => {
    const source = socket.remoteAddress ?? '';
    const count = (counts.get(source) ?? 0) + 1;
    if (count > MAX_HTTP_CONNECTIONS_PER_SOURCE) {
      socket.destroy();
      return;
    }
    counts.set(source, count);
    socket.once('close', () => {
      const left = (counts.get(source) ?? 1) - 1;
      if (left === 0) counts.delete(source);
      else counts.set(source, left);
    });
  });
}

/** The application without a server. */
export function httpApp(
  options: HttpOptions,
  live: LiveViews,
  feed: ApprovalFeed,
  news: NewsFeed,
): Express {
  const { audit, clock, pages, publicUrl, signIns } = options;
  const services: Services = {
    ...options,
    views: new Views(audit, clock),
    attempts: new Attempts(clock, options.lockouts, options.logger),
    oidc: knownIssuer(options),
    replays: new Replays(options.recordings),
    live,
    feed,
    news,
  };
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');

  app.use(securityHeaders(services));
  app.use(openRoutes(services));
  app.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  app.use(async (request, response, next) => {
    const viewer = await identify(request, signIns, publicUrl);
    rememberViewer(response, viewer);
    if (isGuessedToken(viewer)) services.attempts.take(viewer.source, GUESSED_TOKENS);
    next();
  });
  app.use((request, response, next) => {
    refuseForeign(request, viewerOf(response), publicUrl);
    next();
  });
  app.use(express.json(BODY));
  app.use(express.urlencoded({ ...BODY, extended: false, parameterLimit: 20 }));
  app.use(sessionListRoutes(services));
  app.use('/api/v1/sessions', sessionRoutes(services));
  app.use('/api/v1/sessions', holdRoutes(services));
  app.use('/api/v1/sessions', controlRoutes(services));
  app.use('/api/v1/sessions', reviewRoutes(services));
  app.use('/api/v1/sessions', sessionDetailRoutes(services));
  app.use(searchRoutes(services));
  app.use(runRoutes(services));
  app.use(ruleRoutes(services));
  app.use(overviewRoutes(services));
  app.use('/api/v1/approvals', approvalRoutes(services));
  app.use(accessRoutes(services));
  app.use('/api/v1', directoryRoutes(services));
  app.use('/api/v1/journal', journalRoutes(services));
  app.use('/api/v1/tokens', tokenRoutes(services));
  app.use('/api/v1/ssh-keys', ownKeyRoutes(services));
  app.use('/api/v1/ssh-keys', sshKeyRoutes(services));
  app.use('/api/v1', deviceRoutes(services));
  app.use(oidcRoutes(services));
  app.use(signInRoutes(services));
  app.use(linkRoutes(services));
  app.use(devicePages(services));
  app.use(ownKeyPages(services));
  app.use(controlPages(services));
  app.use(reviewPages(services));
  app.use(pageRoutes(services));
  app.use(approvalPages(services));
  app.use(directoryPages(services));
  app.use(journalPages(services));
  app.use(() => {
    throw unknownObject('page');
  });
  app.use(failures(services, pages));
  return app;
}

/** The client of the issuer, which learns of changes to the configuration. */
function knownIssuer({ clock, issuerDesk, logger }: HttpOptions): OidcClient {
  const oidc = new OidcClient(clock);
  const unknown = (error: unknown): void =>
    logger.warn('http.issuer-unknown', { why: messageOf(error) });
  issuerDesk.follow((settings) => oidc.learn(settings), unknown).catch(unknown);
  return oidc;
}

function securityHeaders({ oidc, publicUrl }: Services): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        // The player's terminal emulator is WebAssembly.
        scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        fontSrc: ["'self'"],
        // Signing out leads to the issuer, and browsers look at redirects as well.
        formAction: [() => ["'self'", ...oidc.formOrigins].join(' ')],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // With no-referrer, browsers say "Origin: null" on our own forms, and the origin check needs it.
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: isHttps(publicUrl) ? { maxAge: 15_552_000 } : false,
  });
}

function failures(services: Services, pages: HttpOptions['pages']): ErrorRequestHandler {
  return async (error: unknown, request, response, _next) => {
    const place = response.headersSent
      ? null
      : await signInPlace(services, request, response, error);
    if (place !== null) return response.redirect(302, place);
    const failure =
      error instanceof KnownFailure
        ? error.failure
        : failureOf(
            services.isOutage(error) ? outageOf(error) : error,
            services.logger,
            loggedPath(request.path),
          );
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.removeHeader('Content-Disposition');
    const frame = await frameOfFailure(services, response, failure.status);
    sendFailure(request, response, failure, pages, frame);
  };
}

/** An error page must not fail in its turn: without the viewer it needs nothing that could. */
async function frameOfFailure(
  services: Services,
  response: Response,
  status: number,
): Promise<Frame> {
  if (response.locals['viewer'] === undefined || status >= 500) return bareFrame(services);
  try {
    return await frameOf(services, response);
  } catch {
    return bareFrame(services);
  }
}

/** One-time tokens stand in paths and stay out of the log. */
function loggedPath(path: string): string {
  const secret = /^\/(setup|ssh)\//.exec(path);
  return secret === null ? path.slice(0, 200) : `${secret[0]}…`;
}

function listen(server: Server, address: HttpOptions['listen']): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the port is in use' : messageOf(error);
      reject(
        new SallyportError(
          'listen.failed',
          `the web server can't listen on ${address.host}:${address.port}: ${why}`,
          'stop the program that uses the port, or choose another address with SALLYPORT_HTTP_LISTEN=HOST:PORT',
          { cause: error },
        ),
      );
    });
    server.listen(address.port, address.host, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : address.port);
    });
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(grace);
}
