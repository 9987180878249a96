/** Tests that clients give through the bastion, and through a jump, what they give without a bastion. */
import assert from 'node:assert/strict';
import type { SessionView } from '../../server/http/ports.ts';
import { CHECKS, compareWays, tryCheck, type CheckName, type Client, type Facts } from './check.ts';
import { CLIENT_TIMEOUT_MS, leftOnBastion } from './program-run.ts';
import { openScene, type Scene, type Way } from './scene.ts';
import { WAY_NAMES } from './table.ts';

const MEGABYTE = 1024 * 1024;
/** What is moved: by the clients that move most in the world, and by the others. */
const BULK_BYTES = 20 * MEGABYTE;
const SMALLER_BYTES = 4 * MEGABYTE;
const MAX_PAGES = 100;
/** The check that takes longest. */
export const MANY_FILES = '10,000 files' satisfies CheckName;

export function testClients(title: string, clients: readonly Client[]): void {
  describe(title, function () {
    this.timeout(2 * CLIENT_TIMEOUT_MS);
    this.slow(30_000);
    let scene: Scene;

    before(async () => {
      scene = await openScene();
    });
    after(() => scene[Symbol.asyncDispose]());

    for (const client of clients) {
      describe(client.name, () => {
        let missing: string | null = null;

        before(async () => {
          missing = (await client.missing?.(scene)) ?? null;
        });

        for (const check of CHECKS.filter((name) => client.checks[name] !== undefined)) {
          let plain: Facts | null = null;
          for (const way of ['bastion', 'jump'] as const) {
            it(`${check}: ${WAY_NAMES[way]} as without a bastion`, async () => {
              if (missing !== null) {
                assert.equal(missing, 'no FUSE here');
                return;
              }
              const isUnsteady = client.unsteady?.includes(check) ?? false;
              const tryWay = (one: Way): Promise<Facts> => tried(client, check, one);
              const compared = await compareWays(plain, tryWay, way, isUnsteady);
              plain = compared.plain;
              assert.deepEqual(compared.differences, []);
            });
          }
        }
      });
    }

    function tried(client: Client, check: CheckName, way: Way): Promise<Facts> {
      return tryCheck(scene, client, check, way, client.isBulk ? BULK_BYTES : SMALLER_BYTES);
    }

    // Mocha runs the tests of a suite before the suites in it.
    describe('afterwards', () => {
      it('has sealed every session, and every recording is whole', async () => {
        assert.equal(await leftOnBastion(scene), '');
        const sessions: SessionView[] = [];
        let cursor: string | null = null;
        for (let page = 0; page < MAX_PAGES; page += 1) {
          const rest: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
          const answer = JSON.parse(await scene.api.get(`sessions?limit=200${rest}`)) as {
            items: SessionView[];
            next: string | null;
          };
          sessions.push(...answer.items);
          cursor = answer.next;
          if (cursor === null) break;
        }
        assert.equal(cursor, null, 'more sessions than this test looks at');
        assert.ok(sessions.length > clients.length, `${sessions.length} sessions`);
        const open = sessions.filter(
          ({ status, recording }) => status === 'active' || !recording.complete,
        );
        assert.deepEqual(
          open.map(({ id, kind, status }) => `${id} ${kind} ${status}`),
          [],
        );
        const verified = await scene.bastion.cli('verify', '--all');
        assert.equal(verified.status, 0, verified.stdout.slice(-2000));
      });
    });
  });
}
