/**
 * What every page must keep for people who don't see it, don't use a mouse, or hold a phone. Names of
 * the findings are sentences, so that a failing test reads like a review.
 */
import type { Page } from 'playwright-core';

/** WCAG 2.2 AA for text of normal size. */
export const LEAST_CONTRAST = 4.5;

/** Findings on the page as it is now; the player's own content is left out. */
export async function findings(page: Page): Promise<string[]> {
  return [
    ...(await structure(page)),
    ...(await contrast(page)),
    ...(await overflow(page)),
    ...(await order(page)),
  ];
}

function structure(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const all = (selector: string): HTMLElement[] =>
      Array.from(document.querySelectorAll<HTMLElement>(selector)).filter(
        (one) => one.closest('#player .mount') === null && one.closest('[hidden]') === null,
      );
    const say = (what: string, one: Element): void => {
      found.push(`${what}: ${one.outerHTML.slice(0, 120)}`);
    };
    if (document.documentElement.lang === '') found.push('the page has no language');
    if (document.title === '') found.push('the page has no title');
    if (all('main').length !== 1) found.push('the page has not exactly one main part');
    const headings = all('h1, h2, h3, h4').map((one) => Number(one.tagName.slice(1)));
    if (headings.filter((level) => level === 1).length !== 1) found.push('not exactly one h1');
    for (const [index, level] of headings.entries()) {
      if (level > (headings[index - 1] ?? 0) + 1) found.push(`heading ${index + 1} skips a level`);
    }
    const ids = Array.from(document.querySelectorAll('[id]'), (one) => one.id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id ${id} twice`);
    const nameOf = (one: HTMLElement): string =>
      one.getAttribute('aria-label') ?? one.textContent.trim();
    for (const one of all('a[href], button, summary')) if (nameOf(one) === '') say('no name', one);
    for (const one of all('input:not([type="hidden"]), select, textarea')) {
      const { labels } = one as HTMLInputElement;
      const labelled = (labels?.length ?? 0) > 0 || one.hasAttribute('aria-label');
      if (!labelled) say('no label', one);
    }
    for (const one of all('[aria-labelledby]')) {
      const by = document.getElementById(one.getAttribute('aria-labelledby') ?? '');
      if (by === null) say('its label does not exist', one);
    }
    for (const one of all('th')) if (!one.hasAttribute('scope')) say('no scope', one);
    for (const one of all('img')) if (!one.hasAttribute('alt')) say('no alternative', one);
    for (const one of all('[style]:not([style=""])'))
      if (one.id !== 'player') say('inline style', one);
    return found;
  });
}

function contrast(page: Page): Promise<string[]> {
  return page.evaluate((least) => {
    const channels = (colour: string): number[] => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (colour: readonly number[]): number => {
      const [red = 0, green = 0, blue = 0] = colour.map((channel) => {
        const part = channel / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = (one: Element): number[] => {
      for (let at: Element | null = one; at !== null; at = at.parentElement) {
        const colour = channels(getComputedStyle(at).backgroundColor);
        if ((colour[3] ?? 1) === 1) return colour;
      }
      return [255, 255, 255];
    };
    const found: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode() !== null) {
      const one = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent?.trim() ?? '';
      if (one === null || text === '' || one.closest('#player .mount, script, noscript') !== null) {
        continue;
      }
      if (!one.checkVisibility({ visibilityProperty: true })) continue;
      const [light = 0, dark = 0] = [
        luminance(channels(getComputedStyle(one).color)),
        luminance(ground(one)),
      ].toSorted((a, b) => b - a);
      const ratio = (light + 0.05) / (dark + 0.05);
      if (ratio < least) found.push(`contrast ${ratio.toFixed(2)} of "${text.slice(0, 40)}"`);
    }
    return found;
  }, LEAST_CONTRAST);
}

function overflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = Array.from(document.querySelectorAll('body *')).find(
      (one) =>
        one.getBoundingClientRect().right > clientWidth + 1 &&
        // What is cut off makes nothing wider.
        one.closest('#player, .commands') === null,
    );
    return [`the page is ${scrollWidth} wide, by ${wide?.outerHTML.slice(0, 120) ?? 'something'}`];
  });
}

/** Tab follows the document; where boxes are moved about, that must still be the way the eye goes. */
function order(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const STOPS = 'a[href], button, input:not([type="hidden"]), select, textarea, summary';
    const itemsOf = (parent: Element): Element[] =>
      [...parent.children].flatMap((one) =>
        getComputedStyle(one).display === 'contents' ? itemsOf(one) : [one],
      );
    const holdsStop = (one: Element): boolean =>
      [one, ...one.querySelectorAll(STOPS)].some(
        (stop) => stop.matches(STOPS) && stop.checkVisibility({ visibilityProperty: true }),
      );
    const found: string[] = [];
    for (const parent of document.querySelectorAll('body, body *')) {
      const style = getComputedStyle(parent);
      if (!/flex|grid/.test(style.display)) continue;
      // The browser is told to follow the boxes.
      if ((style.getPropertyValue('reading-flow') || 'normal') !== 'normal') continue;
      const items = itemsOf(parent).filter(
        (one) => !/absolute|fixed/.test(getComputedStyle(one).position) && holdsStop(one),
      );
      for (const [index, item] of items.slice(1).entries()) {
        const before = items[index]?.getBoundingClientRect();
        const box = item.getBoundingClientRect();
        if (before === undefined) continue;
        const isAbove = box.bottom <= before.top + 1;
        const isBeside = box.top < before.bottom - 1 && box.bottom > before.top + 1;
        if (isAbove || (isBeside && box.right <= before.left + 1)) {
          found.push(`Tab goes backwards to ${item.outerHTML.slice(0, 120)}`);
        }
      }
    }
    return found;
  });
}
