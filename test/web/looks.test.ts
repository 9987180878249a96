/** Every page as everybody meets it: by keys alone, light and dark, on a desk and on a phone. */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { axeFindings } from '../support/axe.ts';
import { launchBrowser, picture } from '../support/browser.ts';
import { EveryPage, PAGES } from '../support/every-page.ts';
import { findings } from '../support/page-checks.ts';
import { routesOf } from '../support/route-matrix.ts';
import { foreignControls, walk } from '../support/tab-walk.ts';

/** Answers that are no page: for programs, or the way to one. */
const NO_PAGES = new Set([
  '/',
  '/healthz',
  '/readyz',
  '/metrics',
  '/assets/:name',
  '/login',
  '/login/callback',
  '/journal/export',
]);

const DESK = { width: 1400, height: 900 };
const PHONE = { width: 360, height: 740 };
const LOOKS = [
  { look: 'light', size: DESK, colorScheme: 'light' },
  { look: 'dark', size: DESK, colorScheme: 'dark' },
  { look: 'tablet', size: { width: 820, height: 1100 }, colorScheme: 'light' },
  { look: 'phone-light', size: PHONE, colorScheme: 'light' },
  { look: 'phone', size: PHONE, colorScheme: 'dark' },
] as const;

describe('every page', () => {
  let browser: Browser;
  let scene: EveryPage;
  before(async () => {
    browser = await launchBrowser();
    scene = await EveryPage.start(browser);
  });
  after(async () => {
    await scene.close();
    await browser.close();
  });

  it('is among those that are looked at', () => {
    const routes = routesOf(scene.world.options)
      .filter((route) => route.startsWith('GET '))
      .map((route) => route.slice('GET '.length))
      .filter((path) => !path.startsWith('/api/') && !NO_PAGES.has(path));
    const looked = PAGES.flatMap(({ route }) => route ?? []);
    assert.deepEqual([...new Set(routes)].sort(), [...new Set(looked)].sort());
  });

  for (const one of PAGES) {
    it(`${one.name} is reached by keys, and readable by everybody in every look`, async () => {
      const { page } = scene;
      const found: string[] = [];
      await page.setViewportSize(DESK);
      await scene.open(one);
      found.push(...(await walk(page)), ...(await foreignControls(page)));
      for (const { colorScheme, look, size } of LOOKS) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize(size);
        for (const what of await findings(page)) found.push(`${look}: ${what}`);
        // Each size and each scheme once: it takes its time, and the two don't meet in its rules.
        if (look === 'light' || look === 'phone') {
          for (const what of await axeFindings(page)) found.push(`${look}: ${what}`);
        }
        if (look === 'dark' || look === 'phone') await picture(page, `look-${one.name}-${look}`);
      }
      assert.deepEqual(found, []);
      assert.deepEqual(scene.complaints(one), []);
    });
  }

  it('was made by the tests above, whatever it is', () => {
    const { pages } = scene.world.options;
    assert.deepEqual(
      Object.keys(pages).filter((name) => !scene.made.has(name)),
      [],
    );
  });
});
