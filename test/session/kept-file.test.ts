import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  Keeping,
  KEPT_PART_BYTES,
  KeptFile,
  MAX_KEEPING_BYTES,
} from '../../server/session/kept-file.ts';
import type { KeptPart } from '../../server/session/ports.ts';

describe('KeptFile', () => {
  function keeping(keep: (part: KeptPart) => Promise<void> = () => Promise.resolve()) {
    const parts: KeptPart[] = [];
    const failures: unknown[] = [];
    const keeper = {
      keep: (part: KeptPart) => {
        parts.push(part);
        return keep(part);
      },
    };
    return { parts, failures, all: new Keeping(keeper, 's1', (error) => failures.push(error)) };
  }

  it('cuts contents into parts and says what they are', async () => {
    const { all, parts } = keeping();
    const file = new KeptFile(all, 3, 'written', 10_000_000);
    const contents = Buffer.alloc(KEPT_PART_BYTES + 50_000, 'abc');
    for (let at = 0; at < contents.length; at += 30_000)
      file.add(contents.subarray(at, at + 30_000));
    assert.deepEqual(await file.end(), {
      parts: 2,
      bytes: contents.length,
      sha256: createHash('sha256').update(contents).digest('hex'),
      cut: false,
    });
    assert.ok(Buffer.concat(parts.map(({ bytes }) => bytes)).equals(contents));
    assert.deepEqual(
      parts.map(({ session, seq, direction, part }) => [session, seq, direction, part]),
      [
        ['s1', 3, 'written', 1],
        ['s1', 3, 'written', 2],
      ],
    );
  });

  it('keeps no more than it may, and says so', async () => {
    const { all, parts } = keeping();
    const file = new KeptFile(all, 1, 'read', 10);
    file.add(Buffer.from('123456'));
    file.add(Buffer.from('789012'));
    file.add(Buffer.from('3'));
    const { bytes, cut } = await file.end();
    assert.deepEqual([bytes, cut], [10, true]);
    assert.equal(parts[0]?.bytes.toString(), '1234567890');
  });

  it('lets nothing more be read while too much is on its way', async () => {
    let store = (): void => {};
    const { all } = keeping(() => new Promise((resolve) => (store = resolve)));
    const file = new KeptFile(all, 1, 'read', 2 * MAX_KEEPING_BYTES);
    assert.equal(all.room(), null);
    file.add(Buffer.alloc(MAX_KEEPING_BYTES));
    const room = all.room();
    assert.notEqual(room, null);
    store();
    await room;
    assert.equal(all.room(), null);
  });

  it('tells when contents can not be stored', async () => {
    const { all, failures } = keeping(() => Promise.reject(new Error('disk full')));
    const file = new KeptFile(all, 1, 'read', 100);
    file.add(Buffer.from('x'));
    await file.end();
    assert.equal(failures.length, 1);
  });
});
