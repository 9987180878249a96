/**
 * From a written word to the fields that the program gets: quotes, expansions, substitutions, splitting
 * (POSIX 2.6). Not caught here: which files a pattern names; it stays a pattern.
 */
import { evaluate, type ArithmeticContext } from './arithmetic.ts';
import { expandBraces } from './braces.ts';
import type { ArithmeticExpression, CommandArgument, WordNode, WordPart } from './grammar.ts';
import { parseShell } from './grammar.ts';
import { onlyReads } from './file-readers.ts';
import { MAX_BRACE_WORDS, MAX_VALUE_CHARACTERS } from './limits.ts';
import { arithmeticIn, parameter, simpleParameter } from './parameter.ts';
import type { Frame, Output, Runner } from './runner.ts';
import { subshell } from './runner.ts';
import { runSubscripts } from './subscript.ts';
import type { Piece, Word } from './word.ts';
import { exactText, unknown } from './word.ts';
import { checkArray, isZshExpansion, isZshParameter, runsForFiles, zshParameter } from './zsh.ts';

/** A piece, or the border between two fields. */
type Item = Piece | { readonly kind: 'break' };

const BREAK: Item = { kind: 'break' };

export function expandWord(node: WordNode | CommandArgument, frame: Frame, run: Runner): Word[] {
  if (!run.spend(1)) return [[unknown('too much to read')]];
  if (node.type === 'Assignment') {
    const name = `${node.name}${node.append === true ? '+=' : '='}`;
    const head: Piece = { kind: 'text', text: name, quoted: true };
    if (node.value.type === 'Word') return [[head, ...expandWhole(node.value, frame, run)]];
    for (const element of node.value.elements) expandWord(element, frame, run);
    return [[head, unknown('an array')]];
  }
  if (node.parts?.some((part) => part.type === 'BraceExpansion') === true) {
    const words = expandBraces(node.text);
    if (words === null) {
      run.spend(MAX_BRACE_WORDS);
      run.uncertain('a brace expansion makes too many words');
      return [[unknown('too many words', true)]];
    }
    if (words.length !== 1 || words[0] !== node.text) {
      return words.flatMap((text) => reparse(text, frame, run));
    }
  }
  return toFields(itemsOf(node, frame, run));
}

/** The words of a command; one that only looks at files may look at a piece of a name as well. */
export function forProgram(words: readonly Word[]): readonly Word[] {
  return words.some(isPiece) && onlyReads(words) ? words.filter((word) => !isPiece(word)) : words;
}

function isPiece([first, second]: Word): boolean {
  return second === undefined && first?.kind === 'unknown' && first.why === FROM_NAME;
}

function reparse(text: string, frame: Frame, run: Runner): Word[] {
  const parsed = parseShell(`: ${text}`);
  const command = parsed.kind === 'ok' ? parsed.script.commands[0]?.command : undefined;
  if (command?.type !== 'Command') return [[unknown('a brace expansion', true)]];
  return command.args.flatMap((word) => expandWord(word, frame, run));
}

/** A word that isn't split: an assignment's value, a redirection's target, a here-string. */
export function expandWhole(node: WordNode, frame: Frame, run: Runner): Word {
  if (!run.spend(1)) return [unknown('too much to read')];
  const items = itemsOf(node, frame, run);
  // The lines of a value of which any may be there.
  const text = hasOpenFields(items) ? '\n' : ' ';
  return items.map((item) => (item.kind === 'break' ? { kind: 'text', text, quoted: true } : item));
}

/** The body of a here-document with its expansions. */
export function expandBody(parts: readonly WordPart[], frame: Frame, run: Runner): Word {
  return joinItems(parts.flatMap((part) => partItems(part, true, frame, run)));
}

function joinItems(items: readonly Item[]): Word {
  return items.map((item) =>
    item.kind === 'break' ? { kind: 'text', text: ' ', quoted: true } : item,
  );
}

