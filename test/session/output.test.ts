import assert from 'node:assert/strict';
import { SallyportError } from '../../server/errors.ts';
import type { OutputUnit } from '../../server/session/ports.ts';
import { begin, fakeWorld, settled, type FakeWorld } from '../support/session-fakes.ts';

const data = (text: string | Buffer, stream: 'stdout' | 'stderr' = 'stdout'): OutputUnit => ({
  kind: 'data',
  stream,
  bytes: Buffer.from(text),
});
const EXIT: OutputUnit = { kind: 'exit', status: 3 };
const isRecordingFailed = (error: unknown): boolean =>
  error instanceof SallyportError && error.code === 'recording.failed';

function recorded(world: FakeWorld): string[] {
  return world.steps.flatMap((one) => {
    if (one.step !== 'event') return [];
    switch (one.event.code) {
      case 'o':
        return `o ${one.event.text}`;
      case 'b':
        return `b ${one.event.base64}`;
      case 'm':
        return `m ${one.event.label}`;
      case 'x':
        return `x ${one.event.status}`;
      case 'r':
        return `r ${one.event.cols}`;
    }
  });
}

async function isDone(work: Promise<unknown>): Promise<boolean> {
  let done = false;
  void work.then(() => (done = true));
  await settled();
  return done;
}

describe('OutputPipe', () => {
  it('records and delivers everything in the order of arrival', async () => {
    const world = fakeWorld();
    const { output, client } = await begin(world);
    const units: OutputUnit[] = [
      data('a'),
      data('b', 'stderr'),
      EXIT,
      { kind: 'exit-signal', name: 'TERM', coreDumped: false, message: '' },
      { kind: 'eof' },
      { kind: 'close' },
    ];
    await output.push(data('first'));
    const marker = output.event({ atUs: 9, code: 'm', label: 'ls' });
    for (const unit of units) await output.push(unit);
    await Promise.all([marker, output.flush()]);
    assert.deepEqual(recorded(world), ['o first', 'm ls', 'o a', 'o b', 'x 3', 'x TERM']);
    assert.deepEqual(client.written, [data('first'), ...units]);
    assert.equal(output.bytesOut, 7);
  });

  it('delivers nothing before it is durable, also nothing that has no event', async () => {
    const world = fakeWorld();
    const { output, client } = await begin(world);
    const hold = world.holdDurability();
    await output.push(data('a'));
    await output.push({ kind: 'eof' });
    assert.equal(await isDone(output.flush()), false);
    assert.deepEqual(client.written, []);
    assert.equal(output.bytesOut, 0);
    hold.release();
    await output.flush();
    assert.deepEqual(client.written, [data('a'), { kind: 'eof' }]);
  });

  it('takes no more while as much as the bound is not durable', async () => {
    const world = fakeWorld();
    const { output, client } = await begin(world, 10);
    const hold = world.holdDurability();
    assert.equal(await isDone(output.push(data('123456789'))), true);
    const last = output.push(data('0'));
    assert.equal(await isDone(last), false);
    hold.release();
    await last;
    await output.flush();
    assert.deepEqual(client.written, [data('123456789'), data('0')]);
    assert.equal(await isDone(output.push(data('123456789'))), true, 'there is room again');
  });

  it('takes no more from the target than the bound while the client takes nothing', async () => {
    const { output, client } = await begin(fakeWorld(), 10);
    let goOn = (): void => {};
    client.stall(new Promise((resolve) => (goOn = resolve)));
    assert.equal(await isDone(output.push(data('a'))), true);
    const last = output.push(data('1234567890'));
    assert.equal(await isDone(last), false);
    goOn();
    await last;
    assert.equal(client.written.length, 2);
  });

  it('records the exact bytes of what is not UTF-8', async () => {
    const world = fakeWorld();
    const { output, client } = await begin(world);
    const bytes = Buffer.from([0x61, 0xff, 0x62]);
    await output.push(data(bytes));
    await output.flush();
    assert.deepEqual(recorded(world), [`b ${bytes.toString('base64')}`, 'o a\ufffdb']);
    assert.deepEqual(client.written, [data(bytes)]);
  });

  it('delivers nothing after the record failed, and says so at once and at every call', async () => {
    const world = fakeWorld();
    const { output, client } = await begin(world);
    await output.push(data('kept'));
    await output.flush();
    world.failRecording();
    await output.push(data('lost'));
    assert.ok(isRecordingFailed(await output.failed));
    await assert.rejects(output.push(data('lost')), isRecordingFailed);
    await assert.rejects(output.push({ kind: 'close' }), isRecordingFailed);
    await assert.rejects(output.flush(), isRecordingFailed);
    assert.deepEqual(client.written, [data('kept')]);
    assert.equal(output.bytesOut, 4);
  });
});
