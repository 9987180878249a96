/** What recordings cost on disk, read from the bastion's own database. */
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger } from '../../server/log.ts';
import { openDatabase } from '../../server/store/database.ts';
import type { Bastion } from '../support/world.ts';

export interface StorageFigures {
  /** Compressed chunk bytes ÷ output bytes, by kind of output. */
  readonly chunkBytesPerByte: Readonly<Record<string, number>>;
  /** All that the chunks' tables and indexes take ÷ all output bytes. */
  readonly tableBytesPerByte: number;
}

const SETTLE_TIMEOUT_MS = 60_000;

/** @param files by kind of output, what the commands that made it name */
export async function measureStorage(
  bastion: Bastion,
  files: Readonly<Record<string, string>>,
): Promise<StorageFigures> {
  const database = await openDatabase({
    url: null,
    homeDirectory: bastion.home,
    logger: silentLogger,
  });
  try {
    const row = async (sql: string, bindings: readonly string[] = []): Promise<number> => {
      const { rows } = await database.knex.raw<{ rows: { figure: string | null }[] }>(sql, [
        ...bindings,
      ]);
      return Number(rows[0]?.figure ?? Number.NaN);
    };
    const deadline = Date.now() + SETTLE_TIMEOUT_MS;
    while ((await row(`select count(*) figure from sessions where status = 'active'`)) > 0) {
      if (Date.now() > deadline) throw new Error('sessions of the bench are still active');
      await sleep(200);
    }
    const chunkBytesPerByte: Record<string, number> = {};
    for (const [kind, file] of Object.entries(files)) {
      chunkBytesPerByte[kind] = await row(
        `select sum(octet_length(data))::float / sum(output_bytes) figure from chunks
         where session_id in (select session_id from commands where strpos(text, ?) > 0)`,
        [file],
      );
    }
    const tableBytesPerByte = await row(
      `select sum(pg_total_relation_size(inhrelid))::float /
              (select sum(output_bytes) from chunks) figure
       from pg_inherits where inhparent = 'chunks'::regclass`,
    );
    return { chunkBytesPerByte, tableBytesPerByte };
  } finally {
    await database.close();
  }
}