function itemsOf(node: WordNode, frame: Frame, run: Runner): Item[] {
  const tilde = /^~([A-Za-z_][\w.-]*|[+-])?(?=\/|$)/.exec(node.text);
  if (tilde !== null) {
    const home = tildePieces(tilde[1] ?? null, frame);
    if (node.parts === undefined) {
      const rest = node.value.slice(tilde[0].length);
      return rest === '' ? [...home] : [...home, { kind: 'text', text: rest, quoted: true }];
    }
    const items = node.parts.flatMap((part) => partItems(part, false, frame, run));
    const first = items[0];
    if (first?.kind === 'text' && first.text.startsWith(tilde[0])) {
      const rest = { ...first, text: first.text.slice(tilde[0].length) };
      return [...home, ...(rest.text === '' ? [] : [rest]), ...items.slice(1)];
    }
    return items;
  }
  if (node.parts === undefined) {
    if (isZshExpansion(node.text)) return [unknown('zsh expands it', true)];
    return [{ kind: 'text', text: node.value, quoted: true }];
  }
  const items: Item[] = [];
  for (const part of node.parts) {
    const found = partItems(part, false, frame, run);
    if (!run.spend(stepsOf(found))) return [unknown('too much to read')];
    items.push(...(node.parts.length > 1 ? joinable(part, found) : found));
  }
  return items;
}

/** Any of several lines may be the one that its neighbours are joined to. */
function joinable(part: WordPart, found: Item[]): readonly Item[] {
  const isList =
    /^(?:Command|Simple|Parameter)Expansion$/.test(part.type) && !/[@*]/.test(part.text);
  const isOpen = (isList || part.type === 'CommandExpansion') && hasOpenFields(found);
  return isOpen ? [unknown(FROM_OUTPUT, true)] : found;
}

/** Why a word may be any: a blank in a name that a listing prints may stand before another path. */
const FROM_NAME = 'part of it may be a piece of a name that a command prints';
const FROM_OUTPUT = 'part of it comes from the output of a command';

function hasOpenFields(items: readonly Item[]): boolean {
  return items.includes(BREAK) && items.some(({ kind }) => kind !== 'text' && kind !== 'break');
}

/** Items that count as one step, and characters of them. */
const ITEMS_PER_STEP = 8;
const CHARACTERS_PER_STEP = 128;

function stepsOf(items: readonly Item[]): number {
  return (
    Math.floor(sizeOf(items) / CHARACTERS_PER_STEP) + Math.floor(items.length / ITEMS_PER_STEP)
  );
}

function sizeOf(items: readonly Item[]): number {
  let size = 0;
  for (const item of items) if (item.kind === 'text') size += item.text.length;
  return size;
}

/** `~`, `~user`, `~+`, `~-`. */
function tildePieces(name: string | null, frame: Frame): Word {
  // A variable's name behind a tilde stands for its value in zsh.
  if (name !== null && frame.state.variables.has(name))
    return [unknown('zsh and bash read it in their own way')];
  if (name === '+') return simpleParameter('PWD', frame)[0] ?? [];
  if (name === '-') return simpleParameter('OLDPWD', frame)[0] ?? [];
  return name === null ? (simpleParameter('HOME', frame)[0] ?? []) : [{ kind: 'home', user: name }];
}

function toFields(items: readonly Item[]): Word[] {
  const fields: Word[] = [];
  let current: Piece[] = [];
  for (const item of items) {
    if (item.kind !== 'break') current.push(item);
    else {
      if (!isNothing(current)) fields.push(current);
      current = [];
    }
  }
  if (!isNothing(current)) fields.push(current);
  return fields;
}

/** Unquoted and empty: no field at all. */
function isNothing(word: Word): boolean {
  return word.every((piece) => piece.kind === 'text' && piece.text === '' && !piece.quoted);
}

