/** What fails at random moments under load takes nothing with it: see `test/faults/main.ts` for the long form. */
import assert from 'node:assert/strict';
import { verifyAll } from '../faults/checks.ts';
import { FAULTS, randomFrom, roundLine, runRound, SHORT } from '../faults/rounds.ts';
import { type FaultScene, openFaultScene } from '../faults/scene.ts';

const SEED = 20261121;
/** A whole round on a busy machine. */
const ROUND_TIMEOUT_MS = 240_000;

describe('faults under load', () => {
  let scene: FaultScene;
  const random = randomFrom(SEED);

  before(async function () {
    this.timeout(ROUND_TIMEOUT_MS);
    scene = await openFaultScene();
  });
  after(async function () {
    this.timeout(ROUND_TIMEOUT_MS);
    await scene[Symbol.asyncDispose]();
  });

  for (const [index, fault] of FAULTS.entries()) {
    it(`${fault}: all that clients and targets got is in the record, and it goes on`, async function () {
      this.timeout(ROUND_TIMEOUT_MS);
      const round = index + 1;
      const result = await runRound({ scene, round, fault, random, effort: SHORT });
      assert.deepEqual(result.faults, [], `${roundLine(result)}\n${scene.logs().slice(-4000)}`);
      assert.ok(result.sessions > 0, roundLine(result));
      if (fault === 'kill the bastion' || fault === 'kill both') {
        assert.ok(result.failedSessions > 0, roundLine(result));
      }
    });
  }

  it('leaves every chain and signature intact', async function () {
    this.timeout(ROUND_TIMEOUT_MS);
    assert.deepEqual(await verifyAll(scene), []);
  });
});
