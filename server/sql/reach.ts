/**
 * What a statement reaches beyond its tables, by its words: files, programs, libraries, settings. The
 * words are those of the server's lexer, so this holds for every dialect. Not caught here: functions that
 * somebody added under names of their own.
 */
import type { Context } from './analysis.ts';
import type { SqlFile } from './findings.ts';
import { fold, splitArguments } from './fold.ts';
import {
  COMMAND_SETTINGS,
  FILE_SETTINGS,
  FUNCTIONS,
  LIBRARY_SETTINGS,
  ONLY_CALLED,
  QUOTE_SETTINGS,
  type FileAccess,
  type Reach,
} from './reach-table.ts';
import { MAX_REACHES } from './limits.ts';
import type { Token } from './scanner.ts';

/** Names that nothing else has: they count without a call, too (`CREATE AGGREGATE … SFUNC = …`). */
const TELLING = /^(?:pg_(?:read|file|ls|stat_file)|lo_|sys_e|xp_|sp_|load_file|dblink|query_to_)/;

/** Looks at every word of a statement. */
export function reachesOf(tokens: readonly Token[], files: SqlFile[], context: Context): void {
  let reached = 0;
  for (let at = 0; at < tokens.length; at++) {
    const { kind, text } = tokens[at] as Token;
    if (kind === 'string' && QUOTE_SETTINGS.has(tokens[at]?.value.toLowerCase() ?? '')) {
      if (tokens.some((token) => token.text === 'set_config')) distrustQuotes(context);
    }
    if (kind !== 'word' && kind !== 'name') continue;
    const reaches = FUNCTIONS.get(text);
    if (reaches !== undefined && ++reached > MAX_REACHES) {
      context.findings.doubt('a statement reaches more than can be followed');
      return;
    }
    if (reaches !== undefined) called(tokens, at, reaches, files, context);
    else if (kind === 'word') clause(tokens, at, files, context);
  }
}

function called(
  tokens: readonly Token[],
  at: number,
  reaches: readonly Reach[],
  files: SqlFile[],
  context: Context,
): void {
  const name = tokens[at]?.text ?? '';
  const { findings } = context;
  const isCall = tokens[at + 1]?.text === '(';
  if (!isCall && (ONLY_CALLED.has(name) || !TELLING.test(name))) return;
  const args = isCall
    ? splitArguments(tokens.slice(at + 2, closing(tokens, at + 1)))
    : splitArguments(tokens.slice(at + 1));
  for (const reach of reaches) {
    if (reach.kind === 'code') {
      findings.doubt(`${name} loads or runs code that is no SQL`);
      continue;
    }
    const own =
      reach.argument >= 0
        ? args[reach.argument]
        : args.findLast((arg) => !/^(?:true|false)$/.test(arg[0]?.text ?? ''));
    const value = own === undefined ? null : fold(own, context.lookup);
    if (value === null) findings.doubt(`what ${name} is given can't be known`);
    else if (reach.kind === 'file') files.push({ access: reach.access, path: value });
    else if (reach.kind === 'sql') context.read(value, name);
    else findings.runs(value);
  }
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    const { kind, text } = tokens[at] as Token;
    if (kind !== 'sign') continue;
    if (text === '(') depth++;
    else if (text === ')' && --depth === 0) return at;
  }
  return tokens.length;
}

/** From the string at a position, or after `=` and `to` there. */
function valueAt(tokens: readonly Token[], at: number): Token | null {
  let from = at;
  while (/^(?:=|:=|to|@)$/.test(tokens[from]?.text ?? '')) from++;
  const token = tokens[from];
  return token?.kind === 'string' ? token : null;
}

