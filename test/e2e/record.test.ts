import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '../../server/store/connect.ts';
import { ssh } from '../support/ssh.ts';
import { startBastion, type Bastion } from '../support/world.ts';

interface Checked {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

describe('the record of a real bastion', function () {
  // Two dozen starts of the command line.
  this.timeout(300_000);
  let bastion: Bastion;
  let keys: { readonly old: string; readonly fresh: string };
  let sessions: { readonly old: string; readonly fresh: string };

  before(async () => {
    bastion = await startBastion();
    await run('echo with the old key');
    const rotated = await bastion.cli('keys', 'rotate', '--json');
    assert.equal(rotated.status, 0, rotated.stderr);
    const { newKeyId, oldKeyId } = JSON.parse(rotated.stdout) as Record<string, string>;
    keys = { old: oldKeyId ?? '', fresh: newKeyId ?? '' };
    await run('echo with the new key');
    const list = await bastion.cli('sessions', 'list', '--json');
    const { items } = JSON.parse(list.stdout) as { items: { id: string }[] };
    assert.equal(items.length, 2);
    sessions = { old: items[1]?.id ?? '', fresh: items[0]?.id ?? '' };
  });
  after(() => bastion[Symbol.asyncDispose]());

  async function run(command: string): Promise<void> {
    const done = await ssh({ config: bastion.sshConfig, host: 'demo-agent' }, command);
    assert.equal(done.status, 0, done.stderr);
  }

  async function verify(...args: readonly string[]): Promise<ReadonlyMap<string, Checked>> {
    const { stderr, stdout } = await bastion.cli('verify', '--json', ...args);
    const lines = stdout.trim().split('\n').filter(Boolean);
    assert.ok(lines.length > 0, stderr);
    return new Map(
      lines.map((line) => {
        const checked = JSON.parse(line) as Checked;
        return [checked.what, checked];
      }),
    );
  }

  /** As somebody who has the rights of the database's administrator. */
  async function asAdministrator(sql: string, user = 'sallyport'): Promise<readonly unknown[]> {
    const socketDirectory = join(bastion.home, 'postgres', 'socket');
    const place = { kind: 'socket', socketDirectory, port: 5432, database: 'sallyport' } as const;
    const client = createClient({ ...place, user }, () => {});
    await client.connect();
    try {
      const answer = (await client.query(sql)) as unknown as { rows: unknown[] } | unknown[];
      return Array.isArray(answer) ? answer : answer.rows;
    } finally {
      await client.end();
    }
  }

  it('is verified with the key that signed, before and after a rotation', async () => {
    const checked = await verify('--all');
    for (const [id, key] of [
      [sessions.old, keys.old],
      [sessions.fresh, keys.fresh],
    ] as const) {
      assert.equal(checked.get(id)?.ok, true);
      assert.match(checked.get(id)?.detail ?? '', new RegExp(`signed by ${key.slice(0, 16)}$`));
    }
    assert.equal(checked.get('journal')?.ok, true);
    const known = await bastion.cli('keys', 'list', '--json');
    const { items } = JSON.parse(known.stdout) as { items: { keyId: string; signs: boolean }[] };
    assert.deepEqual(
      items.map(({ keyId, signs }) => [keyId, signs]),
      [
        [keys.fresh, true],
        [keys.old, false],
      ],
    );
    const privates = (await readdir(join(bastion.home, 'keys'))).filter((name) =>
      name.startsWith('recording_ed25519'),
    );
    assert.deepEqual(privates, ['recording_ed25519']);
  });

  it('goes out with the key that signed it, and a file knows a stranger', async () => {
    const file = join(bastion.home, 'old.json');
    await bastion.cli('sessions', 'export', sessions.old, '--format', 'json', '-o', file);
    const publicKey = (key: string) =>
      join(bastion.home, 'keys', 'recording_public', `${key.slice(0, 16)}.pem`);
    const right = await verify('--file', file, '--key', publicKey(keys.old));
    assert.equal(right.get(sessions.old)?.ok, true);
    const all = await verify('--file', file, '--key', join(bastion.home, 'keys/recording_public'));
    assert.equal(all.get(sessions.old)?.ok, true);
    const wrong = await verify('--file', file, '--key', publicKey(keys.fresh));
    assert.equal(wrong.get(sessions.old)?.ok, false);
    assert.match(wrong.get(sessions.old)?.detail ?? '', /intact, but signed by another key/);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replaceAll('with the old key', 'with the odd key'));
    const edited = await verify('--file', file, '--key', publicKey(keys.old));
    assert.match(edited.get(sessions.old)?.detail ?? '', /content is not what was recorded/);
    const page = await bastion.cli('sessions', 'export', sessions.old, '--format', 'html');
    assert.ok(page.stdout.includes(keys.old));
    assert.ok(!page.stdout.includes(keys.fresh));
  });

  it('is written by a role that can neither change nor delete it', async () => {
    const users = (await asAdministrator(
      `select distinct usename::text as name from pg_stat_activity where datname = 'sallyport'`,
    )) as { name: string }[];
    assert.ok(users.some(({ name }) => name === 'sallyport_app'));
    for (const table of ['chunks', 'commands', 'command_ends', 'heads', 'journal']) {
      for (const sql of [`delete from ${table}`, `truncate ${table}`, `drop table ${table}`]) {
        await assert.rejects(asAdministrator(sql, 'sallyport_app'), { code: '42501' });
      }
    }
    const doctor = await bastion.cli('doctor');
    assert.match(doctor.stdout, /^ok +database roles +"sallyport_app" can add to the record/m);
  });

  it('is deleted when its time is over and nothing holds it, and not by changed rows', async () => {
    const id = sessions.old;
    // Somebody makes it look old and short-lived.
    await asAdministrator(`set session_replication_role = replica;
      update heads set signed_at = now() - interval '9 days' where session_id = '${id}';
      update sessions set keep_days = 1, started_at = now() - interval '9 days',
        ended_at = now() - interval '9 days' where id = '${id}'`);
    const due = await bastion.cli('sessions', 'prune', '--dry-run');
    assert.match(due.stdout, new RegExp(`^${id}  due since .*\\n1 sessions are due`));
    const held = await bastion.cli('sessions', 'hold', id, '--reason', 'case 7');
    assert.equal(held.status, 0, held.stderr);
    assert.match((await bastion.cli('sessions', 'prune')).stdout, /^0 sessions deleted/);
    assert.match((await bastion.cli('sessions', 'holds')).stdout, /case 7/);
    await bastion.cli('sessions', 'release', id, '--reason', 'settled');
    assert.match((await bastion.cli('sessions', 'prune')).stdout, /^1 sessions deleted/);
    const alone = await verify(id);
    assert.match(
      alone.get(id)?.detail ?? '',
      /is a tombstone, but the session was to be kept for ever, not 1$/,
    );
    const all = await verify('--all');
    assert.equal(all.get(id)?.ok, false);
    assert.equal(all.get(sessions.fresh)?.ok, true);
    const journal = await bastion.cli('journal', 'tail', '--limit', '50');
    for (const type of ['session.held', 'session.released', 'session.deleted', 'verify.failed']) {
      assert.ok(journal.stdout.includes(type), type);
    }
  });
});
