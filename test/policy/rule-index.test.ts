/**
 * The index is a short way to what comparing every command with every pattern gives. The long way is
 * written out here, and both must agree on every line of the case files.
 */
import { deepEqual, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

import { fitCommand } from '../../server/policy/command-fit.ts';
import { effectsOf } from '../../server/policy/effects.ts';
import { invocationOf } from '../../server/policy/invocation.ts';
import { fitPath } from '../../server/policy/path-pattern.ts';
import {
  strongest,
  weakest,
  type Fit,
  type Policy,
  type Rule,
} from '../../server/policy/policy.ts';
import { fitRule, indexOf, judgementOf, placesOf } from '../../server/policy/rule-index.ts';
import type { ResolvedCommand } from '../../server/shell/command.ts';
import { readShell } from '../../server/shell/read.ts';
import { policyOf } from './support.ts';

const CASES = new URL('../cases/policy/', import.meta.url);

function commandsOf(name: string): string[] {
  const text = readFileSync(new URL(name, CASES), 'utf8').trim();
  return text.split('\n').map((line) => (JSON.parse(line) as { command: string }).command);
}

const corpus = parse(readFileSync(new URL('corpus.yaml', CASES), 'utf8')) as {
  policies: { corpus: object };
};

const POLICIES: Readonly<Record<string, Policy>> = {
  'of the corpora': policyOf(corpus.policies.corpus),
  'with every pack': policyOf({
    use: ['power', 'credentials', 'wipe', 'exfiltration', 'persistence'],
  }),
  'with open patterns': policyOf({
    rules: [
      { name: 'any', action: 'deny', match: { command: ['* -rf *', 'r? /data', 'kubectl exec'] } },
      {
        name: 'both',
        action: 'hold',
        match: { command: ['[cm]*', 'rm'], path: ['/data', '~/**'] },
      },
      { name: 'below', action: 'deny', match: { path: ['**/shadow', '/d*/x', '/'] } },
      { name: 'run', action: 'hold', match: { path: ['/usr/bin/r?'], access: ['execute'] } },
      { name: 'home', action: 'deny', match: { path: ['~', '~/x', '/home/*/.ssh/**'] } },
    ],
  }),
};

/** Every pattern with everything. */
function plainFit({ match }: Rule, command: ResolvedCommand): Fit {
  const invocation = invocationOf(command);
  let fit: Fit = match.sql === null ? 'yes' : 'no';
  if (match.commands !== null) {
    const fits = match.commands.map((pattern) => fitCommand(pattern, invocation));
    fit = weakest(fit, fits.reduce<Fit>(strongest, 'no'));
  }
  if (match.paths !== null) {
    let reached: Fit = 'no';
    for (const effect of invocation.informs ? [] : effectsOf(command, invocation.program)) {
      if (![...effect.access].some((access) => match.access.has(access))) continue;
      for (const path of placesOf(effect, command.directories)) {
        for (const pattern of match.paths) reached = strongest(reached, fitPath(pattern, path));
      }
    }
    fit = weakest(fit, reached);
  }
  return fit;
}

const WORDS =
  '/ // /.. /data /data/ /data/../etc/shadow /./data /proc/self/root/data /proc/1/cwd/x ~ ~/x ~root/x ~bob/.ssh/id x ./x ../x ../../data .. . /da* /d?ta /[de]* /*/x */x * /usr/bin/rm /usr/../data /usr//bin $X $X/data /data/$X /da$X /usr/.$X /usr/.? /usr/@(..)/data {/data,/etc}/x /@(data|etc)/x "" a..b /data..'.split(
    ' ',
  );
const BEFORE = [
  '',
  'cd /; ',
  'cd /data; ',
  'cd "$X"; ',
  'cd ..; ',
  'cd x; ',
  'cd ~bob; ',
  'cd /tmp; ',
];

describe('the index of rules', () => {
  for (const [name, policy] of Object.entries(POLICIES)) {
    it(`finds what the long way finds: a policy ${name}`, () => {
      const index = indexOf(policy);
      const lines = [...commandsOf('bypass.jsonl'), ...commandsOf('benign.jsonl')];
      for (const before of BEFORE) {
        for (const word of WORDS)
          lines.push(`${before}rm -rf ${word}`, `${before}cat <${word}; zz ${word}`);
      }
      let compared = 0;
      for (const line of lines) {
        for (const command of readShell(line).commands) {
          const subject = { resolved: command, statement: null, invocation: null, effects: null };
          const judgement = judgementOf(index, false, () => 'yes');
          const short = index.rules.map((rule) => fitRule(judgement, rule, subject));
          deepEqual(
            short,
            policy.rules.map((rule) => plainFit(rule, command)),
            line,
          );
          compared++;
        }
      }
      ok(compared > 1_000);
    });
  }

  it('gives no answer but "maybe" to what is more than it compares', () => {
    const policy = POLICIES['with every pack'];
    ok(policy !== undefined);
    const index = indexOf(policy);
    const judgement = judgementOf(index, false, () => 'yes');
    const [command] = readShell(`rm ${'/[ab][ab][ab][ab][ab]x '.repeat(1_500)}`).commands;
    ok(command !== undefined);
    const subject = { resolved: command, statement: null, invocation: null, effects: null };
    const fits = index.rules.map((rule) => fitRule(judgement, rule, subject));
    ok(judgement.comparisonsLeft < 0);
    ok(fits.includes('maybe'));
  });
});
