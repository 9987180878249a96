/** Bounds of the front door. Every one has a default here and may be set by configuration. */
import { MAX_CHANNELS } from './engine/limits.ts';
import { REKEY_LIMITS, type RekeyLimits } from './engine/rekey.ts';

/**
 * What a connection costs its source that ends without a sign-in. A source that owes more than `from` is
 * slowed down, never shut out: its connections wait before they are answered, and few may be open.
 */
export interface Penalties {
  /** It showed keys that count for nothing. */
  readonly refusedMs: number;
  /** It tried nothing. */
  readonly silentMs: number;
  /** It took all the time that there is. */
  readonly lateMs: number;
  /** Debts pass with time. What begins to slow a source down, and the most that it can owe. */
  readonly fromMs: number;
  readonly maxMs: number;
  /** The wait at first; it doubles with every further `fromMs` that is owed, up to the longest. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  readonly maxOpen: number;
}

export interface GatewayLimits {
  /** A connection that hasn't authenticated by then is closed. */
  readonly loginGraceMs: number;
  /** Connections that haven't authenticated yet, all sources together and per source. */
  readonly maxUnauthenticated: number;
  readonly maxUnauthenticatedPerSource: number;
  /** From so many on, new ones are dropped by chance: this share of them at first, all at the bound. */
  readonly earlyDropFrom: number;
  readonly earlyDropShare: number;
  /** Places beyond the bound for sources that somebody has signed in from, and how long that counts. */
  readonly provenPlaces: number;
  readonly provenMs: number;
  readonly penalties: Penalties;
  /** Clients that wait for somebody to sign in in a browser, all sources together and per source. */
  readonly maxWaiting: number;
  readonly maxWaitingPerSource: number;
  /** What such a wait takes at most. */
  readonly waitingMs: number;
  /** New connections of one source: the lasting rate, and how many may come at once. */
  readonly connectionsPerSecond: number;
  readonly connectionBurst: number;
  /** Sources whose rate is remembered. */
  readonly maxSources: number;
  /** Authentication requests that may fail on one connection. */
  readonly authAttempts: number;
  readonly maxUserNameBytes: number;
  readonly maxChannels: number;
  /** Environment variables of a channel: how many, and bytes of all names and values. */
  readonly maxEnv: number;
  readonly maxEnvBytes: number;
  /** Which of them may reach a target; of the others the client is told that they are refused. */
  readonly passesEnvironment: (name: string) => boolean;
  readonly keepaliveIntervalMs: number;
  readonly rekey: RekeyLimits;
}

export const GATEWAY_LIMITS: GatewayLimits = {
  loginGraceMs: 30_000,
  maxUnauthenticated: 100,
  maxUnauthenticatedPerSource: 30,
  earlyDropFrom: 50,
  earlyDropShare: 0.3,
  provenPlaces: 50,
  provenMs: 24 * 3_600_000,
  penalties: {
    refusedMs: 5_000,
    silentMs: 1_000,
    lateMs: 10_000,
    fromMs: 60_000,
    maxMs: 600_000,
    firstDelayMs: 500,
    maxDelayMs: 4_000,
    maxOpen: 3,
  },
  maxWaiting: 64,
  maxWaitingPerSource: 8,
  waitingMs: 11 * 60_000,
  connectionsPerSecond: 10,
  connectionBurst: 50,
  maxSources: 10_000,
  authAttempts: 6,
  maxUserNameBytes: 1024,
  maxChannels: MAX_CHANNELS,
  maxEnv: 64,
  maxEnvBytes: 64 * 1024,
  passesEnvironment: () => true,
  keepaliveIntervalMs: 30_000,
  rekey: REKEY_LIMITS,
};
