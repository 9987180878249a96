/** A running session as it happens: the player over server-sent events. */
import { createPlayer, type PlayerDriver, type Replay } from './player.ts';

export interface LiveHandlers {
  /** A command was read, or the session has ended: what stands around the player is out of date. */
  readonly onNews: () => void;
  /** The session has ended. */
  readonly onEnd: () => void;
  /** The connection broke, and is being made again; or it is there again. */
  readonly onConnection: (isThere: boolean) => void;
  /** Somebody wants to see what was before. */
  readonly onSeek: (atMs: number) => void;
}

/** @returns once the screen is there; rejects with words for people */
export async function openLive(
  host: HTMLElement,
  url: string,
  handlers: LiveHandlers,
): Promise<Replay> {
  let events: EventSource | null = null;
  let atMs = 0;
  let isThere = true;
  let isPlaying = false;
  let begun = (): void => {};
  let refused = (_error: Error): void => {};
  const screen = new Promise<void>((resolve, reject) => {
    begun = resolve;
    refused = reject;
  });
  screen.catch(() => {});

  const connection = (now: boolean): void => {
    if (now !== isThere) handlers.onConnection(now);
    isThere = now;
  };
  const driver: PlayerDriver = ({ dispatch }) => {
    const onMessage = (message: MessageEvent<string>): void => {
      connection(true);
      const data = JSON.parse(message.data) as LiveMessage;
      if (!Array.isArray(data)) {
        const { cols, init, rows, time } = data as LiveHeader;
        atMs = time * 1000;
        dispatch('reset', { size: { cols, rows }, init });
        dispatch('playing');
        isPlaying = true;
        begun();
        return;
      }
      const [seconds, code, text] = data as LiveEvent;
      atMs = seconds * 1000;
      if (code === 'o') dispatch('output', text);
      // Perhaps the bastion's own words: somebody paused the session, or held a command.
      if (code === 'o' && text.includes('sallyport: ')) handlers.onNews();
      if (code === 'r') dispatch('resize', text);
      else if (code === 'm') handlers.onNews();
    };
    const connect = (): void => {
      if (events !== null) return;
      events = new EventSource(url);
      events.addEventListener('message', onMessage);
      events.addEventListener('open', () => connection(true));
      events.addEventListener('done', () => {
        events?.close();
        isPlaying = false;
        dispatch('ended');
        handlers.onEnd();
      });
      events.addEventListener('error', () => {
        // The browser comes back by itself unless the answer was a refusal.
        if (events?.readyState !== EventSource.CLOSED) connection(false);
        else refused(new Error('the live view was refused; too many may be open'));
        if (events?.readyState === EventSource.CLOSED) handlers.onConnection(false);
      });
    };
    return {
      play: () => {
        connect();
        return true;
      },
      stop: () => events?.close(),
      getCurrentTime: () => atMs / 1000,
    };
  };
  const { mount, player } = createPlayer(host, driver, {});
  const dispose = (): void => {
    events?.close();
    player.dispose();
    mount.remove();
  };
  try {
    await player.play();
    await screen;
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    seek: async (wantedMs) => handlers.onSeek(wantedMs),
    toggle: async () => handlers.onSeek(atMs),
    get playing() {
      return isPlaying;
    },
    atMs: () => atMs,
    dispose,
  };
}

interface LiveHeader {
  readonly cols: number;
  readonly rows: number;
  readonly time: number;
  readonly init: string;
}
type LiveEvent = readonly [number, string, string];
type LiveMessage = LiveHeader | LiveEvent;
