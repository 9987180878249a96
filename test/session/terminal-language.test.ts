import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compilePolicy } from '../../server/policy/document.ts';
import { judge } from '../../server/policy/judge.ts';
import type { GateLine } from '../../server/session/gate.ts';
import { TerminalLanguage, type TypedLine } from '../../server/session/terminal-language.ts';
import { initialState } from '../../server/shell/state.ts';

const facts = { principal: { name: 'bot', groups: [] }, target: { name: 'db1', labels: {} } };
const compiled = compilePolicy('test', {
  default: 'allow',
  uncertain: 'hold',
  holdTimeout: '10m',
  rules: [
    { name: 'no-drop', action: 'deny', match: { sql: 'drop database *' } },
    { name: 'no-flush', action: 'deny', match: { command: ['redis-cli flushall*'] } },
    { name: 'no-wipe', action: 'deny', match: { path: ['/data/**'], access: ['delete'] } },
  ],
});

function lineOf(text: string): GateLine {
  return {
    text,
    candidates: [text],
    guesses: new Set(),
    language: 'shell',
    certainty: 'observed',
    why: null,
    quiet: false,
    secret: false,
  };
}

/** A terminal that says what it would do with each line: its language and the verdict. */
class Dialogue {
  readonly said: string[] = [];
  readonly #language = new TerminalLanguage((text, sql) => {
    const { rule, verdict } = this.#judge(text, sql === null ? 'shell' : 'sql', sql);
    return Promise.resolve(rule !== null && verdict !== 'allow');
  });

  async type(prompt: string | null, text: string): Promise<void> {
    if (text === '\u0004') {
      this.#language.inputEnded();
      return;
    }
    const typed: TypedLine = { line: lineOf(text), prompt, isPlain: true };
    const line = await this.#language.read(typed);
    const decisions = line.candidates.map((one) => ({
      ...this.#judge(one, line.language, line.sql ?? null),
      isGuess: line.guesses.has(one),
    }));
    const counted = decisions.filter(({ isGuess, rule }) => !isGuess || rule !== null);
    const doubt = line.console?.doubt ?? null;
    const worst = ['deny', 'hold'].find(
      (verdict) =>
        counted.some((one) => one.verdict === verdict) || (verdict === 'hold' && doubt !== null),
    );
    const language = line.console === undefined ? line.language : 'console';
    this.said.push(`${language} ${worst ?? 'allow'}`);
    const [decision] = decisions;
    assert.ok(decision);
    if (worst === undefined) this.#language.released(line, typed, decision);
    else this.#language.forget();
  }

  #judge(
    text: string,
    language: GateLine['language'],
    sql: GateLine['sql'] = null,
  ): ReturnType<typeof judge> {
    assert.ok(compiled.kind === 'ok');
    const input = { text, language, state: initialState(true) };
    return judge(compiled.policy, facts, sql == null ? input : { ...input, sql });
  }
}

