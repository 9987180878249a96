/**
 * What holds for any text, and for any spelling of the same command. The seed is printed; RUNS and SEED
 * in the environment make a run longer or repeat it.
 */
import { deepEqual, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { parse } from 'yaml';

import { judge } from '../../server/policy/judge.ts';
import { isCompleteInput } from '../../server/shell/complete.ts';
import { readShell } from '../../server/shell/read.ts';
import { initialState } from '../../server/shell/state.ts';
import { FACTS, policyOf } from '../policy/support.ts';

const RUNS = Number(process.env['RUNS'] ?? 1_200);
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

const CASES = new URL('../cases/policy/', import.meta.url);
const corpus = parse(readFileSync(new URL('corpus.yaml', CASES), 'utf8')) as {
  policies: { corpus: object };
};
const policy = policyOf(corpus.policies.corpus);

const DENIED = [
  'rm -rf /data',
  'rm -r -f /data/db',
  'unlink /data/x',
  'find /data -delete',
  'mv /data /tmp/gone',
  'shred -u /data/x',
  'cat /etc/shadow',
  'cp /etc/shadow /tmp/copy',
  'grep root /etc/shadow',
  'tar -cf /tmp/x.tar /etc/shadow',
  'shutdown -h now',
  'reboot',
  'init 0',
  'systemctl reboot',
  'systemctl isolate rescue.target',
  'kubectl exec pod -- ls',
  'kubectl -n prod exec pod ls',
  'dropdb app',
  'mysqladmin drop app',
  'tee /proc/sysrq-trigger',
];

/** Programs that mean something else once they are wrapped, or when their input is another. */
const NOT_PLAIN =
  /^(?:cd|export|set|unset|source|\.|eval|exec|alias|read|trap|sh|bash|zsh|dash|python3?|perl|ruby|node|psql|mysql|sqlite3|ssh|sudo|su|env|if|for|while|case|time|xargs|watch|command|history|fc|jobs|wait|umask|type|hash|test|screen|tmux|pushd|popd|ulimit|shopt|declare|local|return|exit|kill|fg|bg|let|function|until|select|coproc)$/;

/** Lines of plain words: nothing that quotes would take a meaning from. */
function plainLines(name: string): string[] {
  const lines = readFileSync(new URL(name, CASES), 'utf8').trim().split('\n');
  return lines
    .map((line) => JSON.parse(line) as { readonly command: string })
    .map(({ command }) => command)
    .filter((command) => /^[\w./][\w ./:@%+,-]*$/.test(command))
    .filter((command) => !NOT_PLAIN.test(command.split(' ')[0] ?? ''));
}

const ALLOWED = plainLines('benign.jsonl');
const BASES = [...DENIED, ...ALLOWED];

/** Takes one choice after the other from a row of numbers. */
type Choose = (count: number) => number;

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function hex(text: string): string {
  return `$'${Array.from(text, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')}'`;
}

function octal(text: string): string {
  return `$'${Array.from(text, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`).join('')}'`;
}

const PARTS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text,
  quoted,
  (text) => `"${text}"`,
  (text) => Array.from(text, (char) => `\\${char}`).join(''),
  hex,
  octal,
  (text) => `${text}''`,
  (text) => `""${text}`,
  (text) => `\\\n${text}`,
  (text) => `$"${text}"`,
  (text) => `\${NOPE_:-${text}}`,
  (text) => `$(printf %s ${text})`,
  (text) => `"$(printf %s ${text})"`,
  (text) => (text.startsWith('-') ? text : `\`echo ${text}\``),
  (text) => `{${text},}`.replace(/^\{(.*),\}$/, '$1'),
];

/** One word in another spelling; `before` gets the assignments that it needs. */
function respellWord(word: string, before: string[], choose: Choose): string {
  const how = choose(8);
  if (how === 0) {
    const name = `v${before.length}`;
    before.push(`${name}=${word}`);
    return [`$${name}`, `"$${name}"`, `\${${name}}`][choose(3)] ?? '';
  }
  if (how < 4) return word;
  let out = '';
  for (let at = 0; at < word.length;) {
    const length = 1 + choose(4);
    out += PARTS[choose(PARTS.length)]?.(word.slice(at, at + length)) ?? '';
    at += length;
  }
  return out;
}

const WRAPPERS: readonly ((line: string) => string)[] = [
  (line) => `true; ${line}`,
  (line) => `${line}\ntrue`,
  (line) => `true && ${line}`,
  (line) => `false || ${line}`,
  (line) => `true\n${line}\n`,
  (line) => `( ${line}\n)`,
  (line) => `{ ${line}\n}`,
  (line) => `if true; then ${line}\nfi`,
  (line) => `for i in 1 2; do ${line}\ndone`,
  (line) => `case x in x) ${line}\n;; esac`,
  (line) => `while true; do ${line}\nbreak; done`,
  (line) => `until ${line}\ndo true; done`,
  (line) => `f() { ${line}\n}; f`,
  (line) => `eval ${quoted(line)}`,
  (line) => `sh -c ${quoted(line)}`,
  (line) => `bash -ec ${quoted(line)} name arg`,
  (line) => `bash <<<${quoted(line)}`,
  (line) => `echo ${quoted(line)} | sh`,
  (line) => `! { ${line}\n}`,
  (line) => `   ${line}   `,
  (line) => `${line} # rm`,
  (line) => `# ls\n${line}`,
  (line) => `echo $(${line}\n)`,
  (line) => `trap ${quoted(line)} EXIT`,
  (line) => `sudo sh -c ${quoted(line)}`,
  (line) => `env A=b bash -c ${quoted(line)}`,
  (line) => `timeout 5 sh -c ${quoted(line)}`,
  (line) => `time { ${line}\n}`,
  (line) => `x=1; ${line}`,
  (line) => `\t${line}\t`,
  (line) => `nohup sh -c ${quoted(line)} &`,
];

