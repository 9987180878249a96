/**
 * asciinema-player behind four verbs. It plays the segmented form, which its documentation doesn't
 * mention: hence the exact version in package.json and a test in a real browser.
 */
import { TimeMap } from './times.ts';

/** The player says nothing at all when its WebAssembly is blocked. */
export const READY_TIMEOUT_MS = 15_000;

/** Larger terminals are emulated with this size. */
const MAX_SIDE = 500;
/** Of a usual monospace font and the player's frame, in font sizes. */
const CELL_WIDTH = 0.6;
const CELL_HEIGHT = 4 / 3;
const BORDERS = 1.5;
const CONTROLS_HEIGHT = 2;

/** Segments by address, or a whole recording as asciicast text. */
export type ReplaySource =
  | { readonly driver: 'recording'; readonly format: 'segmented'; readonly url: string }
  | { readonly data: string };

/** What shows something else than a recording. */
export type PlayerDriver = (callbacks: {
  readonly dispatch: (event: string, data?: unknown) => void;
}) => {
  play(): boolean;
  stop(): void;
  getCurrentTime(): number;
};

interface AsciinemaPlayerHandle {
  seek(seconds: number): Promise<unknown>;
  play(): Promise<unknown>;
  pause(): Promise<unknown>;
  getCurrentTime(): number;
  dispose(): void;
  addEventListener(name: string, handler: () => void): void;
}

declare const AsciinemaPlayer:
  | {
      create(
        source: ReplaySource | PlayerDriver,
        element: HTMLElement,
        options: Readonly<Record<string, unknown>>,
      ): AsciinemaPlayerHandle;
    }
  | undefined;

export interface Replay {
  /** Shows the screen as it was at this time, milliseconds from the start. */
  seek(atMs: number): Promise<void>;
  toggle(): Promise<void>;
  readonly playing: boolean;
  /** When that was recorded which is shown. */
  atMs(): number;
  dispose(): void;
}

export interface ReplayOptions {
  /** 1 = as it was. */
  readonly speed?: number;
  /** Of a source whose times are not the recorded ones. */
  readonly times?: Promise<TimeMap>;
}

/**
 * @param startMs what to show first
 * @returns once the first frame is there; rejects with words for people
 */
export async function openReplay(
  host: HTMLElement,
  startMs: number,
  source: ReplaySource,
  options: ReplayOptions = {},
): Promise<Replay> {
  const { mount, player } = createPlayer(host, source, { speed: options.speed ?? 1 });
  let playing = false;
  player.addEventListener('playing', () => {
    playing = true;
  });
  for (const name of ['pause', 'ended']) {
    player.addEventListener(name, () => {
      playing = false;
    });
  }
  const dispose = (): void => {
    player.dispose();
    mount.remove();
  };
  try {
    const times = (await options.times) ?? new TimeMap([]);
    await soon(player.seek(times.played(startMs) / 1000), player);
    return {
      seek: async (atMs) => {
        await player.seek(times.played(atMs) / 1000);
      },
      toggle: async () => {
        await (playing ? player.pause() : player.play());
      },
      get playing() {
        return playing;
      },
      atMs: () => times.recorded(player.getCurrentTime() * 1000),
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** A player in a place of its own, behind one that may be there already. */
export function createPlayer(
  host: HTMLElement,
  source: ReplaySource | PlayerDriver,
  options: Readonly<Record<string, unknown>>,
): { readonly mount: HTMLElement; readonly player: AsciinemaPlayerHandle } {
  if (typeof AsciinemaPlayer === 'undefined') throw new Error('the player could not be loaded');
  const mount = document.createElement('div');
  mount.className = 'mount';
  const cols = side(host.dataset['cols'], 80);
  const rows = side(host.dataset['rows'], 24);
  const width = cols * CELL_WIDTH + BORDERS;
  const height = rows * CELL_HEIGHT + BORDERS + CONTROLS_HEIGHT;
  mount.style.setProperty('--ratio', String(width / height));
  host.append(mount);
  mount.addEventListener('keydown', passOn, { capture: true });
  const player = AsciinemaPlayer.create(source, mount, {
    preload: true,
    fit: 'both',
    controls: true,
    theme: host.dataset['theme'] === 'light' ? 'paper' : 'asciinema',
    ...options,
  });
  return { mount, player };
}

/** A letter of the page's own that the player would take for something that no recording here has. */
function passOn(event: KeyboardEvent): void {
  if (event.key !== 'k' || event.ctrlKey || event.metaKey || event.altKey) return;
  event.stopPropagation();
  const mount = event.currentTarget as HTMLElement;
  mount.parentElement?.dispatchEvent(new KeyboardEvent('keydown', event));
}

/** A size that a client may have claimed; 0 stands for the usual one. */
function side(claimed: string | undefined, usual: number): number {
  return Math.min(Number(claimed), MAX_SIDE) || usual;
}

function soon(ready: Promise<unknown>, player: AsciinemaPlayerHandle): Promise<void> {
  return new Promise((resolve, reject) => {
    const broken = () => reject(new Error('the recording could not be loaded'));
    const timer = setTimeout(() => {
      reject(new Error('the player did not get ready in time'));
    }, READY_TIMEOUT_MS);
    player.addEventListener('error', broken);
    ready.then(() => resolve(), broken).finally(() => clearTimeout(timer));
  });
}
