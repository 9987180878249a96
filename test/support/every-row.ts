/** All that a database holds, as text. */
import { brotliDecompressSync } from 'node:zlib';

/** All rows of all tables; packed columns as what is in them, too. */
export async function everyRow(url: string): Promise<string[]> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name
       from information_schema.tables
       where table_schema not in ('pg_catalog', 'information_schema')`,
    );
    const rows: string[] = [];
    for (const { name } of tables.rows) {
      const found = await client.query<Record<string, unknown>>(`select * from ${name}`);
      for (const row of found.rows) rows.push(...Object.values(row).map(asText), asText(row));
    }
    return rows;
  } finally {
    await client.end();
  }
}

function asText(value: unknown): string {
  if (!Buffer.isBuffer(value)) return JSON.stringify(value) ?? '';
  try {
    return value.toString('latin1') + brotliDecompressSync(value).toString('latin1');
  } catch {
    return value.toString('latin1');
  }
}
