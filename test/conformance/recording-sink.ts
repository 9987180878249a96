/** What every RecordingSink promises: the same suite for the real one and for stand-ins. */
import assert from 'node:assert/strict';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import type { RecordingSink } from '../../server/session/ports.ts';
import { decidedCommand, sessionStart } from '../support/recording-world.ts';

export interface SinkUnderTest {
  readonly sink: RecordingSink;
  /** What of a session can be read after its end. */
  recorded(sessionId: string): Promise<{
    readonly events: readonly RecordedEvent[];
    readonly commands: readonly { readonly seq: number; readonly text: string }[];
    readonly status: 'active' | 'closed' | 'failed';
    readonly exitStatus: number | null;
    readonly bytesOut: number;
  }>;
  close(): Promise<void>;
}

const END = {
  atUs: 9,
  status: 'closed',
  exitStatus: 0,
  bytesOut: 7,
  why: 'the command ended',
} as const;

export function itIsARecordingSink(name: string, open: () => Promise<SinkUnderTest>): void {
  describe(`${name} as a recording sink`, () => {
    let subject: SinkUnderTest;
    beforeEach(async () => {
      subject = await open();
    });
    afterEach(() => subject.close());

    it('keeps every event in the order of calls, whatever its kind', async () => {
      const start = sessionStart();
      const recording = await subject.sink.begin(start);
      const events: readonly RecordedEvent[] = [
        { atUs: 0, code: 'o', text: 'h\u00e9llo\r\n\u001b[0m\u0000' },
        { atUs: 1, code: 'b', base64: '/w==' },
        { atUs: 1, code: 'o', text: '\ufffd' },
        { atUs: 2, code: 'r', cols: 132, rows: 43 },
        { atUs: 3, code: 'm', label: 'ls' },
        { atUs: 4, code: 'x', status: '0' },
      ];
      await Promise.all(events.map((event) => recording.append(event)));
      await recording.end(END);
      const recorded = await subject.recorded(start.id);
      assert.deepEqual(recorded.events, events);
      assert.equal(recorded.status, 'closed');
      assert.equal(recorded.exitStatus, 0);
      assert.equal(recorded.bytesOut, 7);
    });

    it('keeps commands, also the empty recording of a session without output', async () => {
      const start = sessionStart();
      const recording = await subject.sink.begin(start);
      await recording.decided(decidedCommand(1, { text: 'rm -rf /' }));
      await recording.decided(decidedCommand(2, { text: 'ls \u{1f600}' }));
      recording.commandEnded(2, { outputFromUs: 1, outputToUs: 2, exitStatus: 0 });
      await recording.end({ ...END, status: 'failed', exitStatus: null });
      const recorded = await subject.recorded(start.id);
      assert.deepEqual(recorded.events, []);
      assert.deepEqual(
        recorded.commands.map(({ seq, text }) => [seq, text]),
        [
          [1, 'rm -rf /'],
          [2, 'ls \u{1f600}'],
        ],
      );
      assert.equal(recorded.status, 'failed');
      assert.equal(recorded.exitStatus, null);
    });

    it('keeps sessions apart that run at the same time', async () => {
      const starts = [sessionStart(), sessionStart(), sessionStart()];
      await Promise.all(
        starts.map(async (start) => {
          const recording = await subject.sink.begin(start);
          for (let n = 0; n < 50; n += 1) {
            await recording.append({ atUs: n, code: 'o', text: `${start.id} ${n}` });
          }
          await recording.end(END);
        }),
      );
      for (const start of starts) {
        const { events } = await subject.recorded(start.id);
        assert.deepEqual(
          events.map((event) => event.code === 'o' && event.text),
          Array.from({ length: 50 }, (_, n) => `${start.id} ${n}`),
        );
      }
    });

    it('refuses events and commands after the end', async () => {
      const recording = await subject.sink.begin(sessionStart());
      await recording.end(END);
      const late = { atUs: 10, code: 'o', text: 'late' } as const;
      await assert.rejects(recording.append(late), { code: 'recording.failed' });
      await assert.rejects(recording.decided(decidedCommand(1)), { code: 'recording.failed' });
    });

    it('refuses a second session with the same id', async () => {
      const start = sessionStart();
      const recording = await subject.sink.begin(start);
      await assert.rejects(subject.sink.begin(start), { code: 'recording.failed' });
      await recording.end(END);
    });
  });
}
