/** Rows of keyframes: where a replay can start, and the screen there. */
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import type { Knex } from 'knex';
import { SallyportError } from '../errors.ts';
import { firstKeyframe, type Keyframe, type Pause, type Size } from '../terminal/keyframe.ts';
import { isUuid } from './query-text.ts';

/** A screen whose row claims to be larger is not expanded. */
export const MAX_INIT_BYTES = 64 * 1024 * 1024;
/** Pays for itself: keyframes are written once and read rarely, but many. */
const QUALITY = 3;

const compress = promisify(brotliCompress);
const expand = promisify(brotliDecompress);

/** Where an event is stored. */
export interface EventPlace {
  readonly chunk: number;
  /** Number of the event, from 1 over the whole recording. */
  readonly event: number;
}

/** A keyframe with the place of the event that it stands before. */
export interface PlacedKeyframe extends EventPlace {
  readonly keyframe: Keyframe;
  /** Output without a terminal stopped behind CR. */
  readonly afterReturn: boolean;
}

/** What the outline of a recording needs of a keyframe. */
export interface KeyframePlace extends EventPlace {
  readonly n: number;
  readonly atUs: number;
  readonly idleUs: number;
  readonly pauses: number;
  /** Since the keyframe before. */
  readonly newPauses: readonly Pause[];
}

/** The start of a recording. */
export function firstPlacedKeyframe(size: Size): PlacedKeyframe {
  return { keyframe: firstKeyframe(size), chunk: 1, event: 1, afterReturn: false };
}

interface PlaceRow {
  readonly n: number;
  readonly at_us: number;
  readonly chunk: number;
  readonly event: number;
  readonly pauses: number;
  readonly idle_us: number;
  readonly new_pauses: readonly (readonly [number, number])[];
}

interface KeyframeRow extends PlaceRow {
  readonly cols: number;
  readonly rows: number;
  readonly init: Buffer;
  readonly after_return: boolean;
}

/** Where segments 1, 2, … of a recording start; without a gap, as far as they have been made. */
export async function keyframePlaces(
  knex: Knex,
  sessionId: string,
): Promise<readonly KeyframePlace[]> {
  if (!isUuid(sessionId)) return [];
  const rows = await knex<PlaceRow & { session_id: string }>('keyframes')
    .select('n', 'at_us', 'chunk', 'event', 'pauses', 'idle_us', 'new_pauses')
    .where('session_id', sessionId)
    .orderBy('n');
  const gap = rows.findIndex((row, index) => row.n !== index + 1);
  return rows.slice(0, gap === -1 ? undefined : gap).map((row) => ({
    n: row.n,
    atUs: row.at_us,
    chunk: row.chunk,
    event: row.event,
    pauses: row.pauses,
    idleUs: row.idle_us,
    newPauses: row.new_pauses.map(([atUs, cutUs]) => ({ atUs, cutUs })),
  }));
}

/** The keyframe with this number; null = there is none. Rejects with `internal` when it can't be read. */
export async function keyframeAt(
  knex: Knex,
  sessionId: string,
  n: number,
): Promise<PlacedKeyframe | null> {
  if (!isUuid(sessionId)) return null;
  const row = await knex<KeyframeRow & { session_id: string }>('keyframes')
    .where({ session_id: sessionId, n })
    .first();
  return row === undefined ? null : placed(row);
}

/** The newest keyframe and its number; null = there is none yet. */
export async function newestKeyframe(
  knex: Knex,
  sessionId: string,
): Promise<{ readonly n: number; readonly placed: PlacedKeyframe } | null> {
  if (!isUuid(sessionId)) return null;
  const row = await knex<KeyframeRow & { session_id: string }>('keyframes')
    .where('session_id', sessionId)
    .orderBy('n', 'desc')
    .first();
  return row === undefined ? null : { n: row.n, placed: await placed(row) };
}

async function placed(row: KeyframeRow): Promise<PlacedKeyframe> {
  const { cols, rows, chunk, event } = row;
  let init: Buffer;
  try {
    init = await expand(row.init, { maxOutputLength: MAX_INIT_BYTES });
  } catch (error) {
    throw new SallyportError(
      'internal',
      `keyframe ${row.n} of the replay can't be read`,
      "delete the session's rows of the table keyframes: they are made again from the recording",
      { cause: error },
    );
  }
  return {
    chunk,
    event,
    afterReturn: row.after_return,
    keyframe: {
      cols,
      rows,
      atUs: row.at_us,
      init: init.toString(),
      pauses: row.pauses,
      idleUs: row.idle_us,
    },
  };
}

export interface NewKeyframe extends PlacedKeyframe {
  readonly n: number;
  readonly newPauses: readonly Pause[];
}

/**
 * Stores keyframes unless they are there already or their session is gone.
 * @returns false = the session is gone
 */
export async function storeKeyframes(
  knex: Knex,
  sessionId: string,
  made: readonly NewKeyframe[],
): Promise<boolean> {
  if (made.length === 0) return true;
  const rows = await Promise.all(
    made.map(async ({ n, chunk, event, afterReturn, keyframe, newPauses }) => ({
      session_id: sessionId,
      n,
      at_us: keyframe.atUs,
      chunk,
      event,
      cols: keyframe.cols,
      rows: keyframe.rows,
      init: await compress(keyframe.init, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: QUALITY,
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        },
      }),
      after_return: afterReturn,
      pauses: keyframe.pauses,
      idle_us: keyframe.idleUs,
      new_pauses: JSON.stringify(newPauses.map(({ atUs, cutUs }) => [atUs, cutUs])),
    })),
  );
  return knex.transaction(async (trx) => {
    // Held until the commit, so that nothing of a session is left behind when it is deleted meanwhile.
    const session = await trx.raw<{ rows: readonly unknown[] }>(
      'select 1 from sessions where id = ? for key share',
      [sessionId],
    );
    if (session.rows.length === 0) return false;
    await trx('keyframes').insert(rows).onConflict(['session_id', 'n']).ignore();
    return true;
  });
}
