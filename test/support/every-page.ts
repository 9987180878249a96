/**
 * Every page of the web, each with something to show on it, for tests that look at all of them. A route
 * or a page that isn't here fails a test.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import type { Pages } from '../../server/http/pages.ts';
import { cookieName } from '../../server/http/viewer.ts';
import { createPages } from '../../web/index.ts';
import { openPage, type WatchedPage } from './browser.ts';
import { FakeIssuerDesk } from './fake-issuer-desk.ts';
import { LINK_CODE, LINK_TOKEN, waitingLink } from './fake-links.ts';
import { OWN_SESSION, RUNNING, setEverything } from './everything-scene.ts';
import { people, startHttpWorld, type HttpWorld } from './http-world.ts';
import { playerShows } from './viewer.ts';
import { HOSTILE_SESSION, REPLAYED } from './web-scene.ts';

export interface PageCase {
  /** Also of its pictures. */
  readonly name: string;
  /** As express has it; null = none of its own. */
  readonly route: string | null;
  readonly who: keyof typeof people | null;
  readonly path: string;
  /** Of a page that is no success. */
  readonly status?: number;
  /** What must have happened before it is asked for. */
  readonly before?: (scene: EveryPage) => unknown;
  /** Until what is to be looked at is there. */
  readonly until?: (page: Page) => Promise<unknown>;
}

const player = (page: Page): Promise<void> =>
  page.locator('#player[data-state="ready"]').waitFor({ state: 'attached' });
const islands = (page: Page): Promise<void> =>
  page.locator('#keys:not([hidden])').waitFor({ state: 'attached' });

/** It works once. */
function renewLink({ world }: EveryPage): void {
  world.clientSignIns.link = waitingLink;
}

const POLICY = `policies:
  default:
    rules:
      - {name: no-wipe, action: deny, match: {path: "/data/**", access: delete}}
      - {name: no-net, action: deny, match: {command: curl}}
`;

async function tryPolicy(page: Page, text: string): Promise<void> {
  await page.getByLabel('Changed policy (YAML)').fill(text);
  await page.getByRole('button', { name: 'Try' }).click();
}

/** With the output of a command, hits of a search, and all that unfolds. */
async function unfold(page: Page): Promise<void> {
  await player(page);
  await page.locator('#cmd-3 .output-link').click();
  await page.getByLabel('Text to search for').fill('curl');
  await page.getByLabel('Search in').selectOption('commands');
  await page.locator('#session-search').getByRole('button', { name: 'Search' }).click();
  await page.getByText(/^22 hits/).waitFor();
  await page.locator('.terms summary').click();
  await page.locator('#review summary').click();
  await page.waitForFunction(
    () => document.getElementById('output-text')?.textContent.includes('output of 3') ?? false,
  );
}

