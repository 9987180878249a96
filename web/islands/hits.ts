/** Search within one session: hits beside the replay, which goes to where each was. n and N step through them. */
import { clockTime } from '../parts/format.ts';
import { visibleText } from '../parts/visible.tsx';
import { scrollWithin } from './scrolling.ts';

/** Of each kind. */
const MAX_HITS = 200;
/** A page of the index may be empty although there is a next one. */
const MAX_PAGES = 5;
/** What was found is on the screen a moment after its time. */
const SHOWN_AFTER_MS = 20;
const MAX_SHOWN_CHARACTERS = 300;
/** Before the hit, where a text is cut. */
const MAX_BEFORE = 60;

interface Hit {
  readonly atMs: number;
  readonly seq: number | null;
  readonly text: string;
}

interface Page {
  readonly items: readonly Hit[];
  readonly next: string | null;
  readonly missing: { readonly cutSessions: number; readonly waitingSessions: number };
}

/** @param seek shows the moment, milliseconds from the start */
export function searchSession(seek: (atMs: number) => void): void {
  const form = document.getElementById('session-search');
  const list = document.getElementById('session-hits');
  const count = document.getElementById('hit-count');
  const field = document.getElementById('session-q') as HTMLInputElement | null;
  if (!(form instanceof HTMLFormElement) || list === null || field === null) return;
  let hits: readonly Hit[] = [];
  let current = -1;
  let asked = 0;

  const say = (words: string): void => {
    if (count !== null) count.textContent = words;
  };

  async function search(): Promise<void> {
    asked += 1;
    const mine = asked;
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form as HTMLFormElement)) {
      if (typeof value === 'string') query.set(name, value);
    }
    say('Searching…');
    try {
      const { found, isMore, missing } = await all(query);
      if (mine !== asked) return;
      hits = found.toSorted((a, b) => a.atMs - b.atMs);
      current = -1;
      show(query.get('q') ?? '');
      say(words(hits.length, isMore, missing));
      if (hits.length > 0) go(0);
    } catch {
      if (mine === asked) say('The search failed. Try again in a moment.');
    }
  }

  function show(q: string): void {
    if (list === null) return;
    list.hidden = hits.length === 0;
    list.replaceChildren(
      ...hits.map((hit, index) => {
        const item = document.createElement('li');
        const button = document.createElement('button');
        button.type = 'button';
        const at = document.createElement('span');
        at.className = 'at';
        at.textContent = clockTime(hit.atMs);
        const text = document.createElement('code');
        text.dir = 'auto';
        text.append(...marked(hit.text, q));
        button.append(at, text);
        button.addEventListener('click', () => go(index));
        item.append(button);
        return item;
      }),
    );
  }

  function go(index: number): void {
    const hit = hits[index];
    if (hit === undefined || list === null) return;
    current = index;
    for (const [at, item] of Array.from(list.children).entries()) {
      if (at === index) item.firstElementChild?.setAttribute('aria-current', 'true');
      else item.firstElementChild?.removeAttribute('aria-current');
    }
    const item = list.children[index];
    if (item instanceof HTMLElement) scrollWithin(list, item);
    seek(hit.atMs + SHOWN_AFTER_MS);
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void search();
  });
  document.addEventListener('keydown', (event) => {
    const typing =
      event.target instanceof HTMLElement && event.target.matches('input, select, textarea');
    if (typing || event.ctrlKey || event.metaKey || event.altKey || hits.length === 0) return;
    if (event.key === 'n') go((current + 1) % hits.length);
    else if (event.key === 'N') go((current - 1 + hits.length) % hits.length);
  });
}

async function all(query: URLSearchParams) {
  const found: Hit[] = [];
  let next: string | null = null;
  let missing: Page['missing'] = { cutSessions: 0, waitingSessions: 0 };
  for (let page = 0; page < MAX_PAGES; page++) {
    if (next !== null) query.set('cursor', next);
    query.set('limit', String(MAX_HITS));
    const answer = await fetch(`/api/v1/search?${query.toString()}`);
    if (!answer.ok) throw new Error(String(answer.status));
    const got = (await answer.json()) as Page;
    found.push(...got.items);
    ({ missing, next } = got);
    if (next === null || found.length >= MAX_HITS) break;
  }
  return { found, isMore: next !== null, missing };
}

function words(count: number, isMore: boolean, missing: Page['missing']): string {
  const some = `${count} hit${count === 1 ? '' : 's'}${isMore ? ', the newest' : ''}`;
  const steps = count > 1 ? '; n and N step through them' : '';
  // Whether it is this session isn't said; where something is waiting, it may be.
  const waits =
    missing.cutSessions + missing.waitingSessions > 0 ? '; what is very new may be missing' : '';
  return some + steps + waits;
}

/** The text around the first hit, every hit marked, hidden characters written out. */
function marked(text: string, q: string): (Node | string)[] {
  const wanted = q.toLowerCase();
  const first = Math.max(0, text.toLowerCase().indexOf(wanted));
  const from = Math.max(0, first - MAX_BEFORE);
  const part = text.slice(from, from + MAX_SHOWN_CHARACTERS);
  const lower = part.toLowerCase();
  const pieces: (Node | string)[] = from > 0 ? ['…'] : [];
  // Where lower case has another length, positions mean nothing.
  if (wanted === '' || lower.length !== part.length) return [...pieces, visibleText(part)];
  let at = 0;
  for (let hit = lower.indexOf(wanted); hit >= 0; hit = lower.indexOf(wanted, at)) {
    if (hit > at) pieces.push(visibleText(part.slice(at, hit)));
    const mark = document.createElement('mark');
    mark.textContent = visibleText(part.slice(hit, hit + wanted.length));
    pieces.push(mark);
    at = hit + wanted.length;
  }
  if (at < part.length) pieces.push(visibleText(part.slice(at)));
  return pieces;
}
