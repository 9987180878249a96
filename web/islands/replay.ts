/** The session page: the replay comes in segments, as they are needed; a running session plays live. */
import { clockTime } from '../parts/format.ts';
import { commandWindows } from './command-windows.ts';
import { keepFocus } from './focus.ts';
import { searchSession } from './hits.ts';
import { openLive } from './live.ts';
import { showOutputs } from './output.ts';
import { freshPage } from './page-news.ts';
import { openReplay } from './player.ts';
import { remember, remembered } from './storage.ts';
import { followReplay } from './timeline.ts';
import { TimeMap, type Pauses } from './times.ts';
import { verifyHere } from './verification.ts';

/** How often the clock is set. */
const CLOCK_INTERVAL_MS = 250;
/** How often it is asked whether a replay that was still being prepared is complete. */
const PREPARING_INTERVAL_MS = 2000;
/** The list of commands is fetched again at most this often. */
const NEWS_INTERVAL_MS = 3000;
const SKIP_KEY = 'sallyport.skip-idle';
const SPEED_KEY = 'sallyport.speed';
const THEME_KEY = 'sallyport.theme';

function byId(id: string): HTMLElement | null {
  return document.getElementById(id);
}

const host = byId('player');
const { index = '', live: liveUrl, pauses: pausesUrl = '' } = host?.dataset ?? {};
const skip = byId('skip-idle') as HTMLInputElement | null;
const speed = byId('speed') as HTMLSelectElement | null;
const theme = byId('theme') as HTMLSelectElement | null;
const liveButton = byId('live');
const clock = byId('clock');
const notice = byId('notice');

let isLive = liveUrl !== undefined && !/^#cmd-\d+$/.test(location.hash);
let hasEnded = false;
let known: Pauses | null = null;

function say(text: string, link: string | null = null): void {
  if (notice === null) return;
  notice.textContent = text;
  notice.hidden = text === '';
  if (link === null) return;
  const anchor = document.createElement('a');
  anchor.href = location.pathname;
  anchor.textContent = link;
  notice.append(' ', anchor);
}

async function pausesNow(): Promise<Pauses> {
  const answer = await fetch(pausesUrl);
  if (!answer.ok) throw new Error('the recording could not be loaded');
  return (await answer.json()) as Pauses;
}

async function timesOf(skipIdle: boolean): Promise<TimeMap> {
  known = await pausesNow();
  const isRunning = liveUrl !== undefined && !hasEnded;
  if (!known.complete && !isRunning) {
    say(
      `This recording is large and its replay is still being prepared: the first ${clockTime(known.durationMs)} can be played so far.`,
    );
    setTimeout(() => void whenPrepared(), PREPARING_INTERVAL_MS);
  } else if (liveUrl === undefined) say('');
  return new TimeMap(skipIdle ? known.pauses : []);
}

async function whenPrepared(): Promise<void> {
  const now = await pausesNow().catch(() => known);
  if (now?.complete === true) {
    say('');
    await timeline.reopen();
  } else setTimeout(() => void whenPrepared(), PREPARING_INTERVAL_MS);
}

let newsTimer: number | null = null;

/** Parts of the page beside the replay that change while it runs. */
const CHANGING = ['command-count', 'status', 'live-state', 'integrity-facts'];

/** What somebody is writing in must not go away under their hands. */
function isInUse(part: HTMLElement): boolean {
  return part.contains(document.activeElement) || part.querySelector('details[open]') !== null;
}

/** Takes what has changed from a fresh copy of this page, where the server wrote it. */
async function refresh(): Promise<void> {
  newsTimer = null;
  const fresh = await freshPage(windows?.lastAddress() ?? location.pathname);
  if (fresh === null) return;
  keepFocus(() => takeFrom(fresh));
  timeline.reread();
  await windows?.rest(() => timeline.reread());
}

function takeFrom(fresh: Document): void {
  for (const id of CHANGING)
    byId(id)?.replaceChildren(...(fresh.getElementById(id)?.childNodes ?? []));
  const actions = byId('live-controls');
  const freshActions = fresh.getElementById('live-controls');
  if (actions !== null && freshActions === null) actions.remove();
  else if (actions !== null && freshActions !== null && !isInUse(actions))
    actions.replaceWith(freshActions);
  windows?.renewLast(fresh);
  if (fresh.querySelector('.side > p.none') === null)
    document.querySelector('.side > p.none')?.remove();
  const facts = fresh.querySelector('.page-facts');
  if (facts !== null) document.querySelector('.page-facts')?.replaceWith(facts);
}

