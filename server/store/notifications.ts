/** LISTEN on one dedicated connection that comes back by itself. Notifications are hints, never data. */
import { escapeIdentifier, type Client } from 'pg';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { createClient, endClient, type ServerAddress } from './connect.ts';

/** Wait before the next attempt to connect, milliseconds: doubled from the first to the second. */
export const RECONNECT_MS = { first: 50, most: 5_000 } as const;
/** How often an idle connection is asked whether it still lives, milliseconds. */
export const HEARTBEAT_MS = 15_000;
/** Longest wait for the answer, milliseconds. */
export const HEARTBEAT_TIMEOUT_MS = 10_000;

type Listener = (payload: string) => void;

export class Notifications {
  readonly #address: ServerAddress;
  readonly #logger: Logger;
  readonly #listeners = new Map<string, Set<Listener>>();
  #client: Client | null = null;
  #connecting = false;
  /** The last query, settled when it is answered. */
  #asked: Promise<unknown> = Promise.resolve();
  #closed = false;
  #retryMs: number = RECONNECT_MS.first;
  #timer: NodeJS.Timeout | null = null;

  constructor(address: ServerAddress, logger: Logger) {
    this.#address = address;
    this.#logger = logger;
  }

  /**
   * Calls `onPayload` for every notification on `channel`, and with '' whenever some may have been
   * missed. Never rejects: while the connection is down it resolves at once, and '' follows.
   * @returns the un-subscribe
   */
  async listen(channel: string, onPayload: Listener): Promise<() => void> {
    const known = this.#listeners.get(channel);
    const listeners = known ?? new Set<Listener>();
    // A wrapper, so that the same function can subscribe twice and unsubscribe once.
    const listener: Listener = (payload) => onPayload(payload);
    listeners.add(listener);
    if (known === undefined) {
      this.#listeners.set(channel, listeners);
      if (this.#client === null) await this.#connect();
      else await this.#query(`listen ${escapeIdentifier(channel)}`);
    }
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      if (this.#listeners.get(channel) !== listeners) return;
      this.#listeners.delete(channel);
      void this.#query(`unlisten ${escapeIdentifier(channel)}`);
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    if (this.#timer !== null) clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = null;
    if (client !== null) await endClient(client);
  }

  async #connect(): Promise<void> {
    if (this.#connecting || this.#closed) return;
    this.#connecting = true;
    const client = createClient(this.#address, (error) => this.#lost(client, error));
    try {
      client.on('end', () => this.#lost(client, new Error('the connection ended')));
      client.on('notification', (message) => this.#tell(message.channel, message.payload ?? ''));
      await client.connect();
      // A map's iterator also visits what is added while the loop waits.
      for (const channel of this.#listeners.keys()) {
        await client.query(`listen ${escapeIdentifier(channel)}`);
      }
      if (this.#closed) return await endClient(client);
      this.#client = client;
      this.#asked = Promise.resolve();
      this.#retryMs = RECONNECT_MS.first;
      this.#schedule(HEARTBEAT_MS, () => void this.#beat(client));
      for (const channel of this.#listeners.keys()) this.#tell(channel, '');
    } catch {
      await endClient(client);
      this.#retryLater();
    } finally {
      this.#connecting = false;
    }
  }

  #lost(client: Client, error: Error): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = null;
    void endClient(client);
    this.#logger.warn('database.notifications-lost', { why: messageOf(error) });
    this.#retryLater();
  }

  #retryLater(): void {
    const waitMs = this.#retryMs;
    this.#retryMs = Math.min(waitMs * 2, RECONNECT_MS.most);
    this.#schedule(waitMs, () => void this.#connect());
  }

  async #beat(client: Client): Promise<void> {
    if (this.#client !== client) return;
    const late = setTimeout(
      () => this.#lost(client, new Error('no answer to the heartbeat')),
      HEARTBEAT_TIMEOUT_MS,
    );
    late.unref();
    try {
      await this.#ask(client, 'select 1');
    } catch (error) {
      this.#lost(client, error instanceof Error ? error : new Error(String(error)));
    } finally {
      clearTimeout(late);
    }
    if (this.#client === client) this.#schedule(HEARTBEAT_MS, () => void this.#beat(client));
  }

  #schedule(waitMs: number, run: () => void): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(run, waitMs);
    this.#timer.unref();
  }

  async #query(text: string): Promise<void> {
    const client = this.#client;
    if (client === null) return;
    try {
      await this.#ask(client, text);
    } catch (error) {
      this.#lost(client, error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** One after the other: a connection is asked nothing while it answers. */
  #ask(client: Client, text: string): Promise<unknown> {
    const asked = this.#asked.then(() => client.query(text));
    this.#asked = asked.catch(() => {});
    return asked;
  }

  #tell(channel: string, payload: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) {
      try {
        listener(payload);
      } catch (error) {
        this.#logger.error('database.listener-failed', { channel, why: messageOf(error) });
      }
    }
  }
}
