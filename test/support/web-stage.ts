/** A browser on a web server over fakes, for the tests of one `describe`. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchBrowser, openPage, type WatchedPage } from './browser.ts';
import { startHttpWorld, type HttpWorld } from './http-world.ts';
import { Viewer } from './viewer.ts';

export class WebStage {
  #browser: Browser | null = null;
  #world: HttpWorld | null = null;
  #watched: WatchedPage | null = null;
  /** What should never happen on the page, and did; of the last one when it is closed. */
  complaints: readonly string[] = [];

  get world(): HttpWorld {
    return known(this.#world);
  }

  get page(): Page {
    return known(this.#watched).page;
  }

  get viewer(): Viewer {
    return new Viewer(this.world, this.page);
  }

  async launch(): Promise<void> {
    this.#browser = await launchBrowser();
  }

  async serve(prepare: (world: HttpWorld) => unknown): Promise<void> {
    this.#world = await startHttpWorld();
    await prepare(this.#world);
  }

  /** In place of the page that was there. */
  async open(options: BrowserContextOptions = {}): Promise<void> {
    await this.leave();
    this.#watched = await openPage(known(this.#browser), options);
    this.complaints = this.#watched.complaints;
  }

  async leave(): Promise<void> {
    await this.#watched?.close();
    this.#watched = null;
  }

  async stop(): Promise<void> {
    await this.#world?.close();
    this.#world = null;
  }

  async close(): Promise<void> {
    await this.leave();
    await this.stop();
    await this.#browser?.close();
  }
}

function known<T>(part: T | null): T {
  if (part === null) throw new Error('the stage is set within tests only');
  return part;
}

/**
 * One browser for all tests, and a page for each.
 * @param lasting whether the server is there for all of them, or for each anew
 * @param prepare what the server knows
 */
export function webStage(
  lasting: 'all' | 'each',
  prepare: (world: HttpWorld) => unknown = () => {},
): WebStage {
  const stage = new WebStage();
  before(async () => {
    await stage.launch();
    if (lasting === 'all') await stage.serve(prepare);
  });
  after(() => stage.close());
  beforeEach(async () => {
    if (lasting === 'each') await stage.serve(prepare);
    await stage.open();
  });
  afterEach(async () => {
    await stage.leave();
    if (lasting === 'each') await stage.stop();
  });
  return stage;
}
