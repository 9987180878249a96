/** People who look at the pages of a running bastion, each in a browser of their own. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { openPage, type WatchedPage } from './browser.ts';
import { cutOff } from './cut-off.ts';

/** A sheet of A4 between its margins. */
const SHEET = { width: 718, height: 1000 };
const SCREEN = { width: 1400, height: 900 };

/** What a part says, blanks folded; also of what is out of view. */
export async function wordsOf(part: Locator): Promise<string> {
  return ((await part.textContent()) ?? '').replace(/\s+/g, ' ').trim();
}

/** What nobody could read if the page were printed. @param name of the picture of it */
export async function cutOffInPrint(page: Page, name: string): Promise<readonly string[]> {
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize(SHEET);
  const found = await cutOff(page);
  await page.screenshot({ path: `test/artifacts/${name}.png`, fullPage: true });
  await page.emulateMedia({ media: 'screen' });
  await page.setViewportSize(SCREEN);
  return found;
}

export interface Saved {
  readonly name: string;
  readonly bytes: Buffer;
}

export interface VisitedPlace {
  /** Of the web server. */
  readonly url: string;
  /** Where files are saved. */
  readonly folder: string;
  /** A link that signs in once. */
  signInLink(name: string): Promise<string>;
}

export class Visitors {
  /** By name. */
  readonly seen = new Map<string, WatchedPage>();
  readonly #browser: Browser;
  readonly #place: VisitedPlace;

  constructor(browser: Browser, place: VisitedPlace) {
    this.#browser = browser;
    this.#place = place;
  }

  /** Somebody's page, signed in by a link. */
  async page(name: string): Promise<Page> {
    const known = this.seen.get(name);
    if (known !== undefined) return known.page;
    const watched = await openPage(this.#browser, {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    this.seen.set(name, watched);
    const { page } = watched;
    await page.goto(await this.#place.signInLink(name));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL('**/sessions');
    return page;
  }

  /** A session in somebody's browser, with the replay there. */
  async open(name: string, id: string, hash = ''): Promise<Page> {
    const page = await this.page(name);
    // Another hash alone would load nothing.
    await page.goto('about:blank');
    await page.goto(`${this.#place.url}/sessions/${id}${hash}`);
    await page.locator('#player[data-state="ready"]').waitFor();
    return page;
  }

  /** What a link gives to keep. */
  async saved(page: Page, link: Locator): Promise<Saved> {
    const arrives = page.waitForEvent('download');
    await link.click();
    const download = await arrives;
    const name = download.suggestedFilename();
    const path = join(this.#place.folder, `saved-${name}`);
    await download.saveAs(path);
    return { name, bytes: await readFile(path) };
  }
}
