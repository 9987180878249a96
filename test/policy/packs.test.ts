import { ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { judge } from '../../server/policy/judge.ts';
import { PACKS } from '../../server/policy/packs.ts';
import { FACTS, policyOf } from './support.ts';

const ROWS = readFileSync(new URL('../cases/policy/packs.txt', import.meta.url), 'utf8').split(
  '\n',
);

describe('the rule packs', () => {
  const tried = new Map<string, { stopped: number; passed: number }>();
  let pack = '';
  for (const row of ROWS.filter((line) => line !== '' && !line.startsWith('#'))) {
    const found = /^ {2}([!-]) (.*)$/.exec(row);
    if (found === null) {
      pack = row;
      tried.set(pack, { stopped: 0, passed: 0 });
      continue;
    }
    const [, sign = '', text = ''] = found;
    const name = pack;
    const count = tried.get(name) ?? { stopped: 0, passed: 0 };
    const isStopped = sign === '!';
    if (isStopped) count.stopped++;
    else count.passed++;
    it(`${name}: ${isStopped ? 'stops' : 'lets pass'} ${text}`, () => {
      const policy = policyOf({ use: [name], uncertain: 'allow' });
      const { verdict, rule } = judge(policy, FACTS, { text, language: 'shell' });
      ok((verdict !== 'allow') === isStopped, `${verdict} by ${rule}`);
    });
  }

  it('are all tried with lines that they stop and lines that they let pass', () => {
    for (const name of PACKS.keys()) {
      const { stopped, passed } = tried.get(name) ?? { stopped: 0, passed: 0 };
      ok(stopped >= 15 && passed >= 15, `${name}: ${stopped}, ${passed}`);
    }
  });
});
