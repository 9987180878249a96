/**
 * Clients of databases: which SQL text they are given, by option, by operand or on standard input.
 * Not caught here: the SQL itself; and script files that this session didn't write, which are uncertain.
 */
import { optionGrammar } from '../option-table.ts';
import { hasOption, readOptions } from '../options.ts';
import { fileInput } from '../redirect.ts';
import type { Call, Output, Program } from '../runner.ts';
import type { Input } from '../state.ts';
import { exactText, whyUnknown } from '../word.ts';
import type { Word } from '../word.ts';

interface Client {
  readonly text: readonly string[];
  readonly file: readonly string[];
  /** Options after which nothing is read. */
  readonly ends: readonly string[];
  /** Operands from this one on are SQL; null = none is. */
  readonly operand: number | null;
}

const CLIENTS: Readonly<Record<string, Client>> = {
  psql: {
    text: ['-c', '--command'],
    file: ['-f', '--file'],
    ends: ['-l', '--list', '--help', '-?', '--version', '-V'],
    operand: null,
  },
  mysql: {
    text: ['-e', '--execute', '--init-command'],
    file: [],
    ends: ['--help', '-?', '--version', '-V'],
    operand: null,
  },
  'clickhouse-client': {
    text: ['-q', '--query', '--queries'],
    file: ['--queries-file'],
    ends: ['--help', '--version', '-V'],
    operand: null,
  },
  sqlcmd: {
    text: ['-Q', '-q', '--query'],
    file: ['-i', '--input-file'],
    ends: ['-?', '--help'],
    operand: null,
  },
  usql: {
    text: ['-c', '--command'],
    file: ['-f', '--file'],
    ends: ['--help', '--version'],
    operand: null,
  },
  sqlite3: {
    text: ['-cmd', '--cmd'],
    file: ['-init'],
    ends: ['--help', '-help', '-version', '--version'],
    operand: 1,
  },
};

const SAME: Readonly<Record<string, string>> = {
  pgcli: 'psql',
  mariadb: 'mysql',
  mycli: 'mysql',
  clickhouse: 'clickhouse-client',
  sqlite: 'sqlite3',
};

function sqlClient(call: Call): Output {
  const name = SAME[call.name] ?? call.name;
  const client = CLIENTS[name];
  if (client === undefined) return null;
  const read = readOptions(call.words, optionGrammar(name), false);
  if (hasOption(read, ...client.ends)) return null;
  const texts: string[] = [];
  let given = false;
  const add = (word: Word | null) => {
    given = true;
    const text = word === null ? null : exactText(word);
    if (text !== null) texts.push(text);
    else
      call.run.uncertain(
        `the SQL can't be known: ${word === null ? 'it is missing' : (whyUnknown(word) ?? 'it is a pattern')}`,
      );
  };
  for (const option of read.options) {
    if (client.text.includes(option.name)) add(option.value);
    else if (client.file.includes(option.name) && option.value !== null) {
      given = true;
      addInput(
        call,
        fileInput(option.value, call.frame),
        texts,
        `${call.name} reads SQL from a file`,
      );
    } else if (/^(-v|--set|--variable)$/.test(option.name)) {
      call.run.uncertain('variables are put into the SQL text');
    }
  }
  if (client.operand !== null) {
    for (const operand of read.operands.slice(client.operand)) add(operand.word);
  }
  const { input } = call.frame;
  if (!given && input.kind === 'session') call.run.noteSql(null);
  else if (!given || input.kind === 'text') {
    addInput(call, input, texts, `${call.name} reads SQL that can't be known`);
  }
  if (texts.length > 0) call.run.noteSql(texts.join(';\n'));
  return null;
}

function addInput(call: Call, input: Input, texts: string[], why: string): void {
  if (input.kind === 'text') texts.push(input.text);
  else call.run.uncertain(why);
}

export const SQL_PROGRAMS: Readonly<Record<string, Program>> = Object.fromEntries(
  [...Object.keys(CLIENTS), ...Object.keys(SAME)].map((name) => [name, sqlClient]),
);