export const PAGES: readonly PageCase[] = [
  { name: 'sign-in', route: '/sign-in', who: null, path: '/sign-in' },
  {
    name: 'sign-in-issuer',
    route: '/sign-in',
    who: null,
    path: '/sign-in',
    before: ({ desk }) =>
      desk.configure({
        issuer: 'https://id.example',
        clientId: 'sallyport',
        title: 'ACME',
        scopes: ['openid'],
        groupsClaim: null,
        roles: {},
        create: null,
        logout: false,
      }),
    until: (page) => page.getByRole('link', { name: 'Sign in with ACME' }).waitFor(),
  },
  { name: 'setup', route: '/setup/:token', who: null, path: '/setup/some-token' },
  {
    name: 'overview',
    route: '/overview',
    who: 'alice',
    path: '/overview',
    until: async (page) => {
      for (const summary of await page.locator('.chart summary').all()) await summary.click();
    },
  },
  { name: 'sessions', route: '/sessions', who: 'audrey', path: '/sessions' },
  {
    name: 'sessions-screens',
    route: '/sessions',
    who: 'audrey',
    path: '/sessions?show=screens',
    until: (page) =>
      page.waitForFunction(() =>
        [...document.querySelectorAll('img')].some((image) => image.naturalWidth > 0),
      ),
  },
  { name: 'sessions-none', route: '/sessions', who: 'audrey', path: '/sessions?q=no-such-words' },
  {
    name: 'sessions-refused',
    route: '/sessions',
    who: 'audrey',
    path: '/sessions?limit=0',
    status: 400,
  },
  { name: 'sessions-empty', route: '/sessions', who: 'piet', path: '/sessions' },
  { name: 'sessions-own', route: '/sessions', who: 'uma', path: '/sessions' },
  {
    name: 'session',
    route: '/sessions/:id',
    who: 'audrey',
    path: `/sessions/${REPLAYED}#cmd-3`,
    until: unfold,
  },
  {
    name: 'session-hostile',
    route: '/sessions/:id',
    who: 'alice',
    path: `/sessions/${HOSTILE_SESSION}#cmd-2`,
    until: player,
  },
  {
    name: 'session-running',
    route: '/sessions/:id',
    who: 'alice',
    path: `/sessions/${RUNNING}`,
    until: async (page) => {
      await player(page);
      await page.locator('#live-controls').getByText('Notice').click();
    },
  },
  {
    name: 'session-own',
    route: '/sessions/:id',
    who: 'audrey',
    path: `/sessions/${OWN_SESSION}`,
    until: player,
  },
  { name: 'runs', route: '/runs', who: 'audrey', path: '/runs' },
  { name: 'run', route: '/run', who: 'audrey', path: '/run?principal=deploy-bot&run=4711' },
  {
    name: 'compare',
    route: '/compare',
    who: 'audrey',
    path: '/compare?principal=deploy-bot&run=4711&with=4712',
  },
  { name: 'search', route: '/search', who: 'audrey', path: '/search' },
  { name: 'search-hits', route: '/search', who: 'audrey', path: '/search?in=commands&q=curl' },
  { name: 'search-output', route: '/search', who: 'audrey', path: '/search?in=output&q=s&limit=5' },
  { name: 'search-none', route: '/search', who: 'uma', path: '/search?q=no-such-words' },
  {
    name: 'approvals',
    route: '/approvals',
    who: 'piet',
    path: '/approvals?notice=approved&id=a1b2',
    until: islands,
  },
  {
    name: 'approval',
    route: '/approvals/:id',
    who: 'alice',
    path: '/approvals/k3v9',
    until: (page) => page.getByText('(live)').waitFor(),
  },
  {
    name: 'approval-hostile',
    route: '/approvals/:id',
    who: 'piet',
    path: '/approvals/lng2',
    until: (page) => page.getByText('(live)').waitFor(),
  },
  { name: 'approval-standing', route: '/approvals/:id', who: 'piet', path: '/approvals/std7' },
  { name: 'access', route: '/access', who: 'uma', path: '/access' },
  { name: 'access-all', route: '/access', who: 'alice', path: '/access?notice=bad-time' },
  { name: 'rules', route: '/rules', who: 'audrey', path: '/rules' },
  {
    name: 'rules-trial',
    route: '/rules',
    who: 'audrey',
    path: '/rules?policy=default',
    until: async (page) => {
      await tryPolicy(page, POLICY);
      await page.getByText('would change').waitFor();
    },
  },
  {
    name: 'rules-refused',
    route: '/rules',
    who: 'audrey',
    path: '/rules?policy=default',
    status: 400,
    until: async (page) => {
      await tryPolicy(page, 'policies: {default: {actoin: 1}}');
      await page.getByRole('alert').waitFor();
    },
  },
  { name: 'principals', route: '/principals', who: 'audrey', path: '/principals' },
  { name: 'targets', route: '/targets', who: 'audrey', path: '/targets' },
  { name: 'grants', route: '/grants', who: 'audrey', path: '/grants' },
  { name: 'credentials', route: '/credentials', who: 'audrey', path: '/credentials' },
  { name: 'journal', route: '/journal', who: 'audrey', path: '/journal?principal=deploy-bot' },
  { name: 'keys', route: '/keys', who: 'uma', path: '/keys' },
  {
    name: 'link',
    route: '/ssh/:token',
    who: 'uma',
    path: `/ssh/${LINK_TOKEN}`,
    before: renewLink,
  },
  {
    name: 'link-done',
    route: '/ssh/:token',
    who: 'uma',
    path: `/ssh/${LINK_TOKEN}`,
    before: renewLink,
    until: async (page) => {
      await page.getByLabel('Code').fill(LINK_CODE);
      await page.getByRole('button', { name: 'Sign in once' }).click();
      await page.getByRole('heading', { name: 'Signed in' }).waitFor();
    },
  },
  { name: 'device', route: '/device', who: 'uma', path: '/device' },
  {
    name: 'device-asked',
    route: '/device',
    who: 'uma',
    path: '/device',
    until: async (page) => {
      await page.getByLabel('Code').fill(LINK_CODE);
      await page.getByRole('button', { name: 'Go on' }).click();
      await page.getByRole('button', { name: 'Sign it in' }).waitFor();
    },
  },
  { name: 'forbidden', route: null, who: 'uma', path: '/journal', status: 403 },
  { name: 'missing', route: null, who: 'uma', path: '/no-such-page', status: 404 },
  { name: 'missing-stranger', route: null, who: null, path: '/sessions', status: 401 },
  {
    name: 'exported',
    route: null,
    who: 'audrey',
    path: 'recording.html',
    until: async (page) => {
      await player(page);
      await page.locator('#proof[data-proof="intact"]').waitFor();
      await playerShows(page, 'output of 1');
    },
  },
];

