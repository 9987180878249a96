/**
 * A line for the console of an interpreter as what it starts: commands with literal words as lines of a
 * shell, and the whole line as code on a command line, so that rules see the files that it opens. Not
 * caught here: languages other than python and javascript are hardly read; nearly all of their lines are
 * in doubt.
 */
import { readConsoleLine, type ConsoleLine, type ConsoleNames } from '../shell/console.ts';
import type { GateLine } from './gate.ts';

/** How interpreters take a line as code on their command line. */
const CODE: Readonly<Record<string, string>> = {
  python: 'python3 -c',
  node: 'node -e',
  irb: 'ruby -e',
  ruby: 'ruby -e',
  perl: 'perl -e',
  php: 'php -r',
  lua: 'lua -e',
};
const ELSEWHERE = 'ruby -e';
/** Words of one command of redis. */
const MAX_REDIS_WORDS = 4096;

/** @returns the line as the gate judges it, and what was made of its text */
export function consoleLine(
  line: GateLine,
  program: string,
  names: ConsoleNames,
): { readonly line: GateLine; readonly read: ConsoleLine } {
  const strict = [...new Set([line.text, ...line.candidates])].filter(
    (text) => text === line.text || !line.guesses.has(text),
  );
  if (program === 'redis-cli') return redisLine(line, strict, names);
  const readings = strict.map((text) => readConsoleLine(text, program, names));
  const read = readings[0] ?? readConsoleLine('', program, names);
  const code = line.candidates.map((text) => `${CODE[program] ?? ELSEWHERE} ${quoted(text)}`);
  const commands = readings.flatMap((one) => one.commands);
  const own = line.text.trim() === '' ? [] : [START[program] ?? program];
  const doubtful = readings.find(({ isHarmless }) => !isHarmless);
  const doubt =
    doubtful === undefined ? null : `nobody can tell what this line makes ${program} do`;
  return {
    line: {
      ...line,
      candidates: [...new Set([...commands, ...own, ...code])],
      guesses: new Set(code),
      console: { doubt },
    },
    read,
  };
}

const START: Readonly<Record<string, string>> = { python: 'python3' };

function redisLine(
  line: GateLine,
  strict: readonly string[],
  names: ConsoleNames,
): { readonly line: GateLine; readonly read: ConsoleLine } {
  const commands: string[] = [];
  const spellings: string[] = [];
  let doubt: string | null = null;
  for (const text of strict) {
    const words = redisWords(text);
    if (words === null) {
      doubt ??= 'nobody can tell the words of this line for redis-cli';
      continue;
    }
    const [name, ...rest] = words;
    if (name === undefined) continue;
    const command = (first: string): string => ['redis-cli', first, ...rest].map(word).join(' ');
    commands.push(command(name));
    spellings.push(command(name.toLowerCase()), command(name.toUpperCase()));
  }
  const isLeaving = /^\s*(?:quit|exit)\s*$/i.test(line.text);
  return {
    line: {
      ...line,
      candidates: [...new Set([...commands, ...spellings])],
      guesses: new Set(spellings.filter((one) => !commands.includes(one))),
      console: { doubt },
    },
    read: { isHarmless: doubt === null, commands, isLeaving, after: names },
  };
}

/** Separate at blanks; texts in quotes with escapes in them are not known: null. */
function redisWords(text: string): string[] | null {
  const found = [...text.matchAll(/"([^"\\]*)"(?=\s|$)|'([^'\\]*)'(?=\s|$)|([^\s"'\\]+)(?=\s|$)/g)];
  const rest = text.replaceAll(/"[^"\\]*"(?=\s|$)|'[^'\\]*'(?=\s|$)|[^\s"'\\]+(?=\s|$)/g, '');
  if (rest.trim() !== '' || found.length > MAX_REDIS_WORDS) return null;
  return found.map(([, double, single, plain]) => double ?? single ?? plain ?? '');
}

function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
