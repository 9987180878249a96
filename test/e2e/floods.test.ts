/**
 * Whatever a target prints, through a real bastion and a real sshd: the lines behind it are decided, the
 * session lives on, another one goes on beside it, and memory is bounded.
 */
import assert from 'node:assert/strict';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FLOODS, floodBytes } from '../support/floods.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { sshInteractive, type Terminal } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: hold
    holdTimeout: 20s
    rules:
      - {name: no-wipe, action: deny, match: {path: ["/data/**"], access: [delete]}, reason: "production data"}
`;
const PROMPT = 'READY> ';
const FLOOD_BYTES = 256 * 1024;
const LONG_FLOOD_BYTES = 2 * 1024 * 1024;
const MEMORY_BYTES = 400 * 1024 * 1024;
const TIMEOUT_MS = 60_000;
/** The others are in the tests of the reader. */
const NAMES = [
  'random bytes',
  'wide characters at the margin',
  'an image without an end',
  'a clipboard without an end',
  'zmodem',
  'the other screen',
  'prompts',
  'filling',
  'repeating',
  'tabs',
  'modes',
];

describe('e2e: hostile output', function () {
  this.timeout(300_000);
  let folder: string;
  let real: RealTarget;
  let other: Terminal;
  let turn = 0;

  before(async () => {
    folder = await temporaryFolder();
    real = await startRealTarget(folder, POLICIES);
    other = await shell();
  });
  after(async () => {
    await other.close();
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function shell(): Promise<Terminal> {
    const terminal = sshInteractive({ config: real.sshConfig, host: 'person' });
    await terminal.expect(/[$#] /, TIMEOUT_MS);
    terminal.type("PS1='READ''Y> '\r");
    await terminal.expect(PROMPT, TIMEOUT_MS);
    return terminal;
  }

  /** The other session answers, whatever this one does. */
  async function assertAlive(): Promise<void> {
    turn += 1;
    other.type(`echo ali''ve-${turn}\r`);
    await other.expect(`alive-${turn}`, TIMEOUT_MS);
    await other.expect(PROMPT, TIMEOUT_MS);
  }

  /** A line that a rule denies is refused, or held because nothing is certain; it never runs. */
  async function assertGuarded(terminal: Terminal): Promise<void> {
    const marker = join(folder, `ran-${turn}`);
    terminal.type(`touch ${marker}; rm -rf /data/x\r`);
    const said = await terminal.expect(/sallyport: denied|waiting for approval \w+ /, TIMEOUT_MS);
    if (said.includes('waiting')) {
      terminal.type('\u0003');
      await terminal.expect(/approval \w+ cancelled/, TIMEOUT_MS);
    }
    await assert.rejects(access(marker), 'it has not run');
  }

  async function residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${real.bastion.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  for (const flood of FLOODS.filter(({ name }) => NAMES.includes(name))) {
    it(`${flood.name}: the session lives on, and its lines are decided`, async () => {
      const file = join(folder, 'flood');
      // What was printed would be the end of a prompt's own string otherwise, and hide it from the test.
      await writeFile(file, Buffer.concat([floodBytes(flood, FLOOD_BYTES), Buffer.from('\n')]));
      const terminal = await shell();
      terminal.type(`cat ${file}; echo do''ne\r`);
      await assertAlive();
      await terminal.expect('done', TIMEOUT_MS);
      await terminal.expect(PROMPT, TIMEOUT_MS);
      await assertGuarded(terminal);
      await terminal.expect(PROMPT, TIMEOUT_MS);
      terminal.type('exit 7\r');
      const ended = await Promise.race([terminal.ended(TIMEOUT_MS), isHeld(terminal)]);
      assert.ok(ended === 'held' || ended.status === 7);
      await terminal.close();
    });
  }

  it('prints megabytes beside another session without keeping them', async () => {
    const file = join(folder, 'long');
    const lines = floodBytes({ name: '', tile: 'y\r\n' }, LONG_FLOOD_BYTES / 2);
    await writeFile(file, Buffer.concat([lines, Buffer.alloc(LONG_FLOOD_BYTES / 2, 'x')]));
    const before = await residentBytes();
    const terminal = await shell();
    terminal.type(`cat ${file}; echo; echo do''ne\r`);
    for (let n = 0; n < 5; n += 1) await assertAlive();
    await terminal.expect('done', TIMEOUT_MS);
    await terminal.expect(PROMPT, TIMEOUT_MS);
    await assertGuarded(terminal);
    assert.ok((await residentBytes()) - before < MEMORY_BYTES);
    await terminal.close();
  });

  it('is stopped by Ctrl-C', async () => {
    const terminal = await shell();
    terminal.type('yes\r');
    await terminal.expect('y\r\ny\r\ny', TIMEOUT_MS);
    await assertAlive();
    terminal.type('\u0003');
    await terminal.expect(PROMPT, TIMEOUT_MS);
    await assertGuarded(terminal);
    await terminal.close();
  });

  it('comes to no harm in a storm of sizes', async () => {
    const terminal = await shell();
    for (let n = 0; n < 1500; n += 1) {
      terminal.resize(1 + ((n * 7919) % 65_535), 1 + ((n * 104_729) % 65_535));
      if (n % 10 === 0) await sleep(1);
    }
    await assertAlive();
    terminal.resize(1, 1);
    await sleep(100);
    await assertGuarded(terminal);
    terminal.resize(90, 30);
    await sleep(1000);
    // Bash draws its prompt anew for the size, and once more for Ctrl-C.
    terminal.type('\u0003');
    await sleep(2000);
    terminal.type('stty size\r');
    await terminal.expect('30 90', TIMEOUT_MS);
    await terminal.close();
  });
});

async function isHeld(terminal: Terminal): Promise<'held'> {
  return terminal.expect('waiting for approval', TIMEOUT_MS).then(
    () => 'held' as const,
    () => new Promise<never>(() => {}),
  );
}
