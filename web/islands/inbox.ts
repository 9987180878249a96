/**
 * The inbox and the page of one request: shows changes as they happen, sends a decision only once, and is
 * driven by keys. Everything that it shows comes from the pages themselves.
 */
import { length } from '../parts/format.ts';
import { keepFocus } from './focus.ts';
import { openLive } from './live.ts';
import { freshPage, inTurn, newsFrom } from './page-news.ts';

/** How often the time that is left is counted down. */
const CLOCK_INTERVAL_MS = 1000;
/** Changes that come together are shown together. */
const GATHER_MS = 50;
/** How long a request that is over stays where it was, once nobody is near. */
const GONE_MS = 10_000;
/** What a person is typing in, or has chosen, is never replaced. */
const BUSY = 'input:focus, select:focus, textarea:focus';

const request = document.getElementById('request');
const broken = document.getElementById('broken');
const news = document.getElementById('news');

/** Those that wait; the others in the list have gone. */
function cards(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('#waiting > .card:not([data-gone])')];
}

// --- changes ----------------------------------------------------------------------------------

function swap(shown: Element, wanted: Element): void {
  keepFocus(() => {
    carryOver(shown, wanted);
    shown.replaceWith(document.adoptNode(wanted));
  });
}

/** A reason that is written and a choice that is made stay in the form, whatever changes around it. */
function carryOver(shown: Element, wanted: Element): void {
  const fresh = [...wanted.querySelectorAll('form')];
  for (const form of shown.querySelectorAll('form')) {
    const same = fresh.find((one) => one.getAttribute('action') === form.getAttribute('action'));
    for (const name of ['reason', 'scope']) {
      const before = form.elements.namedItem(name);
      const now = same?.elements.namedItem(name);
      if (before instanceof HTMLInputElement && before.type !== 'hidden') {
        if (now instanceof HTMLInputElement) now.value = before.value;
      } else if (before instanceof HTMLSelectElement && now instanceof HTMLSelectElement) {
        for (const option of now.options) option.selected = option.value === before.value;
      }
    }
  }
}

function replace(id: string, now: Document): void {
  const shown = document.getElementById(id);
  const wanted = now.getElementById(id);
  if (shown !== null && wanted !== null) swap(shown, wanted);
}

/**
 * Cards stay where they are, with what is typed in them, unless something about them has changed. Nothing
 * moves under somebody's hand: the next key or click would decide on what they haven't read.
 */
function showInbox(now: Document): void {
  const list = document.getElementById('waiting');
  const wanted = now.getElementById('waiting');
  const before = new Map(cards().map((card) => [card.id, card]));
  if (list === null || (wanted === null && !isSomebodyNear(list))) replace('inbox', now);
  else {
    const kept = new Set<string>();
    const isNear = isSomebodyNear(list);
    let place = list.firstElementChild;
    for (const card of wanted?.querySelectorAll<HTMLElement>(':scope > .card') ?? []) {
      kept.add(card.id);
      const old = before.get(card.id);
      if (old === undefined) list.insertBefore(document.adoptNode(card), isNear ? null : place);
      else {
        place = old.nextElementSibling;
        const isSame = old.dataset['state'] === card.dataset['state'];
        if (!isSame && old.querySelector(BUSY) === null) swap(old, card);
      }
    }
    for (const [id, card] of before) if (!kept.has(id)) leave(card);
  }
  replace('settled', now);
  const added = cards().filter((card) => !before.has(card.id)).length;
  if (added > 0 && news !== null) news.textContent = `${added} new to decide on`;
}

function isSomebodyNear(list: Element): boolean {
  return list.matches(':hover') || list.contains(document.activeElement);
}

/** It stays in its place for a while, with nothing left to press: whoever stood on it stands on nothing else. */
function leave(card: HTMLElement): void {
  const id = card.querySelector('a.open')?.textContent ?? '';
  const isHere = card.contains(document.activeElement);
  card.dataset['gone'] = String(Date.now());
  // The row of what came of it has this name now.
  card.removeAttribute('id');
  const words = document.createElement('p');
  words.textContent = `Request ${id} waits no more: what came of it stands below.`;
  const form = card.querySelector<HTMLElement>('form.decide');
  if (form === null) card.append(words);
  else {
    words.style.minHeight = `${form.offsetHeight}px`;
    form.replaceWith(words);
  }
  card.querySelector('time[data-deadline]')?.remove();
  card.querySelector('.badge')?.remove();
  if (isHere) card.focus();
  if (isHere && news !== null) news.textContent = words.textContent;
}

function sweep(): void {
  const list = document.getElementById('waiting');
  if (list === null || isSomebodyNear(list)) return;
  for (const card of list.querySelectorAll<HTMLElement>('.card[data-gone]')) {
    if (Date.now() - Number(card.dataset['gone']) >= GONE_MS) card.remove();
  }
  if (list.children.length === 0) changed();
}

