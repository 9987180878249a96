/** Which keys credentials are sealed with, and whether they are here. Opens nothing. */
import { messageOf, SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { readEnvelope } from './envelope.ts';
import type { KeyServices } from './key-service.ts';
import { BATCH, type RotatingCredentials } from './rotation.ts';

/** Names that are shown of credentials whose key is missing. */
const MAX_NAMES = 5;

export interface KeyFacts {
  /** `unreadable` for rows that are no sealed values. */
  readonly keyId: string;
  readonly rows: number;
  /** `unknown`: the key service can't be asked. */
  readonly state: 'current' | 'opens' | 'missing' | 'unknown';
  /** Some of the credentials. */
  readonly names: readonly string[];
}

export interface Survey {
  /** Where the sealing key is. */
  readonly place: string;
  /** Its id; null = its service doesn't tell. */
  readonly current: string | null;
  /** Why the key service couldn't be asked; null = it could, or there is none. */
  readonly problem: string | null;
  readonly keys: readonly KeyFacts[];
  readonly rows: number;
}

export async function survey(
  keys: KeyServices,
  credentials: Pick<RotatingCredentials, 'sealedPage'>,
): Promise<Survey> {
  const counts = new Map<string, { rows: number; names: string[] }>();
  let rows = 0;
  for (let after: string | null = null; ;) {
    const page: Awaited<ReturnType<typeof credentials.sealedPage>> = await credentials.sealedPage(
      after,
      BATCH,
    );
    for (const { name, sealed } of page) {
      const keyId = readEnvelope(sealed)?.key.keyId ?? 'unreadable';
      const known = counts.get(keyId) ?? { rows: 0, names: [] };
      known.rows += 1;
      if (known.names.length < MAX_NAMES) known.names.push(name);
      counts.set(keyId, known);
    }
    rows += page.length;
    if (page.length < BATCH) break;
    after = page.at(-1)?.name ?? null;
  }
  let problem: string | null = null;
  const current = await keys.sealing.current().catch((error: unknown) => {
    problem = messageOf(error);
    return null;
  });
  const facts: KeyFacts[] = [];
  for (const [keyId, { names, rows: under }] of [...counts].sort(byKey)) {
    let state: KeyFacts['state'] = keyId === current ? 'current' : 'missing';
    try {
      if (state === 'missing' && (await knows(keys, keyId))) state = 'opens';
    } catch (error) {
      problem ??= messageOf(error);
      state = 'unknown';
    }
    facts.push({ keyId, rows: under, state, names });
  }
  return { place: keys.sealing.place, current, problem, keys: facts, rows };
}

function byKey([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}

async function knows({ opening }: KeyServices, keyId: string): Promise<boolean> {
  return (await opening.find((one) => one.owns(keyId))?.knows(keyId)) ?? false;
}

/**
 * At a start: keys that are missing are named in the log; targets behind them stay closed. Throws
 * `vault.locked` when none of the credentials can be opened: then the master key is simply the wrong one.
 */
export function reportMissing({ keys, problem, rows }: Survey, logger: Logger): void {
  if (problem !== null) logger.error('vault.locked', { why: problem, hint: HINT });
  const missing = keys.filter(({ state }) => state === 'missing');
  for (const { keyId, names, rows: under } of missing) {
    const shown = `${names.join(', ')}${under > names.length ? ', …' : ''}`;
    const why = `${under} credentials are sealed with the master key ${keyId}, which is not here: ${shown}`;
    logger.error('vault.locked', { why, hint: HINT });
  }
  if (rows === 0 || missing.length < keys.length) return;
  const ids = missing.map(({ keyId }) => keyId).join(', ');
  throw new SallyportError(
    'vault.locked',
    `none of the ${rows} credentials can be opened: they are sealed with the master key ${ids}, which is not here`,
    HINT,
  );
}

const HINT =
  'start with the key that sealed them, or name it behind the first one in SALLYPORT_MASTER_KEY_FILE; see: sallyport vault status';
