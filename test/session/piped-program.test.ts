import { equal } from 'node:assert/strict';
import { InputQueue } from '../../server/session/input-queue.ts';
import { pipedProgram } from '../../server/session/piped-program.ts';
import type { InputUnit, OutputUnit } from '../../server/session/ports.ts';
import { FakeEnd, request } from '../support/session-fakes.ts';
import { runInput } from '../support/running-session.ts';

function programOf(command: string, ...units: readonly InputUnit[]): Promise<string | null> {
  const end = new FakeEnd<InputUnit, OutputUnit>();
  end.send(...units);
  return pipedProgram(request('exec', command), new InputQueue(end, 256 * 1024, false));
}

function data(text: string): InputUnit {
  return { kind: 'data', bytes: Buffer.from(text) };
}

const EOF: InputUnit = { kind: 'eof' };

describe('a program that is piped to an interpreter', () => {
  for (const command of [
    'python3',
    '/usr/bin/python3.11',
    "/bin/sh -c '/usr/bin/python3 && sleep 0'",
    `/bin/sh -c 'sudo -H -S -n  -u root /bin/sh -c '"'"'echo BECOME-SUCCESS-x ; /usr/bin/python3'"'"' && sleep 0'`,
  ]) {
    it(`is known where it comes whole: ${command}`, async () => {
      equal(await programOf(command, data('print('), data('1)\n'), EOF), 'print(1)\n');
    });
  }

  for (const command of [
    'head -1; python3',
    'python3; sh',
    'python3 x.py; python3',
    'read line; python3',
    './unknown; python3',
    'cat | python3',
    'python3 | sh',
    'python3 x.py',
    "python3 -c 'print(1)'",
    'python3 -m x',
    'sh',
  ]) {
    it(`is not known where another one may take a part, or none is read: ${command}`, async () => {
      equal(await programOf(command, data('print(1)\n'), EOF), null);
    });
  }

  it('is not known where it is long, is no text, or the client leaves', async () => {
    equal(await programOf('python3', data('#'.repeat(8_193)), EOF), null);
    equal(await programOf('python3', { kind: 'data', bytes: Buffer.from([0xff]) }, EOF), null);
    equal(await programOf('python3', data('print(1)\n'), { kind: 'close' }), null);
    equal(await programOf('python3', data('a'), { kind: 'signal', name: 'INT' }, EOF), null);
  });

  it('is judged with the command, and goes up as it came', async () => {
    const good = Buffer.from('print(1)\n');
    const run = await runInput('python3', good);
    equal(run.sent.toString(), good.toString());
    equal(run.verdicts.join(), 'allow');
    const bad = await runInput('python3', Buffer.from("import os\nos.system('rm -rf /data/db')\n"));
    equal(bad.verdicts.join(), 'deny:no-wipe');
    equal(bad.sent.length, 0);
    const unread = await runInput('python3', Buffer.from('exec(input())\n'));
    equal(unread.verdicts.join(), 'hold');
    equal(unread.sent.length, 0);
  });
});