describe('the language of a terminal', () => {
  const cases: [string, [string | null, string][], string[]][] = [
    [
      'is SQL in psql, and the shell again at its prompt',
      [
        ['$ ', 'ls'],
        ['$ ', 'psql -X app'],
        ['app=# ', 'select 1;'],
        ['app=# ', 'drop database app;'],
        ['app=# ', '\\q'],
        ['$ ', 'ls $HOME'],
      ],
      ['shell allow', 'shell allow', 'sql allow', 'sql deny', 'sql allow', 'shell allow'],
    ],
    [
      'joins the lines of a statement',
      [
        ['$ ', 'psql -X app'],
        ['app=# ', 'drop'],
        ['app-# ', 'database app;'],
        ['app=# ', 'select 1,'],
        ['app-# ', '2;'],
      ],
      ['shell allow', 'sql allow', 'sql deny', 'sql allow', 'sql allow'],
    ],
    [
      'stays the shell for a client that could not start',
      [
        ['[12:01] $ ', 'psql -X app'],
        ['[12:02] $ ', 'rm -rf /data/x'],
      ],
      ['shell allow', 'shell deny'],
    ],
    [
      'never hides a command from a rule behind the prompt of a client',
      [
        ['$ ', 'psql -X app'],
        ['app=# ', 'rm -rf /data/x'],
        ['app=# ', '\\! rm -rf /data/x'],
      ],
      ['shell allow', 'shell deny', 'shell deny'],
    ],
    [
      'ends with Ctrl-D',
      [
        ['$ ', 'sqlite3 x.db'],
        ['sqlite> ', 'select 1;'],
        ['sqlite> ', '\u0004'],
        ['other $ ', 'ls'],
      ],
      ['shell allow', 'sql allow', 'shell allow'],
    ],
    [
      'is SQL for what is typed ahead of a client',
      [
        ['$ ', 'psql -X app'],
        [null, 'drop database app;'],
      ],
      ['shell allow', 'sql deny'],
    ],
    [
      'is that of python for its console, and the shell again at its prompt',
      [
        ['$ ', 'ls'],
        ['$ ', 'python3 -q'],
        ['>>> ', 'import os'],
        ['>>> ', 'print(os.getcwd(), 1 + 1)'],
        ['>>> ', 'os.system("rm -rf /data/x")'],
        ['>>> ', 'getattr(os, "sys" + "tem")("id")'],
        ['>>> ', 'exit()'],
        ['$ ', 'ls $HOME'],
      ],
      [
        'shell allow',
        'shell allow',
        'console allow',
        'console allow',
        'console deny',
        'console hold',
        'console allow',
        'shell allow',
      ],
    ],
    [
      'is that of a shell which a console or a client started, until it ends',
      [
        ['$ ', 'python3'],
        ['>>> ', 'import os'],
        ['>>> ', 'os.system("bash")'],
        ['# ', 'rm -rf /data/x'],
        ['# ', 'x=ls; $x /tmp/y'],
        ['# ', 'exit'],
        ['>>> ', 'print(1)'],
        ['>>> ', '\u0004'],
        ['$ ', 'psql app'],
        ['app=# ', 'select 1;'],
        ['app=# ', '\\! sh'],
        ['# ', 'rm -rf /data/x'],
        ['# ', 'drop database app;'],
        ['# ', '\u0004'],
        ['app=# ', 'select 2;'],
      ],
      [
        'shell allow',
        'console allow',
        'console allow',
        'shell deny',
        'shell allow',
        'shell allow',
        'console allow',
        'shell allow',
        'sql allow',
        'sql allow',
        'shell deny',
        'sql deny',
        'sql allow',
      ],
    ],
    [
      'keeps the rules of a client whose prompt was made to look like that of the shell',
      [
        ['$ ', 'psql app'],
        ['$ ', 'drop database app;'],
      ],
      ['shell allow', 'sql deny'],
    ],
    [
      'is a command of redis-cli for each of its lines',
      [
        ['$ ', 'redis-cli -n 2'],
        ['127.0.0.1:6379[2]> ', 'get "a key"'],
        ['127.0.0.1:6379[2]> ', 'FlushAll'],
        ['127.0.0.1:6379[2]> ', 'quit'],
        ['$ ', 'ls'],
      ],
      ['shell allow', 'console allow', 'console deny', 'console allow', 'shell allow'],
    ],
    [
      'does not take names from code that nobody could read for harmless ones',
      [
        ['$ ', 'python3'],
        ['>>> ', 'def f(a):'],
        ['... ', '  return a'],
        ['>>> ', 'f(1)'],
        ['>>> ', '__import__("sub" + "process").run(f)'],
      ],
      ['shell allow', 'console allow', 'console allow', 'console allow', 'console hold'],
    ],
  ];
  for (const [name, typed, said] of cases) {
    it(name, async () => {
      const dialogue = new Dialogue();
      for (const [prompt, text] of typed) await dialogue.type(prompt, text);
      assert.deepEqual(dialogue.said, said);
    });
  }
});