/** These stand before a simple command only. */
const PREFIXES: readonly string[] = [
  '',
  '',
  '',
  '',
  'sudo ',
  'sudo -u root ',
  'env ',
  'env A=b ',
  'A=b ',
  'nohup ',
  'timeout 5 ',
  'nice -n 5 ',
  'command ',
  'exec ',
  'setsid ',
  'stdbuf -oL ',
];
const SUFFIXES: readonly string[] = [
  '',
  '',
  '',
  '',
  ' 2>/dev/null',
  ' 2>&1',
  ' >/dev/null',
  ' </dev/null',
  ' &>/dev/null',
  ' &',
  ' || true',
  ' | cat',
  ' ;',
];

function respell(base: string, choose: Choose): string {
  const before: string[] = [];
  const words = base.split(' ').filter((word) => word !== '');
  const blank = [' ', '  ', '\t', ' \\\n'][choose(4)] ?? ' ';
  const spelt = words.map((word) => respellWord(word, before, choose)).join(blank);
  let line =
    (PREFIXES[choose(PREFIXES.length)] ?? '') + spelt + (SUFFIXES[choose(SUFFIXES.length)] ?? '');
  if (before.length > 0)
    line = `${before.join([';', '\n', ' ; ', ' && '][choose(4)] ?? ';')}\n${line}`;
  for (let depth = choose(4); depth > 0; depth--) {
    line = WRAPPERS[choose(WRAPPERS.length)]?.(line) ?? line;
  }
  // Nothing may stand behind the end of a here-document.
  return choose(8) === 0 ? `sh <<'END_OF_IT'\n${line}\nEND_OF_IT\n` : line;
}

function decisionOf(text: string): { readonly verdict: string; readonly rule: string | null } {
  const { verdict, rule } = judge(policy, FACTS, { text, language: 'shell' });
  return { verdict, rule };
}

const FRAGMENTS = [
  'rm',
  ' ',
  '\n',
  ';',
  '&',
  '|',
  '(',
  ')',
  '{',
  '}',
  '$',
  '`',
  '"',
  "'",
  '\\',
  '<',
  '>',
  '<<',
  'E',
  '[[',
  ']]',
  '((',
  '))',
  '${',
  '$(',
  '=',
  '*',
  '?',
  '[',
  ']',
  '!',
  '#',
  '~',
  '/',
  '/data',
  '-',
  'if',
  'then',
  'fi',
  'for',
  'in',
  'do',
  'done',
  'case',
  'esac',
  'x',
  '1',
  ',',
  '..',
  'eval',
  'sh -c',
  'xargs',
  'find',
  '-exec',
  ':',
  '%',
  '@',
  '\0',
  '\r',
  'é',
  '\u{1f600}',
  '\ud800',
  '\ue001',
];

const ANY_TEXT = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('utf8')),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 60 }).map((parts) => parts.join('')),
);

describe('for any text', () => {
  before(() => console.log(`      seed ${SEED}, ${RUNS} runs`));

  it('there is a reading, a decision and an answer whether it is whole', () => {
    fc.assert(
      fc.property(ANY_TEXT, ANY_TEXT, (first, second) => {
        const { after } = readShell(first, initialState(true));
        const { commands, uncertain } = readShell(second, after);
        ok(Array.isArray(commands));
        for (const { start, end } of uncertain)
          ok(start >= 0 && start <= end && end <= second.length);
        const { verdict } = judge(policy, FACTS, { text: second, language: 'shell', state: after });
        ok(['allow', 'deny', 'hold'].includes(verdict));
        ok(['complete', 'incomplete', 'invalid'].includes(isCompleteInput(second)));
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });

  it('the same text in the same state gets the same decision, whatever was read in between', () => {
    fc.assert(
      fc.property(ANY_TEXT, ANY_TEXT, (text, other) => {
        const state = initialState();
        const first = judge(policy, FACTS, { text, language: 'shell', state });
        judge(policy, FACTS, { text: other, language: 'shell', state });
        deepEqual(judge(policy, FACTS, { text, language: 'shell', state }), first);
      }),
      { numRuns: Math.ceil(RUNS / 2), seed: SEED },
    );
  });
});

describe('for any spelling of a command', () => {
  it('knows enough commands of both kinds', () => {
    for (const line of DENIED) deepEqual(decisionOf(line).verdict, 'deny', line);
    const allowed = ALLOWED.filter((line) => decisionOf(line).verdict === 'allow');
    ok(allowed.length >= 20, `${allowed.length}`);
  });

  it('the decision and its rule stay the same', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...BASES),
        fc.array(fc.nat(10_000), { minLength: 80, maxLength: 80 }),
        (base, tape) => {
          let at = 0;
          const text = respell(base, (count) => (tape[at++ % tape.length] ?? 0) % count);
          deepEqual(decisionOf(text), decisionOf(base), text);
        },
      ),
      { numRuns: RUNS, seed: SEED },
    );
  });
});
