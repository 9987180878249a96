/**
 * Goes through a page by Tab alone, as people do who use no mouse, until the focus is back at its start.
 * Names of the findings are sentences, so that a failing test reads like a review.
 */
import type { Page } from 'playwright-core';

/** How often Tab is pressed between two looks at how far it came. */
const PRESSES_AT_ONCE = 16;
/** Fields of dates have several stops within. */
const MOST_PRESSES_EACH = 6;
const FEW_PRESSES = 40;

/** What the page keeps of the walk. */
interface Log {
  readonly expected: number;
  readonly hasEnded: boolean;
  readonly findings: readonly string[];
}

/** @returns what keeps somebody from reaching, or seeing where they are; nothing = all is well */
export async function walk(page: Page): Promise<readonly string[]> {
  await toTheStart(page);
  const expected = await page.evaluate(watch);
  const most = expected * MOST_PRESSES_EACH + FEW_PRESSES;
  let log: Log = { expected, hasEnded: false, findings: [] };
  for (let presses = 0; presses < most && !log.hasEnded; presses += PRESSES_AT_ONCE) {
    for (let press = 0; press < PRESSES_AT_ONCE; press += 1) await page.keyboard.press('Tab');
    log = await page.evaluate(look);
  }
  const trapped = log.hasEnded ? [] : ['Tab never comes back to the start of the page'];
  return [...log.findings, ...trapped];
}

/** The next Tab goes to the first control of the page. */
export async function toTheStart(page: Page): Promise<void> {
  await page.evaluate(() => {
    document.body.tabIndex = -1;
    document.body.focus({ preventScroll: true });
    document.body.removeAttribute('tabindex');
  });
}

/** Runs in the page: from now on every stop is kept. */
function watch(): number {
  const CONTROLS =
    'a[href], area[href], button, input, select, textarea, summary, iframe, [tabindex], [contenteditable]';
  const NOTHING = ' none| none';
  const isOff = (one: Element): boolean =>
    one.matches(':disabled, input[type="hidden"], [inert] *, [hidden] *') ||
    // Places that the focus is put on; a control has no business out of the way of Tab.
    one.matches('[tabindex="-1"]:not(a, button, input, select, textarea, summary)') ||
    !one.checkVisibility({ visibilityProperty: true });
  const expected = [...document.querySelectorAll(CONTROLS)].filter((one) => !isOff(one));
  const shown = (one: Element, pseudo?: string): string => {
    const { boxShadow, outlineColor, outlineStyle, outlineWidth } = getComputedStyle(one, pseudo);
    const isNone = outlineStyle === 'none' || outlineWidth === '0px';
    return `${isNone ? '' : `${outlineStyle} ${outlineWidth} ${outlineColor}`} ${boxShadow}`;
  };
  const signs = (one: Element): string => `${shown(one)}|${shown(one, '::after')}`;
  const before = new Map(expected.map((one) => [one, signs(one)]));
  const stops: Element[] = [];
  const findings = new Set<string>();
  const state = { expected, stops, findings, hasEnded: false };
  Object.assign(window, { tabWalk: state });
  // The order of boxes that the browser is told to follow is another check's.
  const isMoved = (one: Element): boolean => {
    for (let at: Element | null = one; at !== null; at = at.parentElement) {
      if (!/^(?:normal)?$/.test(getComputedStyle(at).getPropertyValue('reading-flow'))) return true;
    }
    return false;
  };
  const name = (one: Element): string => one.outerHTML.replaceAll(/\s+/g, ' ').slice(0, 140);
  document.addEventListener('keyup', (event) => {
    const one = document.activeElement;
    if (event.key !== 'Tab' || state.hasEnded) return;
    if (one === null || one === document.body || one === stops[0]) {
      // Fields of dates keep the focus for several presses.
      state.hasEnded = one !== stops[0] || stops.length > 1;
      return;
    }
    const last = stops.at(-1);
    if (one === last) return;
    if (stops.includes(one)) findings.add(`Tab comes twice to ${name(one)}`);
    if (last !== undefined) {
      const isBehind = last.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING;
      if (isBehind === 0 && !isMoved(one)) findings.add(`Tab goes backwards to ${name(one)}`);
    }
    stops.push(one);
    const unfocused = before.get(one);
    const scrolls = one.scrollHeight > one.clientHeight || one.scrollWidth > one.clientWidth;
    // It may have come only now: a list goes on, a request has changed.
    if (!one.matches(CONTROLS) && !scrolls) findings.add(`Tab stops at no control: ${name(one)}`);
    if (signs(one) === (unfocused ?? NOTHING))
      findings.add(`nothing shows the focus of ${name(one)}`);
    const box = one.getBoundingClientRect();
    const isSeen =
      box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    if (!isSeen) findings.add(`the focus is out of view on ${name(one)}`);
  });
  return expected.length;
}

/** Runs in the page. */
function look(): Log {
  const { tabWalk } = window as unknown as {
    tabWalk: {
      readonly expected: readonly Element[];
      readonly stops: readonly Element[];
      readonly findings: ReadonlySet<string>;
      readonly hasEnded: boolean;
    };
  };
  const { expected, hasEnded, stops } = tabWalk;
  const reached = new Set(stops);
  const isReached = (one: Element): boolean => {
    if (reached.has(one) || !one.isConnected) return true;
    if (!(one instanceof HTMLInputElement) || one.type !== 'radio') return false;
    // One of a group has the focus; arrows lead to the others.
    return stops.some((stop) => stop instanceof HTMLInputElement && stop.name === one.name);
  };
  const missing = hasEnded ? expected.filter((one) => !isReached(one)) : [];
  const findings = [
    ...tabWalk.findings,
    ...missing.map((one) => `Tab never comes to ${one.outerHTML.slice(0, 140)}`),
  ];
  return { expected: expected.length, hasEnded, findings };
}

/** What acts like a control, and is none that the browser knows. */
export function foreignControls(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const NATIVE = 'a[href], button, input, select, textarea, summary, label, option';
    const ROLES = ['button', 'link', 'checkbox', 'switch', 'tab', 'menuitem', 'radio', 'slider'];
    const { listened = new Set<Element>() } = window as { listened?: Set<Element> };
    const isShown = (one: Element): boolean => one.checkVisibility({ visibilityProperty: true });
    const say = (what: string, one: Element): string => `${what}: ${one.outerHTML.slice(0, 120)}`;
    const acting = [...document.querySelectorAll('body *')].filter(
      (one) =>
        // The bar and the markers of the player: arrows, digits and [ ] do the same.
        isShown(one) && one.closest(`${NATIVE}, #player .ap-bar`) === null,
    );
    const roles = acting.filter((one) => ROLES.includes(one.getAttribute('role') ?? ''));
    const pointed = acting.filter((one) => getComputedStyle(one).cursor === 'pointer');
    // A list may listen for what is inside it.
    const clicked = acting.filter((one) => listened.has(one) && one.querySelector(NATIVE) === null);
    return [
      ...roles.map((one) => say('a role without a control', one)),
      ...pointed.map((one) => say('looks like a control', one)),
      ...clicked.map((one) => say('listens for clicks', one)),
    ];
  });
}
