/** Asks for the end of running sessions, whichever process runs them. */
import type { Database } from './database.ts';

export const CONTROLS_CHANNEL = 'sallyport_controls';
/** Names are shorter; a notification can't carry more than 8,000 bytes. */
export const MAX_NAME_CHARACTERS = 200;

export interface StoredControls {
  /** Calls `onTerminate(by)` once when somebody asks to end this session. Returns the un-subscribe. */
  watch(sessionId: string, onTerminate: (by: string) => void): () => void;
  /** Resolves when the request is on its way. Sessions that don't run ignore it. */
  terminate(sessionId: string, by: string): Promise<void>;
}

export function createControls(database: Database): StoredControls {
  const watchers = new Map<string, Set<(by: string) => void>>();
  let isListening = false;

  const onPayload = (payload: string): void => {
    const request = parse(payload);
    const watching = request === null ? undefined : watchers.get(request.session);
    if (request === null || watching === undefined) return;
    watchers.delete(request.session);
    for (const onTerminate of watching) onTerminate(request.by);
  };

  return {
    watch: (sessionId, onTerminate) => {
      const watching = watchers.get(sessionId) ?? new Set();
      watching.add(onTerminate);
      watchers.set(sessionId, watching);
      if (!isListening) void database.listen(CONTROLS_CHANNEL, onPayload);
      isListening = true;
      return () => {
        watching.delete(onTerminate);
        if (watching.size === 0 && watchers.get(sessionId) === watching) watchers.delete(sessionId);
      };
    },
    terminate: async (sessionId, by) => {
      const request = JSON.stringify({ session: sessionId, by: by.slice(0, MAX_NAME_CHARACTERS) });
      await database.knex.raw('select pg_notify(?, ?)', [CONTROLS_CHANNEL, request]);
    },
  };
}

/** null = not a request: whoever can connect to the database can notify. */
function parse(payload: string): { readonly session: string; readonly by: string } | null {
  try {
    const request = JSON.parse(payload) as unknown;
    if (typeof request !== 'object' || request === null) return null;
    const { session, by } = request as { session?: unknown; by?: unknown };
    return typeof session === 'string' && typeof by === 'string' ? { session, by } : null;
  } catch {
    return null;
  }
}
