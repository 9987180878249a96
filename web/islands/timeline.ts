/** A replay and its commands, which move together. */
import { filterCommands, markCurrent, neighbour, readCommands, type Command } from './commands.ts';
import type { Replay } from './player.ts';

/** How often the current command follows a running replay. */
const FOLLOW_INTERVAL_MS = 250;

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/** The page's replay, for what changes how it is shown. */
export interface Timeline {
  /** Settles when the first replay is there, or has failed. */
  readonly started: Promise<void>;
  /** The replay as it is now; null = none is there. */
  replay(): Replay | null;
  /** Puts another replay in its place, at the same time or at this one, playing on if it played. */
  reopen(atMs?: number): Promise<void>;
  /** The list has other rows. */
  reread(): void;
}

/**
 * Takes the page over.
 * @param open makes the replay in its place and shows this time first; rejects with words for people
 */
export function followReplay(
  open: (host: HTMLElement, startMs: number) => Promise<Replay>,
): Timeline {
  const host = element('player');
  const status = element('player-status');
  const list = element('commands');
  const find = element('find') as HTMLInputElement;
  const only = element('only') as HTMLSelectElement;
  const count = element('command-count');
  let commands = readCommands(list);

  let current: Command | null = null;
  let replay: Replay | null = null;
  /** Counts openings; only the newest counts. */
  let opening = 0;

  function select(command: Command): void {
    markCurrent(list, current, command);
    current = command;
  }

  function show(command: Command): void {
    select(command);
    host.scrollIntoView({ block: 'nearest' });
    history.replaceState(null, '', `#cmd-${command.seq}`);
    // A seek that fails shows in the player itself.
    replay?.seek(command.showMs).catch(() => {});
  }

  function named(hash: string): Command | null {
    return commands.find((command) => hash === `#cmd-${command.seq}`) ?? null;
  }

  function fail(why: string): void {
    status.textContent = `The replay can’t be shown: ${why}. Read the recording as text instead, or reload the page.`;
    status.setAttribute('role', 'alert');
    status.hidden = false;
    host.dataset['state'] = 'failed';
  }

  /** The player's emulator can break on what a target printed; it says so to nobody else. */
  function onError(event: ErrorEvent | PromiseRejectionEvent): void {
    const error: unknown = 'reason' in event ? event.reason : event.error;
    if (error instanceof WebAssembly.RuntimeError) fail('the player broke on what was recorded');
  }

  function follow(): void {
    if (replay === null || !replay.playing) return;
    const atMs = replay.atMs();
    const reached = commands.findLast((command) => command.atMs <= atMs);
    if (reached !== undefined && reached !== current) select(reached);
  }

  function onKey(event: KeyboardEvent): void {
    const typing =
      event.target instanceof HTMLElement && event.target.matches('input, select, textarea');
    if (event.key === 'Escape' && event.target === find) {
      find.value = '';
      refilter();
      find.blur();
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'j' || event.key === 'k') {
      const next = neighbour(commands, current, event.key === 'j' ? 1 : -1);
      if (next !== null) show(next);
    } else if (event.key === 'p') {
      replay?.toggle().catch(() => {});
    } else if (event.key === '/') {
      event.preventDefault();
      find.focus();
    }
  }

  function refilter(): void {
    const shown = filterCommands(commands, find.value, only.value);
    const total = Math.max(commands.length, Number(count.dataset['total']));
    count.textContent = shown === commands.length ? String(total) : `${shown} of ${total}`;
  }

  function onClick(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest('a.command') : null;
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    const command = link === null ? null : named(link.getAttribute('href') ?? '');
    if (command === null || !plain) return;
    event.preventDefault();
    show(command);
  }

  window.addEventListener('error', onError);
  window.addEventListener('unhandledrejection', onError);
  list.addEventListener('click', onClick);
  find.addEventListener('input', refilter);
  only.addEventListener('change', refilter);
  document.addEventListener('keydown', onKey);
  window.addEventListener('hashchange', () => {
    const command = named(location.hash);
    if (command !== null) show(command);
  });
  element('finder').hidden = commands.length === 0;

  const linked = named(location.hash);
  const first = linked ?? commands[0] ?? null;
  if (first !== null) select(first);
  if (linked !== null) {
    // The browser goes to the row when the page has loaded; the list has scrolled to it already.
    window.addEventListener('load', () => {
      requestAnimationFrame(() => {
        window.scrollTo(0, 0);
        host.scrollIntoView({ block: 'nearest' });
      });
    });
  }

  async function put(startMs: number): Promise<void> {
    opening += 1;
    const mine = opening;
    const before = replay;
    const wasPlaying = before?.playing ?? false;
    delete host.dataset['state'];
    try {
      const next = await open(host, startMs);
      if (mine !== opening) {
        next.dispose();
        return;
      }
      before?.dispose();
      replay = next;
      if (host.dataset['state'] !== 'failed') {
        status.hidden = true;
        host.dataset['state'] = 'ready';
      }
      if (wasPlaying && !next.playing) await next.toggle();
    } catch (error) {
      if (mine === opening) fail(error instanceof Error ? error.message : 'the replay failed');
    }
  }

  async function start(): Promise<void> {
    await put(first?.showMs ?? 0);
    // A command chosen while the player was loading.
    if (current !== null && current !== first) show(current);
    setInterval(follow, FOLLOW_INTERVAL_MS);
  }

  return {
    started: start(),
    replay: () => replay,
    reopen: (atMs) => put(atMs ?? replay?.atMs() ?? 0),
    reread: () => {
      commands = readCommands(list);
      const same = commands.find(({ seq }) => seq === current?.seq);
      // Where rows were only added, the list stays where somebody has scrolled it to.
      if (same?.row === current?.row) current = same ?? null;
      else if (same !== undefined) select(same);
      element('finder').hidden = commands.length === 0;
      refilter();
    },
  };
}