function clause(tokens: readonly Token[], at: number, files: SqlFile[], context: Context): void {
  const text = (offset: number) => tokens[at + offset]?.text ?? '';
  const { findings } = context;
  const open = (access: FileAccess, offset: number) => {
    const path = valueAt(tokens, at + offset);
    if (path !== null) files.push({ access, path: path.value });
    else findings.doubt('a file is opened whose name is not known');
  };
  const head = tokens[0]?.text ?? '';
  const word = text(0);
  switch (word) {
    case 'outfile':
    case 'dumpfile':
      if (text(-1) === 'into') open('write', 1);
      return;
    case 'infile':
      if (/^(?:data|local|xml|from|concurrent|low_priority)$/.test(text(-1))) open('read', 1);
      return;
    case 'filename':
    case 'program':
      if (/^(?:create|alter|import)$/.test(head) && tokens[at + 1]?.kind === 'string') {
        const value = tokens[at + 1]?.value ?? '';
        if (word === 'program') findings.runs(value);
        else files.push({ access: 'read', path: value });
      }
      return;
    case 'directory':
      if (/^(?:data|index)$/.test(text(-1))) open('write', 1);
      return;
    case 'location':
      if (head === 'create' && tokens[at + 1]?.kind === 'string') open('write', 1);
      return;
    case 'attach':
      if (at === 0 && context.dialect !== 'postgresql' && context.dialect !== 'mysql') {
        const offset = text(1) === 'database' ? 2 : 1;
        if (tokens[at + offset]?.kind === 'string' || context.dialect === 'sqlite')
          open('write', offset);
      }
      return;
    case 'into':
      if (head === 'vacuum') open('write', 1);
      return;
    case 'disk':
      if (/^(?:backup|restore)$/.test(head)) open(head === 'backup' ? 'write' : 'read', 1);
      return;
    case 'soname':
      findings.doubt('the server loads a library');
      return;
    case 'install':
      if (at === 0) findings.doubt('the server loads a library');
      return;
    case 'bulk':
      if (at === 0 && text(1) === 'insert') {
        const from = tokens.findIndex((token) => token.text === 'from');
        if (from >= 0) open('read', from + 1);
      }
      return;
    default:
      setting(tokens, at, files, context);
  }
}

function setting(tokens: readonly Token[], at: number, files: SqlFile[], context: Context): void {
  const name = (tokens[at]?.text ?? '').replace(/^@@(?:global|session|persist)?/, '');
  const head = tokens[0]?.text ?? '';
  if (head !== 'set' && head !== 'alter' && head !== 'create') return;
  if (COMMAND_SETTINGS.has(name)) {
    const value = valueAt(tokens, at + 1);
    if (value !== null) context.findings.runs(value.value);
    else context.findings.doubt(`what ${name} is set to can't be known`);
  } else if (LIBRARY_SETTINGS.has(name)) {
    if (valueAt(tokens, at + 1)?.value !== '') {
      context.findings.doubt(`${name} makes the server load code`);
    }
  } else if (FILE_SETTINGS.has(name)) {
    const value = valueAt(tokens, at + 1);
    if (value !== null) files.push({ access: 'write', path: value.value });
  } else if (QUOTE_SETTINGS.has(name)) quotes(name, tokens.slice(at + 1), context);
  else if (/^(?:names|client_encoding|character_set_client)$/.test(name)) {
    const encoding = tokens.slice(at + 1).find(({ text }) => text !== '=' && text !== 'to');
    if (/^(?:gbk|gb18030|big5|sjis|cp932|shift_jis.*|uhc|johab)$/i.test(encoding?.value ?? '')) {
      distrustQuotes(context);
    }
  }
}

function quotes(name: string, rest: readonly Token[], context: Context): void {
  const isSet = /^(?:=|:=|to)$/.test(rest[0]?.text ?? '');
  const value = rest[isSet ? 1 : 0];
  if (value === undefined || (!isSet && name !== 'quoted_identifier')) return;
  if (name === 'sql_mode') {
    const mode = value.kind === 'string' ? value.value : context.lookup(value.text);
    // What an earlier session had comes back from a variable that isn't known: that is the default.
    if (/ANSI|NO_BACKSLASH_ESCAPES/i.test(mode ?? '')) distrustQuotes(context);
    else if (value.kind !== 'string' && !value.text.startsWith('@') && value.text !== 'default') {
      distrustQuotes(context);
    }
  } else if (!/^(?:on|true|1|default|safe_encoding|yes)$/i.test(value.value))
    distrustQuotes(context);
}

function distrustQuotes({ connection }: Context): void {
  connection.state = { ...connection.state, hasDoubtfulQuotes: true };
}
