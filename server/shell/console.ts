/**
 * Lines typed for the console of an interpreter: is a line harmless, and which commands does it start?
 * Harmless is what is made of values, of functions that reach nothing outside, of names that such lines
 * have made, and of calls of a shell with literal words, which are given back. Not caught here: what
 * imported modules run when they are loaded, and what a line that somebody has let pass although it
 * could not be read has put in the place of builtins and of members of modules.
 */
import {
  assigns,
  depthAt,
  isIndexed,
  isKey,
  isParameter,
  isPythonTarget,
  isValue,
  literalArguments,
  quoted,
  statements,
  targets,
} from './console-statement.ts';
import { CODE_TABLES, type CodeTable } from './console-tables.ts';
import { codeTokens, type CodeLanguage, type CodeToken } from './console-tokens.ts';

/** What the lines before have left in a console. */
export interface ConsoleNames {
  /** Names that harmless lines have made. */
  readonly own: ReadonlySet<string>;
  /** Names of imported modules. */
  readonly modules: ReadonlyMap<string, string>;
  /** Names in lines that could not be read: they may be anything. */
  readonly tainted: ReadonlySet<string>;
  /** A text may be open: nobody knows how the next line is taken. */
  readonly isTorn: boolean;
}

export interface ConsoleLine {
  readonly isHarmless: boolean;
  /** Commands with literal words that it starts: lines for a shell. */
  readonly commands: readonly string[];
  /** It ends the console. */
  readonly isLeaving: boolean;
  /** If it is run. */
  readonly after: ConsoleNames;
}

/** So many names are kept; in a console with more, later ones stay unknown. */
const MAX_NAMES = 4096;

export const NO_NAMES: ConsoleNames = {
  own: new Set(),
  modules: new Map(),
  tainted: new Set(),
  isTorn: false,
};

/** @param program the interpreter, without version: `python`, `node`, `ruby` */
export function readConsoleLine(text: string, program: string, names: ConsoleNames): ConsoleLine {
  const language = program === 'python' || program === 'node' ? program : null;
  if (language === null) return readSimple(text, names);
  const table = CODE_TABLES[language];
  const isLeaving = table.leaving.test(text);
  const tokens = codeTokens(text, language);
  const isDotted = language === 'node' && /^\s*\.(?:exit|help|clear|break|editor)\s*$/.test(text);
  if (tokens !== null && !names.isTorn && isDotted) {
    return { isHarmless: true, commands: [], isLeaving, after: names };
  }
  const line = new Line(language, table, names);
  const isCommand = language === 'node' && /^\s*\./.test(text);
  const isHarmless = tokens !== null && !isCommand && !names.isTorn && line.read(tokens);
  const after = isHarmless ? line.names() : taint(names, text, table);
  return { isHarmless, commands: isHarmless ? line.commands : [], isLeaving, after };
}

/** Nothing but a value, or one that is printed or named. */
const VALUE = String.raw`(?:"[^"\\#$]*"|'[^'\\]*'|[-+*/%().,\s\d])`;
const SIMPLE = new RegExp(
  String.raw`^\s*(?:(?:puts|print|p|pp)\s+|[a-z_]\w*\s*=(?!=)\s*)?${VALUE}*;?\s*$`,
);

function readSimple(text: string, names: ConsoleNames): ConsoleLine {
  const isLeaving = /^\s*(?:exit|quit|q\(\)|quit\(\)|exit\(\))\s*;?\s*$/.test(text);
  const isHarmless = isLeaving || (!names.isTorn && text.length <= 2048 && SIMPLE.test(text));
  return { isHarmless, commands: [], isLeaving, after: names };
}