/** Opens all of it in one browser window. Call `close`. */
export class EveryPage {
  readonly world: HttpWorld;
  readonly desk: FakeIssuerDesk;
  readonly watched: WatchedPage;
  /** Names of those pages that were made. */
  readonly made: ReadonlySet<string>;
  readonly #folder: string;

  private constructor(
    parts: Pick<EveryPage, 'world' | 'desk' | 'watched' | 'made'> & { readonly folder: string },
  ) {
    this.world = parts.world;
    this.desk = parts.desk;
    this.watched = parts.watched;
    this.made = parts.made;
    this.#folder = parts.folder;
  }

  static async start(
    browser: Browser,
    options: Parameters<typeof openPage>[1] = {},
  ): Promise<EveryPage> {
    const made = new Set<string>();
    const desk = new FakeIssuerDesk();
    const pages = counting(await createPages(), made);
    const world = await startHttpWorld({ pages, issuerDesk: desk });
    await setEverything(world);
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-pages-'));
    const watched = await openPage(browser, options);
    await watched.page.addInitScript(keepListeners);
    return new EveryPage({ world, desk, watched, made, folder });
  }

  get page(): Page {
    return this.watched.page;
  }

  /** Whoever looks from now on. */
  async be(who: PageCase['who']): Promise<void> {
    const { signIns, url } = this.world;
    const context = this.page.context();
    await context.clearCookies();
    if (who === null) return;
    await context.addCookies([{ name: cookieName(null), value: signIns.token(people[who]), url }]);
  }

  /** Leaves nothing of what was complained about before. */
  async open(one: PageCase): Promise<void> {
    const { page, watched } = this;
    this.desk.configure(null);
    one.before?.(this);
    await this.be(one.who);
    // Otherwise another place on the same page would not be loaded.
    if (one.path.includes('#')) await page.goto('about:blank');
    watched.complaints.length = 0;
    const address =
      one.name === 'exported' ? await this.#exported() : `${this.world.url}${one.path}`;
    await page.goto(address);
    await one.until?.(page);
  }

  /** Without what a browser says about an answer that had to be a refusal. */
  complaints({ status }: PageCase): readonly string[] {
    return this.watched.complaints.filter(
      (text) => status === undefined || !text.includes(`status of ${status}`),
    );
  }

  async close(): Promise<void> {
    await this.watched.close();
    await this.world.close();
    await rm(this.#folder, { recursive: true });
  }

  async #exported(): Promise<string> {
    const path = `/api/v1/sessions/${REPLAYED}/recording?format=html`;
    const answer = await this.world.fetch(path, people.audrey);
    assert.equal(answer.status, 200);
    const file = join(this.#folder, 'recording.html');
    await writeFile(file, await answer.text());
    return pathToFileURL(file).href;
  }
}

function counting(pages: Pages, made: Set<string>): Pages {
  return new Proxy(pages, {
    get: (all, name, proxy) => {
      if (typeof name === 'string') made.add(name);
      return Reflect.get(all, name, proxy) as unknown;
    },
  });
}

/** Runs in every page before its own scripts: what listens for a pointer is in `listened`. */
function keepListeners(): void {
  const listened = new Set<unknown>();
  const listen: unknown = Reflect.get(EventTarget.prototype, 'addEventListener');
  if (typeof listen !== 'function') return;
  Object.assign(window, { listened });
  EventTarget.prototype.addEventListener = function (this: unknown, ...args: unknown[]): void {
    if (/^(?:click|dblclick|mousedown|pointerdown)$/.test(String(args[0]))) listened.add(this);
    Reflect.apply(listen, this, args);
  };
}
