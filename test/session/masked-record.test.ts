import assert from 'node:assert/strict';
import { compilePolicy } from '../../server/policy/document.ts';
import { maskedPorts, tallyOf } from '../../server/session/masked-record.ts';
import { begin, fakeWorld } from '../support/session-fakes.ts';

const MASKS = [{ name: 'ticket', pattern: 'TICKET-[0-9]{6}' }];
const DECISION = {
  verdict: 'allow',
  certainty: 'exact',
  rule: null,
  reason: null,
  deciding: null,
  commands: [],
  approvers: [],
} as const;

describe('what was masked in a session', () => {
  async function recorded() {
    const world = fakeWorld();
    const compiled = compilePolicy('own', { default: 'allow', masks: MASKS });
    if (compiled.kind === 'invalid') throw new Error(JSON.stringify(compiled.problems));
    const { policy } = compiled;
    const { approvals, recordings } = world.dependencies;
    const policies = { byName: () => Promise.resolve({ version: 1, policy }) };
    const masked = maskedPorts({ approvals, recordings }, policies);
    const dependencies = { ...world.dependencies, recordings: masked.recordings };
    const { recording } = await begin({ ...world, dependencies });
    const tally = tallyOf(recording);
    assert.ok(tally);
    const read = (seq: number, atUs: number, text: string) =>
      recording.decided({ seq, atUs, text, certainty: 'observed', decision: DECISION });
    const ended = (seq: number, outputFromUs: number, outputToUs: number) =>
      recording.commandEnded(seq, { outputFromUs, outputToUs, exitStatus: 0 });
    const counts = async (): Promise<(number | undefined)[]> => {
      const end = {
        atUs: 9_000_000,
        status: 'closed',
        exitStatus: 0,
        bytesOut: 0,
        why: 'x',
      } as const;
      await recording.end(end);
      return world.steps.flatMap((step) => (step.step === 'ended' ? [step.masked] : []));
    };
    return { tally, read, ended, counts };
  }

  it('counts to a command what was held back at its end', async () => {
    const { counts, ended, read, tally } = await recorded();
    await read(1, 100_000, 'cat one');
    ended(1, 110_000, 200_000);
    tally.masked(1, 290_000);
    assert.deepEqual(await counts(), [1]);
  });

  it('counts nothing of the command that follows at once', async () => {
    const { counts, ended, read, tally } = await recorded();
    await read(1, 100_000, 'sleep 1');
    ended(1, 110_000, 417_000);
    await read(2, 432_000, 'echo TICKET-123456');
    tally.masked(1, 441_000);
    tally.masked(2, 442_000);
    ended(2, 442_000, 443_000);
    assert.deepEqual(await counts(), [0, 2]);
  });
});
