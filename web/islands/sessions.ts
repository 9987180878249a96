/**
 * The list of sessions: keeps it up to date while it is looked at, and goes on with older ones where it
 * ends. Everything that it shows comes from the pages themselves.
 */
import { freshPage, inTurn, newsFrom } from './page-news.ts';

/** Rows of one page in the browser; more are a page of their own. */
const MAX_ROWS = 1000;
/** How far below the window the list goes on. */
const AHEAD = '600px';

const list = document.getElementById('list');
const news = document.getElementById('news');

function rows(within: Document): HTMLElement | null {
  return within.getElementById('rows');
}

// --- news -------------------------------------------------------------------------------------

/** The first page anew; what was loaded below it stays as it is. */
async function renew(): Promise<void> {
  const now = await freshPage(location.href);
  if (now === null || list === null) return;
  const shown = rows(document);
  const wanted = rows(now);
  if (shown === null || wanted === null) {
    // The list was empty, or is now.
    const whole = now.getElementById('list');
    if (whole !== null) list.replaceChildren(...whole.childNodes);
    return;
  }
  const old = new Map([...shown.children].map((row) => [keyOf(row), row]));
  const fresher = [...wanted.children];
  const added = fresher.filter((row) => !old.has(keyOf(row))).length;
  const focused = document.activeElement;
  for (const [index, row] of fresher.entries()) {
    const before = old.get(keyOf(row));
    const same = before !== undefined && before.outerHTML === row.outerHTML;
    const put = same || before?.contains(focused) === true ? before : document.adoptNode(row);
    if (before !== undefined && put !== before) before.remove();
    if (shown.children[index] !== put) shown.insertBefore(put, shown.children[index] ?? null);
  }
  if (added > 0 && news !== null) news.textContent = `${added} new in the list`;
}

function keyOf(row: Element): string {
  return row.querySelector('a[href^="/sessions/"]')?.getAttribute('href') ?? '';
}

function listen(address: string): void {
  const renewInTurn = inTurn(renew);
  const changed = (): void => {
    if (!document.hidden) renewInTurn();
  };
  newsFrom(address, changed).addEventListener('change', changed);
  document.addEventListener('visibilitychange', changed);
}

// --- older ones -------------------------------------------------------------------------------

async function goOn(link: HTMLAnchorElement): Promise<void> {
  const shown = rows(document);
  const page = await freshPage(link.href);
  const older = page === null ? null : rows(page);
  if (shown === null || page === null) return;
  const known = new Set([...shown.children].map(keyOf));
  const added = [...(older?.children ?? [])].filter((row) => !known.has(keyOf(row)));
  shown.append(...added.map((row) => document.adoptNode(row)));
  const next = page.getElementById('older');
  if (next instanceof HTMLAnchorElement) link.href = next.href;
  else link.remove();
}

async function goOnAndWatch(
  link: HTMLAnchorElement,
  observer: IntersectionObserver,
): Promise<void> {
  await goOn(link);
  const count = rows(document)?.children.length ?? 0;
  if (link.isConnected && count < MAX_ROWS) observer.observe(link);
}

function watchEnd(link: HTMLAnchorElement): void {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      // When it fails, the link still leads there.
      goOnAndWatch(link, observer).catch(() => {});
    },
    { rootMargin: AHEAD },
  );
  observer.observe(link);
}

const address = list?.dataset['news'];
if (address !== undefined) listen(address);
const older = document.getElementById('older');
if (older instanceof HTMLAnchorElement) watchEnd(older);
