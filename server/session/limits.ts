/** The named bounds of the session pipeline. All can be set by whoever assembles it. */
export interface SessionLimits {
  /** Longest command line or exec string that is read, bytes. */
  readonly maxLineBytes: number;
  /** Longest SQL statement on the input of a client of a database, bytes. */
  readonly maxStatementBytes: number;
  /** Input that waits behind a held or settling line, bytes; more stays in the client's SSH window. */
  readonly maxPendingInputBytes: number;
  /** Output that is on its way to the disk, bytes; more stays in the target's SSH window. */
  readonly maxUndurableBytes: number;
  /** Commands that may wait for an approval at once, per principal. */
  readonly maxHeldPerPrincipal: number;
  /** Sessions at once on one connection. */
  readonly maxSessionsPerConnection: number;
  /** Forwarded connections at once on one connection. */
  readonly maxForwardsPerConnection: number;
  /** Places that targets listen at for one connection. */
  readonly maxListensPerConnection: number;
  /** Forwards that a principal may open at once after a pause, and how many more each second. */
  readonly forwardBurst: number;
  readonly forwardsPerSecond: number;
  /** Contents that are kept of one transferred file, where a grant keeps them, bytes. */
  readonly maxKeptFileBytes: number;
  /** How long the client's close waits for the recording to be sealed, milliseconds. */
  readonly sealWaitMs: number;
  /** How long what came before a refused command of the input may still run, milliseconds. */
  readonly maxWaitAfterRefusalMs: number;
  /** How long a target may go on after its client's connection ended, milliseconds. */
  readonly orphanWaitMs: number;
  /** How long a client may take to answer before what was approved runs, milliseconds. */
  readonly maxAnswerMs: number;
  /** How long running sessions may go on after SIGTERM, milliseconds. */
  readonly drainTimeoutMs: number;
  /** Environment variables that reach the target: names, or prefixes ending in `*`. */
  readonly environment: readonly string[];
}

export const DEFAULT_LIMITS: SessionLimits = {
  maxLineBytes: 64 * 1024,
  maxStatementBytes: 1024 * 1024,
  maxPendingInputBytes: 256 * 1024,
  maxUndurableBytes: 1024 * 1024,
  maxHeldPerPrincipal: 16,
  maxSessionsPerConnection: 64,
  maxForwardsPerConnection: 32,
  maxListensPerConnection: 8,
  forwardBurst: 200,
  forwardsPerSecond: 4,
  maxKeptFileBytes: 100 * 1024 * 1024,
  sealWaitMs: 2000,
  maxWaitAfterRefusalMs: 600_000,
  orphanWaitMs: 5000,
  maxAnswerMs: 5_000,
  drainTimeoutMs: 10_000,
  // The last is ours to set: what a certificate's command stands in place of.
  environment: ['LANG', 'LANGUAGE', 'LC_*', 'COLORTERM', 'NO_COLOR', 'TZ', 'SSH_ORIGINAL_COMMAND'],
};

/** Whether a variable may reach the target. */
export function isEnvironmentAllowed(name: string, allowed: readonly string[]): boolean {
  return allowed.some((entry) =>
    entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : name === entry,
  );
}