function onNews(): void {
  newsTimer ??= window.setTimeout(() => void refresh().catch(() => {}), NEWS_INTERVAL_MS);
}

function showLive(): void {
  liveButton?.setAttribute('aria-pressed', String(isLive));
  if (skip !== null) skip.disabled = isLive;
  if (speed !== null) speed.disabled = isLive;
  if (liveUrl === undefined || hasEnded) return;
  say(
    isLive
      ? 'This session is running; you watch it live.'
      : 'This session is running. You see what was recorded until now; “Live” goes back to what happens.',
  );
}

/** The player reads it when it is made. */
function setTheme(): void {
  if (host !== null) host.dataset['theme'] = theme?.value ?? 'dark';
}

function goLive(on: boolean, atMs?: number): void {
  isLive = on;
  showLive();
  void timeline.reopen(atMs);
}

if (skip !== null) skip.checked = remembered(SKIP_KEY) === 'yes';
if (speed !== null) speed.value = remembered(SPEED_KEY) ?? '1';
if (speed?.value === '') speed.value = '1';
if (theme !== null) theme.value = remembered(THEME_KEY) ?? 'dark';
if (theme?.value === '') theme.value = 'dark';
setTheme();
showLive();

const commands = byId('commands');
const windows = commands === null ? null : commandWindows(commands);
const [, linked] = /^#cmd-(\d{1,9})$/.exec(location.hash) ?? [];
// One that can't be fetched is as good as one that isn't there.
if (linked !== undefined) await windows?.until(Number(linked)).catch(() => {});

const timeline = followReplay((place, startMs) => {
  if (isLive && liveUrl !== undefined) {
    return openLive(place, liveUrl, {
      onNews,
      onEnd: () => {
        hasEnded = true;
        say('The session has ended.', 'Show the whole recording');
        void refresh().catch(onNews);
      },
      onConnection: (isThere) => {
        if (isThere) showLive();
        else
          say(
            'The connection is lost. The live view goes on where it stopped as soon as it is back.',
          );
      },
      onSeek: (atMs) => goLive(false, atMs),
    });
  }
  const skipIdle = skip?.checked ?? false;
  const url = skipIdle ? `${index}?skip=idle` : index;
  const source = { driver: 'recording', format: 'segmented', url } as const;
  const times = timesOf(skipIdle);
  return openReplay(place, startMs, source, { speed: Number(speed?.value ?? '1'), times });
});

skip?.addEventListener('change', () => {
  remember(SKIP_KEY, skip.checked ? 'yes' : 'no');
  void timeline.reopen();
});
speed?.addEventListener('change', () => {
  remember(SPEED_KEY, speed.value);
  void timeline.reopen();
});
theme?.addEventListener('change', () => {
  remember(THEME_KEY, theme.value);
  setTheme();
  void timeline.reopen();
});
liveButton?.addEventListener('click', () => {
  if (!hasEnded) goLive(!isLive);
});
setInterval(() => {
  const replay = timeline.replay();
  if (clock === null || replay === null) return;
  const total = isLive || known === null ? '' : ` of ${clockTime(known.durationMs)}`;
  clock.textContent = clockTime(replay.atMs()) + total;
}, CLOCK_INTERVAL_MS);

showOutputs();
/** What was found stays on the screen: a replay that runs would carry it away. */
async function stopAt(atMs: number): Promise<void> {
  const replay = timeline.replay();
  if (replay?.playing === true) await replay.toggle();
  await replay?.seek(atMs);
}

searchSession((atMs) => {
  if (isLive) goLive(false, atMs);
  else void stopAt(atMs).catch(() => {});
});
await timeline.started;
if (linked !== undefined && byId(`cmd-${linked}`) === null) {
  say(`There is no command ${linked} in this session${liveUrl === undefined ? '' : ' yet'}.`);
}
verifyHere();
// Whatever is missing then is behind a link.
windows?.rest(() => timeline.reread()).catch(() => {});
const controls = byId('controls');
if (controls !== null) controls.hidden = false;
