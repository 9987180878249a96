/** The README's section on policies: every example in it is run. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

import { compilePolicy } from '../../server/policy/document.ts';
import { judge } from '../../server/policy/judge.ts';
import { PACKS } from '../../server/policy/packs.ts';
import { FACTS, judged, policyOf } from './support.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const SECTION = README.slice(
  README.indexOf('\n## Policies\n'),
  README.indexOf('\n## What it does not stop\n'),
);

function blocks(language: string): string[] {
  return [...SECTION.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(
    (found) => found[1] ?? '',
  );
}

function rows(head: string): string[][] {
  const lines = SECTION.split('\n');
  const start = lines.findIndex((line) => line.startsWith(head)) + 2;
  const end = lines.indexOf('', start);
  return lines.slice(start, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function documents(): Record<string, object> {
  const files = blocks('yaml').map((text) => parse(text) as { policies: Record<string, object> });
  return Object.assign({}, ...files.map(({ policies }) => policies)) as Record<string, object>;
}

describe('the README on policies', () => {
  it('has policies that compile, without a warning', () => {
    const found = Object.entries(documents());
    deepEqual(
      found.map(([name]) => name),
      ['default', 'narrow'],
    );
    for (const [name, document] of found) {
      const compiled = compilePolicy(name, document);
      ok(compiled.kind === 'ok', JSON.stringify(compiled));
      deepEqual(compiled.warnings(), []);
    }
  });

  const patterns = rows('| pattern |').map((row) => row.map((cell) => cell.replace(/^`|`$/g, '')));
  for (const [pattern = '', fits = '', other = ''] of patterns) {
    it(`says truly what ${pattern} fits`, () => {
      const decide = (text: string) => judged([{ match: { command: pattern } }], text).verdict;
      deepEqual([decide(fits), decide(other)], ['deny', 'allow']);
    });
  }

  it('lists the packs', () => {
    ok(patterns.length > 10);
    deepEqual(
      rows('| pack |').map(([name]) => name?.replaceAll('`', '')),
      [...PACKS.keys()],
    );
  });

  it('shows what policy test answers', () => {
    const [command = ''] = blocks('sh');
    const text = /'(.*)'\n$/.exec(command)?.[1] ?? '';
    const { verdict, certainty, rule, reason } = judge(
      policyOf(documents()['default'] ?? {}),
      FACTS,
      { text, language: 'shell' },
    );
    const answer = JSON.stringify({ id: 1, decision: verdict, certainty, rule, reason });
    equal(blocks('json')[0], `${answer.slice(0, -1)},"commands":[…]}\n`);
  });

  it('says truly what exempts and what wins', () => {
    const narrow = policyOf(documents()['narrow'] ?? {});
    const decide = (text: string) => judge(narrow, FACTS, { text, language: 'shell' }).verdict;
    deepEqual(
      ['ls -la', 'sudo systemctl status nginx', 'rm x', 'cat /etc/shadow', 'cat .env', '$X'].map(
        decide,
      ),
      ['allow', 'allow', 'deny', 'deny', 'deny', 'deny'],
    );
    const agents = policyOf(documents()['default'] ?? {});
    equal(judge(agents, FACTS, { text: 'systemctl stop x', language: 'shell' }).verdict, 'hold');
    const other = { ...FACTS, target: { name: 'web2', labels: {} } };
    equal(judge(agents, other, { text: 'systemctl stop x', language: 'shell' }).verdict, 'allow');
  });
});
