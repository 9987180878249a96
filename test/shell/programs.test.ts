/**
 * Ways to a denied command through other programs, their harmless look-alikes, and how what was reached
 * is shown. The lines are judged under the policy of the corpora.
 */
import { deepEqual, equal, ok } from 'node:assert/strict';
import type { Decision } from '../../server/policy/decision.ts';
import { readShell } from '../../server/shell/read.ts';
import {
  caseLines,
  decide,
  isRight,
  show,
  type DecidedLine,
  type RulesByIntent,
} from '../policy/case-lines.ts';

/** The rules that name each intent. */
const RULES: RulesByIntent = {
  'rm -rf /data': ['no-wipe', 'pods'],
  'cat /etc/shadow': ['shadow', 'pods'],
  shutdown: ['power', 'sysrq'],
  'DROP DATABASE': ['no-drop', 'no-dropdb', 'pods'],
  'kubectl exec': ['pods'],
};

const routes = caseLines('policy/routes.jsonl');
const decided = routes.map((route): DecidedLine => [route, decide(route)]);
const classes = [...new Set(routes.map((route) => route.class))];

function table(): string {
  const rows = classes.map((name) => {
    const own = decided.filter(([route]) => route.class === name);
    const count = (verdict: Decision['verdict']) =>
      own.filter(([, decision]) => decision.verdict === verdict).length;
    const cells = [own.length, count('deny'), count('hold'), count('allow')];
    return `      ${name.padEnd(18)}${cells.map((cell) => String(cell).padStart(7)).join('')}`;
  });
  return [`      ${'class'.padEnd(18)}  lines   deny   hold  allow`, ...rows].join('\n');
}

describe('ways to a command through other programs', () => {
  before(() => console.log(table()));

  it('has at least 250 of them in 14 classes', () => {
    ok(routes.length >= 250);
    equal(classes.length, 14);
    equal(new Set(routes.map(({ id }) => id)).size, routes.length);
  });

  for (const name of classes) {
    it(`decides every line of class ${name} as it should be`, () => {
      const wrong = decided.filter(
        ([route, decision]) => route.class === name && !isRight(route, decision, RULES),
      );
      deepEqual(show(wrong), []);
    });
  }
});

/** The commands that were reached, each with the wrappers passed. */
function reached(text: string): readonly (readonly [text: string, ...via: string[]])[] {
  return readShell(text).commands.map((command) => [command.text, ...command.via]);
}

describe('what is shown of a command that was reached', () => {
  const unknown: readonly (readonly [line: string, shown: string])[] = [
    ['eval "$(date)"', '…'],
    ['sh -c "$X"', '…'],
    [`sh -c "cat '$F'"`, "cat '…'"],
    ['sh -c "ls $A $B"', 'ls … …'],
    ['ssh h "tail $F"', 'tail …'],
    ['xargs -I{} sh -c "ls {}" < x', 'ls …'],
    ['parallel wc -l {}', 'wc -l …'],
  ];
  for (const [line, shown] of unknown) {
    it(`reads ${shown} in place of the unknown parts of ${line}`, () => {
      const reading = readShell(line);
      equal(reading.commands.at(-1)?.text, shown);
      const words = reading.commands.flatMap(({ argv }) => argv ?? []);
      const whys = reading.uncertain.map(({ why }) => why);
      ok(![...words, ...whys].some((text) => text.includes('SALLYPORT')));
    });
  }

  it('gives no reason with a name that nobody wrote', () => {
    const line = { id: '', class: '', command: 'eval "$(date)"', expect: 'opaque' } as const;
    const decision = decide(line);
    equal(decision.verdict, 'hold');
    ok(!(decision.reason ?? '').includes('SALLYPORT'));
  });

  it('names each wrapper on the way', () => {
    deepEqual(reached("lxc exec c -- sudo -iu a nice -n 5 sh -c 'exec reboot'").at(-1), [
      'reboot',
      'lxc exec',
      'sudo',
      'nice',
      'sh -c',
      'exec',
    ]);
  });
});

describe('options of wrappers', () => {
  const same: readonly (readonly [line: string, command: string])[] = [
    ['timeout --sig KILL 5 reboot', 'reboot'],
    ['timeout --kill 5 5 reboot', 'reboot'],
    ['sudo --us root reboot', 'reboot'],
    ['stdbuf --out L reboot', 'reboot'],
    ['chroot --skip-chdir /mnt reboot', 'reboot'],
    ['systemd-run -t --uid 0 reboot', 'reboot'],
    ['strace -A -o x reboot', 'reboot'],
    ['nsenter --target 1 --wd=/x reboot', 'reboot'],
    ['bwrap --setenv A B --bind / / reboot', 'reboot'],
    ['nomad alloc exec -task web a1 reboot', 'reboot'],
    ['lxc exec c find / -- -x', 'find / -- -x'],
    ['su root -- -c reboot', 'reboot'],
    ['sudo -i psql -c "drop table x"', 'psql -c drop\\ table\\ x'],
  ];
  for (const [line, command] of same) {
    it(`finds ${command} behind ${line}`, () => {
      equal(reached(line).at(-1)?.[0], command);
    });
  }

  it('takes the words of an unknown program for a command only where they look like one', () => {
    equal(reached('frobnicate -v 3 sudo reboot').at(-1)?.[0], 'reboot');
    equal(reached('frobnicate report reboot').length, 1);
    equal(reached('grep -r sudo reboot now').length, 1);
  });

  it('holds nothing against a command that is only supposed to run', () => {
    deepEqual(readShell('frobnicate sh -c "$X"').uncertain, []);
    equal(
      readShell('frobnicate sudo ls')
        .commands.slice(1)
        .every(({ carries }) => carries),
      true,
    );
  });
});
