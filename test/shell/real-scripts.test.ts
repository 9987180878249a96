/**
 * The shell scripts of the machine that the test runs on, with `bash -n` as the judge: what bash accepts
 * must parse with every lazy part looked at, and what it refuses must be reported. A machine with few
 * scripts still has to get all of them right; one without bash says so and compares nothing.
 */
import { ok } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { forEachChild, type SyntaxNode } from 'unbash';

import { parseShell } from '../../server/shell/grammar.ts';
import { readShell } from '../../server/shell/read.ts';

const FOLDERS = [
  '/usr/bin',
  '/usr/sbin',
  '/bin',
  '/sbin',
  '/etc',
  '/usr/local',
  '/usr/lib',
  '/usr/share',
];
const MAX_FOLDERS = 6_000;
const MAX_SCRIPTS = 400;
const MAX_SCRIPT_BYTES = 200_000;
const MAX_TOTAL_BYTES = 3_000_000;
const MIN_SHARE = 0.999;

const SHEBANG = /^#!\s*(?:\S*\/)?(?:env\s+(?:-S\s+)?)?(?:\S*\/)?(?:sh|bash|dash)(?:\s|$)/;

function startOf(path: string): string {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(100);
    return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}

function scriptsOfThisMachine(): string[] {
  const scripts: string[] = [];
  const folders = [...FOLDERS];
  const seen = new Set<string>();
  let bytes = 0;
  for (let at = 0; at < folders.length && at < MAX_FOLDERS; at++) {
    const folder = folders[at] ?? '';
    try {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) folders.push(path);
        if (!entry.isFile()) continue;
        const { size, ino, dev } = statSync(path);
        const key = `${dev}:${ino}`;
        if (size < 10 || size > MAX_SCRIPT_BYTES || bytes + size > MAX_TOTAL_BYTES) continue;
        if (seen.has(key) || !SHEBANG.test(startOf(path))) continue;
        seen.add(key);
        scripts.push(path);
        bytes += size;
        if (scripts.length >= MAX_SCRIPTS) return scripts;
      }
    } catch {
      // A folder or file that can't be read here isn't a part of the sample.
    }
  }
  return scripts;
}

/** Everything that the grammar reports, in substitutions too. */
function complaintsOf(text: string): string[] {
  const parsed = parseShell(text);
  if (parsed.kind === 'refused') return [parsed.why];
  const complaints: string[] = [];
  const look = (node: SyntaxNode) => {
    if (node.type === 'Script' && 'errors' in node) {
      for (const { message, pos } of node.errors ?? []) complaints.push(`${message} at ${pos}`);
    }
    if ((node.type === 'CommandExpansion' || node.type === 'ProcessSubstitution') && !node.script) {
      complaints.push('a substitution without a script');
    }
    forEachChild(node, look);
  };
  look(parsed.script);
  return complaints;
}

describe('the scripts of this machine', () => {
  const hasBash = spawnSync('bash', ['-c', ':']).status === 0;
  const scripts = hasBash ? scriptsOfThisMachine() : [];
  const accepted: string[] = [];
  const refused: string[] = [];

  before(() => {
    for (const path of scripts) {
      const isAccepted = spawnSync('bash', ['-n', path], { stdio: 'ignore' }).status === 0;
      (isAccepted ? accepted : refused).push(path);
    }
  });

  it('parse when bash accepts them', () => {
    const wrong = accepted.flatMap((path) => {
      const [first] = complaintsOf(readFileSync(path, 'utf8'));
      return first === undefined ? [] : [`${path}: ${first}`];
    });
    const share = accepted.length === 0 ? 1 : 1 - wrong.length / accepted.length;
    const percent = (share * 100).toFixed(2);
    console.log(
      hasBash
        ? `      ${percent} % of ${accepted.length} scripts that bash accepts; ${refused.length} that it refuses`
        : '      there is no bash here to compare with',
    );
    ok(share >= MIN_SHARE, wrong.join('\n'));
  });

  it('are reported when bash refuses them', () => {
    const missed = refused.filter((path) => complaintsOf(readFileSync(path, 'utf8')).length === 0);
    ok(missed.length === 0, missed.join('\n'));
  });

  it('are read within the bounds of one input, but for few', () => {
    const small = accepted.filter((path) => statSync(path).size <= 65_536);
    const cut = small.filter((path) =>
      readShell(readFileSync(path, 'utf8')).uncertain.some(({ why }) =>
        why.includes('more than can be followed'),
      ),
    );
    console.log(`      ${cut.length} of ${small.length} do more than is followed`);
    ok(cut.length <= Math.max(1, small.length * 0.1), cut.join('\n'));
  });
});