function partItems(part: WordPart, quoted: boolean, frame: Frame, run: Runner): Item[] {
  switch (part.type) {
    case 'Literal':
      if (!quoted && isZshExpansion(part.text)) return [unknown('zsh expands it', true)];
      return [{ kind: 'text', text: part.value, quoted: quoted || part.text !== part.value }];
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return [{ kind: 'text', text: part.value, quoted: true }];
    case 'DoubleQuoted':
    case 'LocaleString': {
      const items: Item[] = [];
      for (const child of part.parts) {
        const found = partItems(child, true, frame, run);
        if (!run.spend(stepsOf(found))) return [unknown('too much to read')];
        items.push(...(part.parts.length > 1 ? joinable(child, found) : found));
      }
      return items.length > 0 || part.parts.length > 0
        ? items
        : [{ kind: 'text', text: '', quoted: true }];
    }
    case 'Glob':
      for (const child of part.parts ?? []) partItems(child, true, frame, run);
      return [
        quoted ? { kind: 'text', text: part.text, quoted } : { kind: 'glob', pattern: part.text },
      ];
    case 'ExtendedGlob':
      for (const child of part.parts ?? []) partItems(child, true, frame, run);
      if (runsForFiles(part.text)) run.uncertain('zsh runs a command for every file');
      // zsh reads what stands in the bracket as qualifiers of the pattern before it.
      return [
        {
          kind: 'glob',
          pattern: /^\?\([^|()]*\)$/.test(part.text) ? `@(${part.text}|?)` : part.text,
        },
      ];
    case 'SimpleExpansion':
      if (!quoted) checkArray(part.text.slice(1), frame, run);
      return spread(simpleParameter(part.text.slice(1), frame), part.text !== '$*', quoted, frame);
    case 'ParameterExpansion': {
      if (isZshParameter(part)) zshParameter(part, frame, run);
      const joined = part.parameter === '*' || part.index?.value === '*';
      return spread(parameter(part, frame, run), !joined, quoted, frame);
    }
    case 'CommandExpansion': {
      const output = run.runScript(
        part.script,
        subshell(frame, null, { input: { kind: 'session' } }),
      );
      return spread(substituted(output, quoted), true, quoted, frame);
    }
    case 'ArithmeticExpansion':
      return [arithmetic(part.expression, frame, run)];
    case 'ProcessSubstitution': {
      const inner = subshell(frame, null, {
        input: { kind: 'unknown', why: 'another command writes it' },
      });
      const output = run.runScript(part.script, inner);
      const isRead = part.operator === '<' && typeof output === 'string';
      return [{ kind: 'process', reads: isRead ? output : null }];
    }
    case 'BraceExpansion':
      for (const child of part.parts ?? []) partItems(child, true, frame, run);
      return [{ kind: 'text', text: part.text, quoted: true }];
  }
}

/** The fields that a command substitution gives. */
function substituted(output: Output, quoted: boolean): readonly Word[] {
  if (typeof output === 'string') {
    return [[{ kind: 'text', text: withoutLineEnds(output), quoted: false }]];
  }
  const lost: Word = [unknown(FROM_OUTPUT, true)];
  if (output === null) return [lost];
  // What stands behind a blank in the name of a directory may be an absolute path.
  const isDeep = output.words.some((word) => word.some((piece) => piece.kind === 'tree'));
  if (isDeep && !quoted) return [...output.words, [unknown(FROM_NAME, true)]];
  if (quoted && !output.single) return [lost];
  // Any of them may come first, as a command's name.
  const open = output.words.filter((word) => exactText(word) === null);
  return [...open, ...output.words.filter((word) => !open.includes(word))].map((word) =>
    word.map((piece): Piece => (piece.kind === 'glob' ? { kind: 'number', splits: true } : piece)),
  );
}

function withoutLineEnds(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\n') end--;
  return text.slice(0, end);
}

/** Fields that one expansion may give. */
const MAX_FIELDS = 4_096;

/** Values as items: kept whole inside quotes, else split at the field separators. */
function spread(fields: readonly Word[], separate: boolean, quoted: boolean, frame: Frame): Item[] {
  const items: Item[] = [];
  fields.forEach((field, index) => {
    if (index > 0) items.push(...(quoted && !separate ? joint(frame) : [BREAK]));
    if (quoted) {
      if (field.length === 0) items.push({ kind: 'text', text: '', quoted });
      items.push(...alternatives(field));
    } else items.push(...split(field, frame));
  });
  return sizeOf(items) > MAX_VALUE_CHARACTERS || fields.length > MAX_FIELDS
    ? [unknown('a value grows too long to follow', true)]
    : items;
}

/** What stands between the fields of `"$*"`. */
function joint(frame: Frame): Item[] {
  const ifs = frame.state.variables.get('IFS');
  if (ifs?.kind !== 'word') return [{ kind: 'text', text: ' ', quoted: true }];
  const text = exactText(ifs.word);
  if (text === null) return [unknown('the field separators are not known')];
  return text === '' ? [] : [{ kind: 'text', text: text.slice(0, 1), quoted: true }];
}

