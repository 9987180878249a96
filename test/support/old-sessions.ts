/** Sessions as bastions recorded them long ago: rows and journal entries, chained and signed, at any age. */
import { v7 as uuidV7 } from 'uuid';
import { encodeEventLine } from '../../server/asciicast/event-line.ts';
import { CHAIN_START, chunkHash } from '../../server/journal/chain.ts';
import type { HeadSigner } from '../../server/journal/signature.ts';
import { packLines, QUALITY } from '../../server/store/chunk.ts';
import type { Database } from '../../server/store/database.ts';
import type { StoredJournal } from '../../server/store/journal.ts';
import { Partitions } from '../../server/store/partitions.ts';

export interface OldSession {
  readonly id: string;
  readonly startedAtMs: number;
  /** null = it still runs. */
  readonly endedAtMs: number | null;
  readonly keepDays: number | null;
  readonly chunks: number;
}

export interface OldSessionWorld {
  readonly database: Database;
  readonly journal: StoredJournal;
  readonly signer: HeadSigner;
}

/** Stores the session and says so to the journal. */
export async function storeOldSession(
  { database, journal, signer }: OldSessionWorld,
  wanted: Omit<OldSession, 'id'>,
): Promise<OldSession> {
  const { knex } = database;
  const session = { ...wanted, id: uuidV7({ msecs: wanted.startedAtMs }) };
  const { chunks, endedAtMs, id, keepDays, startedAtMs } = session;
  await new Partitions(knex).ensureFor(id);
  await knex('sessions').insert({
    id,
    owner: uuidV7(),
    kind: 'shell',
    principal: 'alice',
    principal_kind: 'human',
    principal_id: uuidV7(),
    target: 'web1',
    login: 'deploy',
    via: 'direct',
    source: '192.0.2.7:51514',
    started_at: new Date(startedAtMs),
    ended_at: endedAtMs === null ? null : new Date(endedAtMs),
    status: endedAtMs === null ? 'active' : 'closed',
    width: 80,
    height: 24,
    policy: 'default',
    policy_version: 1,
    bytes_out: 5 * chunks,
    complete: endedAtMs !== null,
    keep_days: keepDays,
  });
  const names = { principal: 'alice', source: '192.0.2.7:51514', session: id, target: 'web1' };
  await journal.append({ type: 'session.started', ...names, data: { keepDays } });
  let hash = CHAIN_START;
  for (let seq = 1; seq <= chunks; seq += 1) {
    const lines = Buffer.from(encodeEventLine({ atUs: seq, code: 'o', text: `out ${seq}` }));
    const header = {
      sessionId: id,
      seq,
      t0Us: seq,
      t1Us: seq,
      firstEvent: seq,
      events: 1,
      rawLength: lines.length,
    };
    const next = chunkHash(hash, header, lines);
    const { codec, data } = await packLines(lines, QUALITY.calm);
    await knex('chunks').insert({
      session_id: id,
      seq,
      t0_us: seq,
      t1_us: seq,
      first_event: seq,
      events: 1,
      raw_len: lines.length,
      output_bytes: 5,
      codec,
      prev_hash: Buffer.from(hash, 'hex'),
      hash: Buffer.from(next, 'hex'),
      data,
    });
    hash = next;
  }
  await knex('commands').insert({
    session_id: id,
    seq: 1,
    at_us: 1,
    text: 'ls',
    certainty: 'exact',
    verdict: 'allow',
    language: 'shell',
    commands: '[]',
  });
  await knex('command_ends').insert({ session_id: id, seq: 1, output_from_us: 1, output_to_us: 2 });
  if (endedAtMs === null) return session;
  const head = { sessionId: id, chunks, events: chunks, hash };
  const signature = signer.sign(head);
  await knex('heads').insert({
    session_id: id,
    chunks,
    events: chunks,
    hash: Buffer.from(hash, 'hex'),
    key_id: signer.keyId,
    signature,
    signed_at: new Date(endedAtMs),
  });
  await journal.append({
    type: 'session.ended',
    ...names,
    data: {
      status: 'closed',
      chunks,
      events: chunks,
      headHash: hash,
      keyId: signer.keyId,
      signature,
    },
  });
  return session;
}
