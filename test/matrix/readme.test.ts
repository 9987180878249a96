/** The README's table of clients is the one that the code fills. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { CLIENTS } from './clients.ts';
import { PASS, rowOf, tableHead } from './table.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

describe('the README on clients', () => {
  it('has a row for every client, and says of every check that it passes', () => {
    const [, section = ''] = /^## Clients\n([^]*?)^## /m.exec(README) ?? [];
    const table = section.split('\n').filter((line) => line.startsWith('|'));
    const rows = CLIENTS.map((client) => rowOf(client, () => PASS));
    assert.deepEqual(table, [...tableHead(), ...rows]);
  });
});
