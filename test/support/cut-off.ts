/** Text of a page that is there and can't be read: clipped by a box, or beyond the sheet. */
import type { Page } from 'playwright-core';

/** Roundings of the layout. */
const TOLERANCE_PX = 1;

export function cutOff(page: Page): Promise<string[]> {
  return page.evaluate((tolerance) => {
    const found: string[] = [];
    const width = document.documentElement.clientWidth;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode() !== null) {
      const { currentNode: node } = walker;
      const text = node.textContent?.trim() ?? '';
      const parent = node.parentElement;
      // What only screen readers get is clipped on purpose.
      if (text === '' || parent === null || parent.closest('.aloud, noscript, script') !== null) {
        continue;
      }
      if (!parent.checkVisibility({ visibilityProperty: true })) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const { bottom, left, right, top } = range.getBoundingClientRect();
      if (right > width + tolerance || left < -tolerance) found.push(`beyond the sheet: ${text}`);
      for (let box: HTMLElement | null = parent; box !== null; box = box.parentElement) {
        const { overflowX, overflowY } = getComputedStyle(box);
        const edge = box.getBoundingClientRect();
        const isWide = right > edge.right + tolerance || left < edge.left - tolerance;
        const isHigh = bottom > edge.bottom + tolerance || top < edge.top - tolerance;
        if ((overflowX !== 'visible' && isWide) || (overflowY !== 'visible' && isHigh)) {
          found.push(`clipped by ${box.tagName} ${box.className}: ${text}`);
          break;
        }
      }
    }
    return found;
  }, TOLERANCE_PX);
}
