/**
 * Does a sed program do more than edit text? It reads commands as sed does (POSIX sed; GNU e, F, R, W,
 * z and the flags e and w). Not caught here: what the text looks like afterwards.
 */

/** True when the program runs commands or opens files, or can't be read. */
export function sedActs(program: string): boolean {
  let at = 0;
  const skip = (pattern: RegExp) => {
    while (at < program.length && pattern.test(program[at] as string)) at++;
  };
  while (at < program.length) {
    skip(/[\s;{}]/);
    if (program[at] === '#') {
      skip(/[^\n]/);
      continue;
    }
    const address = skipAddresses(program, at);
    if (address === null) return true;
    at = address;
    skip(/[\s!]/);
    const command = program[at];
    if (command === undefined || command === '}' || command === '{') continue;
    at++;
    if (command === 's' || command === 'y') {
      const end = skipParts(program, at, 2);
      if (end === null) return true;
      at = end;
      const flags = /^[a-zA-Z0-9]*/.exec(program.slice(at))?.[0] ?? '';
      if (/[ewW]/.test(flags)) return true;
      at += flags.length;
    } else if (/[aic]/.test(command)) {
      // Text up to a line end that isn't escaped.
      while (at < program.length && program[at] !== '\n') at += program[at] === '\\' ? 2 : 1;
    } else if (/[btT:]/.test(command)) skip(/[^;\n}]/);
    else if (/[dDgGhHlnNpPqQxz=F]/.test(command)) skip(/[\d ]/);
    else return true;
  }
  return false;
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
  const delimiter = program[from];
  if (delimiter === undefined) return null;
  let at = from + 1;
  for (let part = 0; part < count; part++) {
    let inSet = false;
    for (; ; at++) {
      const char = program[at];
      if (char === undefined) return null;
      if (char === '\\') at++;
      else if (char === '[' && part === 0) inSet = true;
      else if (char === ']') inSet = false;
      else if (char === delimiter && !inSet) break;
    }
    at++;
  }
  return at;
}
