/** Dot commands of sqlite3 and duckdb. Not caught here: what files hold that they read. */
import type { FileAccess } from './reach-table.ts';
import type { Reader } from './reader.ts';

/** What a command opens: letters of access, or what it does. A command may be cut short. */
const COMMANDS: readonly (readonly [name: string, what: string])[] = [
  ['shell', 'shell'],
  ['system', 'shell'],
  ['read', 'sql'],
  ['load', 'code'],
  ['import', 'read'],
  ['output', 'write'],
  ['once', 'write'],
  ['excel', 'program'],
  ['www', 'program'],
  ['open', 'open'],
  ['backup', 'write'],
  ['save', 'write'],
  ['clone', 'write'],
  ['restore', 'read'],
  ['log', 'write'],
  ['trace', 'write'],
  ['archive', 'archive'],
  ['ar', 'archive'],
  ['session', 'archive'],
  ['unmodule', 'code'],
];
/** The shortest that anybody would take for the command. */
const MIN_PREFIX = 2;

export function sqliteCommand(reader: Reader): boolean {
  const { scanner, reading } = reader;
  const { text, at } = scanner;
  if (reader.pending.length > 0) return false;
  if (/[/#]/.test(text.charAt(at)) || /^go\s*;?\s*(?:\n|$)/i.test(text.slice(at, at + 8))) {
    reader.takeLine();
    return true;
  }
  const name = /^\.([A-Za-z]+)/.exec(text.slice(at, at + 32))?.[1]?.toLowerCase();
  if (name === undefined) return false;
  scanner.at += name.length + 1;
  const line = reader.takeLine().trim();
  const { findings } = reading;
  const words = wordsOf(line);
  const operands = words.filter((word) => !word.startsWith('-'));
  const what = COMMANDS.filter(
    ([command]) =>
      command === name || (name.length >= MIN_PREFIX && command.startsWith(name) && !isOther(name)),
  ).map(([, kind]) => kind);
  for (const kind of new Set(what)) {
    if (kind === 'shell') findings.runs(line);
    else if (kind === 'code') findings.doubt(`sqlite3 loads code by .${name}`);
    else if (kind === 'archive' || kind === 'program')
      findings.doubt(`.${name} opens files or programs`);
    else if (kind === 'sql') readFile(operands[0], reader);
    else if (kind === 'open') {
      const access = words.includes('--new') || words.includes('-new') ? 'delete' : 'write';
      if (operands[0] !== undefined) file(operands[0], access, reader);
    } else {
      // A command line has the rest of the words.
      const command = operands.find((word) => word.startsWith('|'));
      const only = kind === 'read' || operands.length < 2;
      const target = command ?? (only ? operands[0] : operands.at(-1));
      if (/^-[ex]$|^--(?:editor|excel|web)/.test(words[0] ?? ''))
        findings.doubt(`.${name} opens a program`);
      else if (target !== undefined && !/^(?:stdout|stderr|off|on)$/.test(target)) {
        file(target, kind as FileAccess, reader, line);
      }
    }
  }
  return true;
}

/** Cut words that mean another, harmless command. */
function isOther(name: string): boolean {
  return /^(?:se|sep|sha|sch|op$|ex$|exit|tr$)/.test(name);
}

function readFile(target: string | undefined, reader: Reader): void {
  const { findings } = reader.reading;
  if (target?.startsWith('|') === true) findings.runs(target.slice(1));
  findings.doubt('the client reads SQL from a file');
}

function file(target: string, access: FileAccess, reader: Reader, line = ''): void {
  const { findings, via } = reader.reading;
  if (target.startsWith('|')) {
    // An unquoted command line reaches to the end of the line.
    const rest = line.includes(target) ? line.slice(line.indexOf('|') + 1) : target.slice(1);
    const command = rest.replace(/['"]\s*\w*\s*$/, '');
    if (access === 'read')
      findings.runs(target.length > 1 && target.includes(' ') ? target.slice(1) : command);
    else findings.feeds(command);
    return;
  }
  const text = `${access} ${target}`;
  findings.add({
    text,
    words: [],
    strings: [],
    starts: [],
    via,
    files: [{ access, path: target }],
  });
}

function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [, single, double, plain] of line.matchAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
    words.push(single ?? double?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return words;
}
