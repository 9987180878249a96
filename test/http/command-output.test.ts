import assert from 'node:assert/strict';
import { commandOutput, MAX_OUTPUT_CHARACTERS } from '../../server/http/command-output.ts';
import { commandView, keptSession, people, startHttpWorld } from '../support/http-world.ts';
import { FakeRecordings } from '../support/http-fakes.ts';

const COMMANDS = [commandView(1), commandView(2), commandView(3, { outputFromMs: null })];

describe('the output of one command', () => {
  const at = (
    kind: 'shell' | 'exec',
    events: readonly (readonly [atUs: number, text: string])[],
  ) => {
    const recordings = new FakeRecordings();
    const kept = keptSession(1, COMMANDS, { kind });
    const own = events.map(([atUs, text]) => ({ atUs, code: 'o' as const, text }));
    recordings.add({ ...kept, events: own });
    return async (seq: number) => {
      const command = COMMANDS.find((one) => one.seq === seq) ?? commandView(seq);
      return commandOutput(recordings, kept.view, command.seq);
    };
  };

  it('is what came between its first and its last byte, as plain text', async () => {
    const of = at('shell', [
      [1_005_000, '$ first\r'],
      [1_010_000, '\r\n\x1b[31mred\x1b[0m abx\bc\r\n'],
      [1_200_000, 'end\r\n'],
      [1_200_001, '$ and the next prompt'],
      [1_300_000, 'between\r\n'],
      [2_010_000, 'second\r\n'],
      [2_300_000, 'after\r\n'],
    ]);
    assert.deepEqual(await of(1), { text: 'red abc\nend\n', isCut: false });
    assert.deepEqual(await of(2), { text: 'second\n', isCut: false });
    assert.deepEqual(await of(3), { text: '', isCut: false });
  });

  it('begins and ends with the marks that count, and leaves out nothing between them', async () => {
    const [begun, end] = ['\x1b]633;C;n0nce\x07', '\x1b]633;D;0;n0nce\x07'];
    const forged = '\x1b]633;D;0\x07';
    const of = at('shell', [
      [1_010_000, `one\r\n${end}$ `],
      [1_100_000, `hidden?${begun}`],
      [1_200_000, `two${forged}three\r\n${end}\x1b]633;A\x07$ `],
    ]);
    assert.deepEqual(await of(1), { text: 'one\n$ hidden?twothree\n', isCut: false });
    const early = at('shell', [
      [1_010_000, 'what was'],
      [1_010_000, ` typed\r\n${begun}one\r\n${begun}two\r\n`],
      [1_200_000, end],
    ]);
    assert.deepEqual(await early(1), { text: 'one\ntwo\n', isCut: false });
    const late = at('shell', [
      [1_200_300, 'one\r\n'],
      [1_200_400, `two\r\n${end}$ `],
      [1_200_500, 'typed'],
    ]);
    assert.deepEqual(await late(1), { text: 'one\ntwo\n', isCut: false });
    const other = at('exec', [[1_200_000, `two${forged}three\r\n`]]);
    assert.deepEqual(await other(1), { text: 'twothree\n', isCut: false });
  });

  it('says so when there is more than is sent', async () => {
    const line = `${'x'.repeat(99)}\r\n`;
    const of = at('exec', [[1_010_000, line.repeat(MAX_OUTPUT_CHARACTERS / 100 + 9)]]);
    const { isCut, text } = await of(1);
    assert.equal(isCut, true);
    assert.equal(text.length, MAX_OUTPUT_CHARACTERS);
  });

  it('starts at the last keyframe, not at the beginning', async () => {
    const before = 'x'.repeat(200_000);
    const filler = Array.from({ length: 30 }, (_, n) => [n * 20_000, before] as const);
    const recordings = new FakeRecordings();
    const kept = keptSession(1, COMMANDS, { kind: 'exec' });
    const events = [...filler, [1_010_000, 'here\r\n'] as const].map(([atUs, text]) => ({
      atUs,
      code: 'o' as const,
      text,
    }));
    recordings.add({ ...kept, events });
    const places = await recordings.keyframePlaces(kept.view.id);
    assert.ok(places.length > 0);
    const first = COMMANDS[0] ?? commandView(1);
    const { text } = await commandOutput(recordings, kept.view, first.seq);
    assert.equal(text, 'here\n');
    assert.ok(recordings.eventsRead < events.length, String(recordings.eventsRead));
  });

  it('is for who may read the session, as text, and nothing for other numbers', async () => {
    const world = await startHttpWorld();
    try {
      world.recordings.add(keptSession(1, COMMANDS));
      const { view } = world.recordings.kept[0] ?? keptSession(1, []);
      const ask = (seq: string, who = people.audrey) =>
        world.fetch(`/api/v1/sessions/${view.id}/commands/${seq}/output`, who);
      const answer = await ask('2');
      assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/);
      assert.match(await answer.text(), /output of 2/);
      assert.equal((await ask('2', people.uma)).status, 404);
      for (const seq of ['9', '0', '-1', '1e1', 'x']) assert.equal((await ask(seq)).status, 404);
    } finally {
      await world.close();
    }
  });
});