function taint(names: ConsoleNames, text: string, table: CodeTable): ConsoleNames {
  const found = madeNames(text, table);
  // What runs text, or takes everything from a module, may have made any name.
  const isAny =
    /\b(?:exec|eval|execfile|globals|locals|vars|setattr|compile|global|globalThis|import\s*\*)|__\w+__|[^\0-\x7f]/.test(
      text,
    );
  const tainted = new Set([...names.tainted, ...found, ...(isAny ? names.own : [])]);
  return {
    own: isAny ? new Set() : names.own,
    modules: names.modules,
    tainted: tainted.size > MAX_NAMES ? names.tainted : tainted,
    isTorn: names.isTorn || isOpen(text) || tainted.size > MAX_NAMES,
  };
}

/** Names in a line that may be something else after it: all but words and builtins that it only uses. */
function madeNames(text: string, { keywords, builtins }: CodeTable): string[] {
  const names = [...text.matchAll(/[A-Za-z_$][\w$]*/g)];
  return names.flatMap(({ 0: name, index }) => {
    if (!keywords.has(name) && !builtins.has(name)) return [name];
    const isMade =
      /(?:\b(?:def|class|as|for|import|function|const|let|var)|[,(*[{:.])\s*$/.test(
        text.slice(0, index).slice(-40),
      ) &&
      /^\s*(?:,|:?=(?!=)|in\b|of\b|[)\]}]|\(|$)/.test(
        text.slice(index + name.length, index + name.length + 40),
      );
    const isAssigned = /^\s*(?:,[^]*)?[^=!<>]?=(?!=)/.test(
      text.slice(index + name.length, index + name.length + 200),
    );
    return (isMade || isAssigned) && !/[.]\s*$/.test(text.slice(0, index)) ? [name] : [];
  });
}

function isOpen(text: string): boolean {
  return /"""|'''|`|\/\*|\\\s*$/.test(text);
}

class Line {
  readonly commands: string[] = [];
  readonly #language: CodeLanguage;
  readonly #table: CodeTable;
  readonly #before: ConsoleNames;
  readonly #own: Set<string>;
  readonly #modules: Map<string, string>;

  constructor(language: CodeLanguage, table: CodeTable, before: ConsoleNames) {
    this.#language = language;
    this.#table = table;
    this.#before = before;
    this.#own = new Set(before.own);
    this.#modules = new Map(before.modules);
  }

  names(): ConsoleNames {
    const own = new Set([...this.#own].slice(0, MAX_NAMES));
    const modules = new Map([...this.#modules].slice(0, MAX_NAMES));
    return { ...this.#before, own, modules };
  }

  /** Whether all of it is harmless. */
  read(tokens: readonly CodeToken[]): boolean {
    return statements(tokens).every((one) => this.#statement(one));
  }

  #statement(tokens: readonly CodeToken[]): boolean {
    const [first, second] = tokens;
    if (first === undefined) return true;
    if (tokens.length === 1 && first.kind === 'name')
      return !this.#table.never.has(first.text) || first.text === '_';
    if (this.#language === 'python') {
      if (first.text === 'import') return this.#imports(tokens.slice(1));
      if (first.text === 'from') return this.#importsFrom(tokens.slice(1));
    }
    if (this.#requires(tokens)) return true;
    const root = this.#moduleOf(first.text);
    if (first.kind === 'name' && root !== undefined && second !== undefined && assigns(tokens))
      return false;
    this.#bind(tokens);
    for (let at = 0; at < tokens.length;) {
      const next = this.#token(tokens, at);
      if (next === null) return false;
      at = next;
    }
    return true;
  }

  /** @returns where to go on; null = this isn't harmless */
  #token(tokens: readonly CodeToken[], at: number): number | null {
    const { kind, text, inner } = tokens[at] as CodeToken;
    const before = tokens[at - 1]?.text ?? '';
    const isMember = tokens[at - 1]?.kind === 'sign' && (before === '.' || before === '?.');
    switch (kind) {
      case 'number':
      case 'end':
        return at + 1;
      case 'text':
        if (
          this.#language === 'node' &&
          (inner.length > 0 || /^(?:\\|constructor$|__)/s.test(text)) &&
          isIndexed(tokens, at)
        )
          return null;
        return inner.every((code) => this.#inner(code)) ? at + 1 : null;
      case 'sign':
        return this.#sign(tokens, at);
      case 'name':
        if (isMember) return this.#table.badMembers.test(text) ? null : at + 1;
        return this.#name(tokens, at);
    }
  }

  #inner(code: string): boolean {
    const tokens = codeTokens(code, this.#language);
    return tokens !== null && this.read(tokens);
  }

  #sign(tokens: readonly CodeToken[], at: number): number | null {
    const { text } = tokens[at] as CodeToken;
    if (this.#language === 'python') return text === '!' || text === '?' ? null : at + 1;
    // A member by a name that is put together may be any member.
    if (text === '[' && isValue(tokens[at - 1])) {
      const [key, close] = [tokens[at + 1], tokens[at + 2]];
      const isLiteral = key?.kind === 'number' || key?.kind === 'text';
      return isLiteral && close?.text === ']' ? at + 1 : null;
    }
    const isComputed =
      text === '[' && /^[{,]$/.test(tokens[at - 1]?.text ?? '') && isKey(tokens, at);
    return isComputed || text === '@' ? null : at + 1;
  }

  #name(tokens: readonly CodeToken[], at: number): number | null {
    const { text } = tokens[at] as CodeToken;
    const [before, after] = [tokens[at - 1]?.text ?? '', tokens[at + 1]?.text ?? ''];
    const end = this.#call(tokens, at);
    if (end !== null) return end;
    const isNode = this.#language === 'node';
    if (isNode && after === ':' && /^[{,]$/.test(before))
      return text === 'constructor' ? null : at + 1;
    if (!isNode && after === '=' && /^[(,]$/.test(before) && depthAt(tokens, at) > 0) return at + 1;
    if (!isNode && before === 'def' && /^__\w+__$/.test(text)) return at + 1;
    const module = this.#moduleOf(text);
    if (module !== undefined) return this.#member(tokens, at, module);
    if (this.#table.never.has(text) || this.#before.tainted.has(text)) return null;
    const isKnown =
      this.#table.keywords.has(text) || this.#table.builtins.has(text) || this.#own.has(text);
    return isKnown ? at + 1 : null;
  }

  #moduleOf(name: string): string | undefined {
    if (this.#before.tainted.has(name) && !this.#modules.has(name)) return undefined;
    const own = this.#modules.get(name);
    if (own !== undefined) return own;
    return this.#language === 'node' && this.#table.modules.has(name) ? name : undefined;
  }

  /** `os.path.join`: the name of a module counts only with a member that is known. */
  #member(tokens: readonly CodeToken[], at: number, module: string): number | null {
    const [dot, member] = [tokens[at + 1], tokens[at + 2]];
    if (dot?.text !== '.' || member?.kind !== 'name') {
      const asked = /^(?:help|dir|print|type)$/.test(tokens[at - 2]?.text ?? '');
      return asked && tokens[at - 1]?.text === '(' && dot?.text === ')' ? at + 1 : null;
    }
    const inner = `${module}.${member.text}`;
    if (this.#table.modules.has(inner)) {
      const isOnly = inner === 'os.environ' && tokens[at + 3]?.text !== '.';
      return isOnly ? at + 3 : this.#member(tokens, at + 2, inner);
    }
    const members = this.#table.modules.get(module);
    if (
      members === undefined ||
      (this.#table.badMembers.test(member.text) && members?.has(member.text) !== true)
    )
      return null;
    return members === null || members.has(member.text) ? at + 3 : null;
  }

  /** A call with literal words, which are noted. @returns where it ends; null = it is none */
  #call(tokens: readonly CodeToken[], at: number): number | null {
    let [path, next] = [
      this.#modules.get(tokens[at]?.text ?? '') ?? tokens[at]?.text ?? '',
      at + 1,
    ];
    if (path === 'require' && this.#language === 'node') {
      const [open, name, close] = tokens.slice(at + 1, at + 4);
      if (open?.text !== '(' || name?.kind !== 'text' || close?.text !== ')') return null;
      [path, next] = [name.text.replace(/^node:/, ''), at + 4];
    }
    while (tokens[next]?.text === '.' && tokens[next + 1]?.kind === 'name') {
      path += `.${tokens[next + 1]?.text ?? ''}`;
      next += 2;
      if (this.#table.calls.has(path)) break;
    }
    const takes = this.#table.calls.get(path);
    const isModule = path.includes('.') || path === 'open';
    if (takes === undefined || !isModule || tokens[next]?.text !== '(') return null;
    const given = literalArguments(tokens, next);
    if (given === null) return null;
    const [value] = given.values;
    if (takes === 'file') return typeof value === 'string' ? given.end : null;
    if (given.values.length !== 1 || value === undefined) return null;
    if (typeof value === 'string')
      this.commands.push(takes === 'line' || given.isShell ? value : quoted([value]));
    else if (takes === 'line' || given.isShell) return null;
    else this.commands.push(quoted(value));
    return given.end;
  }

  #imports(tokens: readonly CodeToken[]): boolean {
    const text = tokens.map((one) => (one.text === 'as' ? ' as ' : one.text)).join('');
    for (const one of text.split(',')) {
      const found = /^([A-Za-z]\w*(?:\.\w+)*)(?: as ([A-Za-z]\w*))?$/.exec(one);
      if (found === null) return false;
      const [, path = '', name] = found;
      const root = path.split('.')[0] ?? '';
      this.#modules.set(name ?? root, name === undefined ? root : path);
    }
    return true;
  }

  #importsFrom(tokens: readonly CodeToken[]): boolean {
    const text = tokens
      .map((one) => (/^(?:as|import)$/.test(one.text) ? ` ${one.text} ` : one.text))
      .join('');
    const found = /^([A-Za-z_][\w.]*) import \(?([\w, ]+?),?\)?$/.exec(text);
    if (found === null) return false;
    const [, module = '', list = ''] = found;
    const members = this.#table.modules.get(module);
    for (const one of list.split(',')) {
      const [member = '', name = member] = one.split(' as ');
      if (this.#table.modules.has(`${module}.${member}`))
        this.#modules.set(name, `${module}.${member}`);
      else if (
        members === null ? !this.#table.badMembers.test(member) : members?.has(member) === true
      )
        this.#own.add(name);
      else return module === '__future__';
      if (this.#before.tainted.has(name)) return false;
    }
    return true;
  }

  /** `const os = require('os')` */
  #requires(tokens: readonly CodeToken[]): boolean {
    if (this.#language !== 'node') return false;
    const text = tokens
      .map(({ text: one, kind }) => (kind === 'text' ? JSON.stringify(one) : one))
      .join(' ');
    const found =
      /^(?:(?:const|let|var) )?([A-Za-z]\w*) = require \( "(?:node:)?([\w/@.-]+)" \)$/.exec(text);
    if (found === null) return false;
    this.#modules.set(found[1] ?? '', found[2] ?? '');
    return true;
  }

  /** Notes the names that the statement makes. */
  #bind(tokens: readonly CodeToken[]): void {
    const isNode = this.#language === 'node';
    const target = targets(tokens, isNode);
    for (const [at, { kind, text }] of tokens.entries()) {
      if (kind !== 'name' || this.#table.keywords.has(text)) continue;
      const before = tokens[at - 1]?.text ?? '';
      const after = tokens[at + 1]?.text ?? '';
      const isMade =
        at < target ||
        (isNode
          ? /^(?:const|let|var|function|class)$/.test(before) ||
            after === '=>' ||
            (/^[({,[]$|^\.\.\.$/.test(before) && isParameter(tokens, at))
          : /^(?:def|class|as)$/.test(before) ||
            (at === 0 && after === ':') ||
            after === ':=' ||
            isPythonTarget(tokens, at));
      if (isMade && before !== '.' && before !== '?.') this.#own.add(text);
    }
  }
}
