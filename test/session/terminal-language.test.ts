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
  readonly #language = new TerminalLanguage((text) => {
    const { rule, verdict } = this.#judge(text, 'shell');
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
      ...this.#judge(one, line.language, line),
      isGuess: line.guesses.has(one),
    }));
    const counted = decisions.filter(({ isGuess, rule }) => !isGuess || rule !== null);
    const worst = ['deny', 'hold'].find((verdict) =>
      counted.some((one) => one.verdict === verdict),
    );
    this.said.push(`${line.language} ${worst ?? 'allow'}`);
    const [decision] = decisions;
    assert.ok(decision);
    if (worst === undefined) this.#language.released(line, typed, decision);
    else this.#language.forget();
  }

  #judge(text: string, language: GateLine['language'], line?: GateLine): ReturnType<typeof judge> {
    assert.ok(compiled.kind === 'ok');
    const input = { text, language, state: initialState(true) };
    const sql = line?.sql ?? null;
    return judge(compiled.policy, facts, sql === null ? input : { ...input, sql });
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
  ];
  for (const [name, typed, said] of cases) {
    it(name, async () => {
      const dialogue = new Dialogue();
      for (const [prompt, text] of typed) await dialogue.type(prompt, text);
      assert.deepEqual(dialogue.said, said);
    });
  }
});