function showRequest(now: Document): void {
  const wanted = now.getElementById('request');
  if (wanted === null || request === null) return;
  const shown = document.getElementById('request');
  const hasEnded = wanted.dataset['status'] !== shown?.dataset['status'];
  if (hasEnded) return location.reload();
  if (shown?.querySelector(BUSY) === null) swap(shown, wanted);
}

async function show(): Promise<void> {
  const now = await freshPage(location.pathname);
  if (now === null) return;
  replaceCount(now);
  document.title = now.title;
  if (request === null) showInbox(now);
  else showRequest(now);
}

/** The number beside "Approvals" in the bar. */
function replaceCount(now: Document): void {
  const shown = document.querySelector('nav a[href="/approvals"]');
  const wanted = now.querySelector('nav a[href="/approvals"]');
  if (shown !== null && wanted !== null) swap(shown, wanted);
}

let gathering: number | undefined;
const showInTurn = inTurn(show);

function changed(): void {
  if (gathering !== undefined) return;
  gathering = setTimeout(() => {
    gathering = undefined;
    showInTurn();
  }, GATHER_MS);
}

function listen(): void {
  const events = newsFrom('/api/v1/approvals/stream', changed);
  events.addEventListener('open', () => {
    if (broken !== null) broken.hidden = true;
  });
  events.addEventListener('start', changed);
  events.addEventListener('change', (event: MessageEvent<string>) => {
    const { approval } = JSON.parse(event.data) as { approval: { id: string } };
    if (request === null || request.dataset['id'] === approval.id) changed();
  });
  events.addEventListener('error', () => {
    if (broken !== null) broken.hidden = false;
  });
}

// --- decisions --------------------------------------------------------------------------------

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches('.decide')) return;
  // A second click, or key, sends nothing.
  if (form.dataset['sent'] !== undefined) return event.preventDefault();
  form.dataset['sent'] = '';
  // Disabled at once, the pressed button would not be part of the form.
  setTimeout(() => {
    for (const button of form.querySelectorAll('button')) button.disabled = true;
  });
});

// A page that the browser brings back from its memory was sent before.
window.addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

// --- keys -------------------------------------------------------------------------------------

function current(): HTMLElement | null {
  const focused = document.activeElement?.closest<HTMLElement>('.card') ?? null;
  return focused ?? (request === null ? null : request.querySelector<HTMLElement>('.card'));
}

function move(by: 1 | -1): void {
  const all = cards();
  const here = current();
  const to =
    here === null
      ? all.at(by === 1 ? 0 : -1)
      : by === 1
        ? all.find((card) => isBehind(card, here))
        : all.findLast((card) => isBehind(here, card));
  to?.focus();
  to?.scrollIntoView({ block: 'nearest' });
}

function isBehind(one: Element, other: Element): boolean {
  return (other.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
}

function press(decision: 'approve' | 'deny'): void {
  const form = (document.getElementById('request') ?? current())?.querySelector<HTMLFormElement>(
    'form.decide',
  );
  const button = form?.querySelector<HTMLButtonElement>(`button[value="${decision}"]`);
  if (form !== null && form !== undefined && button instanceof HTMLButtonElement) {
    form.requestSubmit(button);
  }
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const { target } = event;
  if (target instanceof Element && target.closest('input, select, textarea, .screen') !== null) {
    if (event.key === 'Escape' && target instanceof HTMLElement) {
      target.closest<HTMLElement>('.card')?.focus();
    }
    return;
  }
  if (event.key === 'j') move(1);
  else if (event.key === 'k') move(-1);
  else if (event.key === 'a') press('approve');
  else if (event.key === 'd') press('deny');
  else if (event.key === 'Enter' && target instanceof HTMLElement && target.matches('.card')) {
    target.querySelector<HTMLAnchorElement>('a.open')?.click();
  } else return;
  event.preventDefault();
});

// --- the screen -------------------------------------------------------------------------------

async function showScreen(): Promise<void> {
  const host = document.getElementById('player');
  const text = document.getElementById('screen-text');
  const state = document.getElementById('screen-state');
  const url = host?.dataset['live'];
  if (host === null || url === undefined) return;
  const say = (words: string): void => {
    if (state !== null) state.textContent = words;
  };
  await openLive(host, url, {
    onNews: () => {},
    onEnd: () => say('(the session has ended)'),
    onConnection: (isThere) => say(isThere ? '(live)' : '(the connection is gone)'),
    onSeek: () => {},
  });
  if (text !== null) text.hidden = true;
  say('(live)');
}

const keys = document.getElementById('keys');
if (keys !== null) keys.hidden = false;

setInterval(() => {
  for (const time of document.querySelectorAll<HTMLTimeElement>('time[data-deadline]')) {
    const leftMs = Date.parse(time.dateTime) - Date.now();
    time.textContent = leftMs > 0 ? `${length(leftMs)} left` : 'time is up';
  }
  sweep();
}, CLOCK_INTERVAL_MS);

listen();
// Without the live screen, the text stays.
showScreen().catch(() => {});