/** A value inside quotes; each line of one that isn't known line by line is a field of its own. */
function alternatives(value: Word): Item[] {
  const isOpen = value.some(({ kind }) => /^(?:glob|tree|number|unknown)$/.test(kind));
  const isList = value.some((piece) => piece.kind === 'text' && piece.text.includes('\n'));
  if (!isOpen || !isList) return value.map(asQuoted);
  const lines: Item[][] = [[]];
  for (const piece of value) {
    const texts = piece.kind === 'text' ? piece.text.split('\n') : [null];
    texts.forEach((text, index) => {
      if (index > 0) lines.push([]);
      if (text === null) lines.at(-1)?.push(asQuoted(piece));
      else if (text !== '') lines.at(-1)?.push({ kind: 'text', text, quoted: true });
    });
  }
  // Nothing is split here, so that a blank in a name does no harm.
  const whole = lines.filter((line) => !isPiece(line.filter((item) => item.kind !== 'break')));
  const open = (line: readonly Item[]) => line.some(({ kind }) => kind !== 'text');
  const sorted = [...whole.filter(open), ...whole.filter((line) => !open(line))];
  return sorted.flatMap((line, index) => (index === 0 ? line : [BREAK, ...line]));
}

function asQuoted(piece: Piece): Piece {
  if (piece.kind === 'text') return { ...piece, quoted: true };
  if (piece.kind === 'glob') return { kind: 'text', text: piece.pattern, quoted: true };
  return piece.kind === 'unknown' ? { ...piece, splits: false } : piece;
}

function split(word: Word, frame: Frame): Item[] {
  const ifs = frame.state.variables.get('IFS');
  const isSet = ifs?.kind === 'word' && ifs.word.length > 0;
  const separators = isSet ? exactText(ifs.word) : ' \t\n';
  if (separators === null) return [unknown('the field separators are not known', true)];
  const items: Item[] = [];
  for (const piece of word) {
    if (piece.kind !== 'text') {
      items.push(piece);
      if (piece.kind === 'number' && piece.splits === true) items.push(BREAK, piece);
      continue;
    }
    for (const [index, part] of splitAt(piece.text, separators).entries()) {
      if (index > 0) items.push(BREAK);
      items.push(...withGlobs(part));
    }
  }
  return items;
}

function splitAt(text: string, separators: string): readonly string[] {
  if (separators === ' \t\n') return /[ \t\n]/.test(text) ? text.split(/[ \t\n]/) : [text];
  const isSeparator = new Set(separators);
  const parts = [''];
  for (const char of text) {
    if (isSeparator.has(char)) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}

/** Pattern characters that come out of an unquoted expansion are patterns. */
function withGlobs(text: string): Piece[] {
  if (text === '') return [];
  if (!/[*?[]/.test(text)) return [{ kind: 'text', text, quoted: false }];
  return text
    .split(/(\*+|\?|\[[^\]/]+\])/)
    .filter((part) => part !== '')
    .map((part): Piece =>
      /^(\*+|\?|\[.+\])$/.test(part)
        ? { kind: 'glob', pattern: part }
        : { kind: 'text', text: part, quoted: false },
    );
}

/** Runs what an arithmetic expression contains; its value when that is known. */
export function arithmetic(
  expression: ArithmeticExpression | undefined,
  frame: Frame,
  run: Runner,
): Piece {
  const value = evaluate(expression, contextOf(frame, run));
  return value === null ? { kind: 'number' } : { kind: 'text', text: String(value), quoted: true };
}

/** What an arithmetic expression sees and changes of the shell. */
function contextOf(frame: Frame, run: Runner): ArithmeticContext {
  return {
    ...arithmeticIn(frame, run),
    text: (word) => {
      // What is nested too deeply for the grammar it leaves as it stands.
      if (word.parts === undefined && /[$`]/.test(word.value)) {
        run.uncertain('an arithmetic expression could not be read');
      }
      if (word.parts === undefined) return word.value;
      const items = word.parts.flatMap((part) => partItems(part, true, frame, run));
      const text = exactText(joinItems(items));
      runSubscripts(text, frame, run);
      return text;
    },
    run: (part) => {
      run.runScript(part.script, subshell(frame, null));
    },
  };
}
