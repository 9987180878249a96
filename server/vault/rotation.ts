/**
 * Moves credentials under the key that seals now, while others open them. Each row is replaced at once,
 * with a journal row in the same transaction, and only by one that was opened first; so it may be ended at
 * any moment and begun again, and several at once do no harm. Not caught here: a process that still seals
 * with an older key; the survey afterwards counts its rows.
 */
import { SallyportError } from '../errors.ts';
import type { AuditEvent } from '../journal/event.ts';
import { readEnvelope, writeEnvelope } from './envelope.ts';
import { sealAs, tryUnseal, type SealedCredential, type UnsealOutcome } from './vault.ts';
import type { KeyServices } from './key-service.ts';

/** Credentials that are read, and journalled, at once. */
export const BATCH = 50;
/** A batch that others changed meanwhile is read again so often. */
const MAX_ATTEMPTS = 5;
/** Rows may come in while we walk; so often the table is walked. */
const MAX_ROUNDS = 3;

export interface Replacement {
  readonly before: SealedCredential;
  readonly after: SealedCredential;
}

/** The sealed rows, as rotation needs them. */
export interface RotatingCredentials {
  /** In the order of their names. @param after the last name of the page before */
  sealedPage(after: string | null, limit: number): Promise<readonly SealedCredential[]>;
  /** All of them and the event, or nothing. @returns false: somebody changed one meanwhile */
  replace(replacements: readonly Replacement[], event: AuditEvent): Promise<boolean>;
}

export interface RotationOptions {
  readonly keys: KeyServices;
  readonly credentials: RotatingCredentials;
  /** Who asked, for the journal. */
  readonly source: string;
  /** New data keys and new ciphertext, too; else the wrapping alone. */
  readonly reencrypts: boolean;
  /** Called after each batch. */
  readonly progress: (done: Progress) => Promise<void>;
}

export interface Progress {
  /** Rows looked at. */
  readonly seen: number;
  readonly moved: number;
}

export interface Rotated extends Progress {
  /** What stayed as it was, and why. */
  readonly failures: readonly { readonly name: string; readonly why: string }[];
}

/** Rejects when the journal, the database or the key service can't be used; what was moved by then stays moved. */
export async function rotate(options: RotationOptions): Promise<Rotated> {
  let seen = 0;
  let moved = 0;
  const failures = new Map<string, string>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = moved;
    for (let after: string | null = null; ;) {
      const page: readonly SealedCredential[] = await options.credentials.sealedPage(after, BATCH);
      moved += await movePage(options, after, page, failures, round > 0);
      if (round === 0 && page.length > 0) {
        seen += page.length;
        await options.progress({ seen, moved });
      }
      if (page.length < BATCH) break;
      after = page.at(-1)?.name ?? null;
    }
    if (moved === before) break;
  }
  return { seen, moved, failures: [...failures].map(([name, why]) => ({ name, why })) };
}

/** @returns how many were moved */
async function movePage(
  options: RotationOptions,
  after: string | null,
  page: readonly SealedCredential[],
  failures: Map<string, string>,
  isRepeat: boolean,
): Promise<number> {
  const names = new Set(page.map(({ name }) => name));
  let rows = page;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const replacements: Replacement[] = [];
    for (const row of rows) {
      // What a first walk has encrypted anew needs no second time.
      const reencrypts = options.reencrypts && !isRepeat;
      const outcome = await move(options.keys, row, reencrypts);
      failures.delete(row.name);
      if (outcome.kind === 'failed') failures.set(row.name, outcome.why);
      if (outcome.kind === 'moved') replacements.push({ before: row, after: outcome.row });
    }
    if (replacements.length === 0) return 0;
    if (await options.credentials.replace(replacements, eventOf(options, replacements))) {
      return replacements.length;
    }
    const again = await options.credentials.sealedPage(after, BATCH);
    rows = again.filter(({ name }) => names.has(name));
  }
  throw new SallyportError(
    'object.conflict',
    'credentials are being changed all the time; the rotation stopped before its end',
    'run it again: it goes on where it stopped',
  );
}

type Moved =
  | { readonly kind: 'moved'; readonly row: SealedCredential }
  | { readonly kind: 'current' }
  | { readonly kind: 'failed'; readonly why: string };

/** What can't be opened stays; a service that can't be asked ends the rotation. */
async function move(keys: KeyServices, row: SealedCredential, reencrypts: boolean): Promise<Moved> {
  const envelope = readEnvelope(row.sealed);
  const isOurs = envelope?.key.format === 2 && keys.sealing.owns(envelope.key.keyId);
  if (envelope === null || reencrypts || !isOurs) return sealedAgain(keys, row);
  const { kind, name, version } = row;
  const outcome = await keys.sealing.rewrap(envelope.key, { name, kind, version });
  switch (outcome.kind) {
    case 'current':
      return outcome;
    case 'missing-key':
      return failed({ kind: 'missing-key', keyId: envelope.key.keyId });
    case 'damaged':
      return failed(outcome);
    case 'wrapped': {
      const sealed = writeEnvelope({ key: outcome.key, body: envelope.body });
      return checked(keys, { ...row, keyId: outcome.key.keyId, sealed });
    }
  }
}

async function sealedAgain(keys: KeyServices, row: SealedCredential): Promise<Moved> {
  const { kind, name, version } = row;
  const outcome = await tryUnseal(keys, row);
  if (outcome.kind !== 'open') return failed(outcome);
  using opened = outcome.credential;
  const sealed = await sealAs(keys, { name, kind, version }, opened.bytes);
  return checked(keys, { ...row, ...sealed });
}

/** A row is never replaced by one that doesn't open. */
async function checked(keys: KeyServices, row: SealedCredential): Promise<Moved> {
  const outcome = await tryUnseal(keys, row);
  if (outcome.kind !== 'open') return failed(outcome);
  outcome.credential[Symbol.dispose]();
  return { kind: 'moved', row };
}

function failed(outcome: Exclude<UnsealOutcome, { kind: 'open' }>): Moved {
  const why =
    outcome.kind === 'damaged'
      ? 'it was changed since it was sealed'
      : `its key ${outcome.keyId} is not here`;
  return { kind: 'failed', why };
}

function eventOf(
  { keys, reencrypts, source }: RotationOptions,
  replacements: readonly Replacement[],
): AuditEvent {
  return {
    type: 'vault.rotated',
    principal: null,
    source,
    session: null,
    target: null,
    data: {
      place: keys.sealing.place,
      reencrypted: reencrypts,
      credentials: replacements.map(({ after, before }) => ({
        name: after.name,
        version: after.version,
        from: before.keyId,
        to: after.keyId,
      })),
    },
  };
}
