/** People who sign in with the key of a security token, which an agent holds for the real ssh. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createToken,
  startAgent,
  TOKEN_TYPES,
  TOUCHED,
  VERIFIED,
  type SecurityToken,
} from '../ssh/support/security-token.ts';
import { programEnvironment, type ProgramResult } from '../support/program.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startBastion, type Bastion } from '../support/world.ts';

interface Event {
  readonly type: string;
  readonly principal: string | null;
  readonly data: { readonly refusedKeys?: readonly { readonly why: string }[] };
}

for (const type of TOKEN_TYPES) {
  describe(`e2e: a security token with ${type}`, () => {
    const tokens = {
      ann: createToken(type),
      hands: createToken(type),
      pin: createToken(type),
    };
    let folder: string;
    let bastion: Bastion;

    before(async () => {
      folder = await temporaryFolder();
      const configuration = join(folder, 'bastion.yaml');
      await writeFile(
        configuration,
        `principals:
  - {name: ann, kind: human, keys: ["${tokens.ann.publicLine}"]}
  - {name: hands, kind: agent, owner: ann, keys: ["no-touch-required ${tokens.hands.publicLine}"]}
  - {name: pin, kind: human, keys: ["verify-required ${tokens.pin.publicLine}"]}
`,
      );
      bastion = await startBastion({ env: { SALLYPORT_CONFIG: configuration } });
    });
    after(async () => {
      await bastion[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    /** `ssh` with the token's key; the agent signs with these flags. */
    async function signIn(token: SecurityToken, flags: number): Promise<ProgramResult> {
      const socket = join(folder, 'agent');
      const file = join(folder, 'token.pub');
      await writeFile(file, `${token.publicLine}\n`, { mode: 0o600 });
      await using agent = await startAgent(socket, token);
      assert.ok(agent !== null);
      token.flags = flags;
      const { host, port } = bastion.run.ssh;
      const args = ['-p', String(port), '-i', file, '-o', 'IdentitiesOnly=yes'].concat([
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        `UserKnownHostsFile=${folder}/known_hosts`,
      ]);
      const env = programEnvironment({ SSH_AUTH_SOCK: socket });
      return await ssh({ host: `x@${host}`, args, env }, 'whoami');
    }

    async function lastFailure(): Promise<string | undefined> {
      const { stdout } = await bastion.cli('journal', 'tail', '--json', '--limit', '20');
      const events = stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Event);
      return events.findLast(({ type: kind }) => kind === 'auth.failed')?.data.refusedKeys?.at(-1)
        ?.why;
    }

    for (const [who, flags] of [
      ['ann', TOUCHED],
      ['ann', TOUCHED | VERIFIED],
      ['hands', 0],
      ['hands', TOUCHED],
      ['pin', TOUCHED | VERIFIED],
    ] as const) {
      it(`lets ${who} in with flags ${flags}`, async () => {
        const { status, stdout, stderr } = await signIn(tokens[who], flags);
        assert.match(stdout.toString(), new RegExp(`^${who} `), stderr);
        assert.equal(status, 0);
      });
    }

    for (const [who, flags, why] of [
      ['ann', 0, /not touched/],
      ['ann', VERIFIED, /not touched/],
      ['pin', TOUCHED, /PIN/],
      ['pin', 0, /not touched/],
    ] as const) {
      it(`keeps ${who} out with flags ${flags}, and journals why`, async () => {
        const { status, stderr } = await signIn(tokens[who], flags);
        assert.equal(status, 255);
        assert.match(stderr, /Permission denied \(publickey\)/);
        assert.match((await lastFailure()) ?? '', why);
      });
    }

    it('keeps out what was signed for a web site', async () => {
      tokens.ann.application = 'https://example.com';
      assert.equal((await signIn(tokens.ann, TOUCHED)).status, 255);
      tokens.ann.application = 'ssh:';
      assert.equal((await signIn(tokens.ann, TOUCHED)).status, 0);
    });
  });
}
