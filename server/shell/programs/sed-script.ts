/**
 * What a sed program does besides editing text. It reads commands as sed does (POSIX sed; GNU e, F, R, W,
 * z and the flags e and w). Not caught here: what the text looks like afterwards.
 */

export interface SedActs {
  /** Files that it opens. */
  readonly files: readonly { readonly access: 'read' | 'write'; readonly path: string }[];
  /** Command lines that it runs. */
  readonly commands: readonly string[];
  /** It runs what the text says, or the program can't be read. */
  readonly isOpen: boolean;
}

/** What the flag `e` runs when the whole text of a line is replaced. */
const WHOLE_LINE = /^\^?\.\*\$?$/;

export function readSed(program: string): SedActs {
  const files: { access: 'read' | 'write'; path: string }[] = [];
  const commands: string[] = [];
  let at = 0;
  const skip = (pattern: RegExp) => {
    while (at < program.length && pattern.test(program[at] as string)) at++;
  };
  const restOfLine = () => {
    const end = program.indexOf('\n', at);
    const rest = program.slice(at, end < 0 ? undefined : end);
    at = end < 0 ? program.length : end;
    return rest.trim();
  };
  const open = (access: 'read' | 'write', path: string) => {
    if (path !== '' && !/^\/dev\/std(out|err|in)$/.test(path)) files.push({ access, path });
  };
  const unread = { files, commands, isOpen: true };
  while (at < program.length) {
    skip(/[\s;{}]/);
    if (program[at] === '#') {
      skip(/[^\n]/);
      continue;
    }
    const address = skipAddresses(program, at);
    if (address === null) return unread;
    at = address;
    skip(/[\s!]/);
    const command = program[at];
    if (command === undefined || command === '}' || command === '{') continue;
    at++;
    if (command === 's' || command === 'y') {
      const end = skipParts(program, at, 2);
      if (end === null) return unread;
      const [pattern = '', replacement = ''] = parts(program, at);
      at = end;
      const flags = /^[a-vx-zA-VX-Z0-9]*/.exec(program.slice(at))?.[0] ?? '';
      at += flags.length;
      if (flags.includes('e')) {
        if (!WHOLE_LINE.test(pattern) || /&|\\[\dLUElu]/.test(replacement)) return unread;
        commands.push(replacement.replace(/\\([^n])/g, '$1'));
      }
      if (program[at] === 'w' || program[at] === 'W') {
        at++;
        open('write', restOfLine());
      }
    } else if (/[aic]/.test(command)) {
      // Text up to a line end that isn't escaped.
      while (at < program.length && program[at] !== '\n') at += program[at] === '\\' ? 2 : 1;
    } else if (/[btT:]/.test(command)) skip(/[^;\n}]/);
    else if (/[dDgGhHlnNpPqQxzF=]/.test(command)) skip(/[\d ]/);
    else if (/[rR]/.test(command)) open('read', restOfLine());
    else if (/[wW]/.test(command)) open('write', restOfLine());
    else if (command === 'e') {
      const line = restOfLine();
      if (line === '') return unread;
      commands.push(line);
    } else return unread;
  }
  return { files, commands, isOpen: false };
}

function skipAddresses(program: string, from: number): number | null {
  let at = from;
  for (let count = 0; count < 2; count++) {
    const rest = program.slice(at, at + 24);
    const plain = /^(\d+(~\d+)?|\$|[+~]\d+)/.exec(rest)?.[0];
    if (plain !== undefined) at += plain.length;
    else if (rest.startsWith('/') || rest.startsWith('\\')) {
      const end = skipParts(program, rest.startsWith('\\') ? at + 1 : at, 1);
      if (end === null) return null;
      at = end;
      while (/[IM]/.test(program[at] ?? '')) at++;
    } else if (count === 1) return null;
    else return at;
    if (!/^\s*,/.test(program.slice(at, at + 8))) return at;
    at += (/^\s*,\s*/.exec(program.slice(at, at + 16))?.[0] ?? ',').length;
  }
  return at;
}

/** The index after `count` parts between the delimiter at `from`; null = they don't end. */
function skipParts(program: string, from: number, count: number): number | null {
  if (program[from] === undefined) return null;
  let at = from + 1;
  for (let part = 0; part < count; part++) {
    const end = partEnd(program, from, at, part === 0);
    if (end === null) return null;
    at = end + 1;
  }
  return at;
}

/** Pattern and replacement between the delimiter at `from`. */
function parts(program: string, from: number): readonly string[] {
  const middle = partEnd(program, from, from + 1, true) ?? from;
  const end = partEnd(program, from, middle + 1, false) ?? middle;
  return [program.slice(from + 1, middle), program.slice(middle + 1, end)];
}

function partEnd(program: string, from: number, start: number, isPattern: boolean): number | null {
  const delimiter = program[from];
  let inSet = false;
  for (let at = start; ; at++) {
    const char = program[at];
    if (char === undefined) return null;
    if (char === '\\') at++;
    else if (char === '[' && isPattern) inSet = true;
    else if (char === ']') inSet = false;
    else if (char === delimiter && !inSet) return at;
  }
}
