/**
 * What an awk program does besides printing: files that it opens, commands that it runs, where they are
 * literal. Not caught here: what it makes of its input.
 */

export interface AwkActs {
  readonly files: readonly { readonly access: 'read' | 'write'; readonly path: string }[];
  readonly commands: readonly string[];
  /** It opens or runs what can't be told from its text. */
  readonly isOpen: boolean;
}

/** Longer programs are not looked into. */
const MAX_PROGRAM_CHARACTERS = 16_384;
/** Stands around the number of a string in the program without its strings. */
const MARK = '\u0001';
const STRING = `${MARK}(\\d+)${MARK}`;
/** Behind a file's name; anything else goes on with it. */
const END = '\\s*(?=[;})\\n&|<>]|$)';

const READS = new RegExp(`\\bgetline\\b(?:\\s+[\\w$[\\]]+)?\\s*<\\s*${STRING}${END}`, 'g');
const WRITES = new RegExp(`>>?\\s*${STRING}${END}`, 'g');
const RUNS = new RegExp(`\\bsystem\\s*\\(\\s*${STRING}\\s*\\)`, 'g');
const PIPES_IN = new RegExp(`${STRING}\\s*\\)?\\s*\\|&?\\s*getline\\b`, 'g');
const PIPES_OUT = new RegExp(`\\|&?\\s*${STRING}${END}`, 'g');
const OPEN = new RegExp(
  String.raw`\bsystem\s*\(|\bgetline\b[^;}\n]*<|\|\s*&?\s*getline|(?<!\|)\|(?!\|)|` +
    String.raw`>\s*(?:${MARK}|\$|[A-Za-z(])|@(?:load|include)|@\w+\s*\(|\bARG[VC]\b[^=\n]*=`,
);
const STANDARD = /^(?:-|\/dev\/(?:stdin|stdout|stderr|null|tty))$/;

export function readAwk(program: string): AwkActs {
  if (program.length > MAX_PROGRAM_CHARACTERS) return { files: [], commands: [], isOpen: true };
  const { skeleton, strings } = takeStrings(program);
  const files: { access: 'read' | 'write'; path: string }[] = [];
  const commands: string[] = [];
  const open = (access: 'read' | 'write') => (_: string, number: string) => {
    const path = strings[Number(number)] ?? '';
    if (!STANDARD.test(path)) files.push({ access, path });
    return ' ';
  };
  const run = (_: string, number: string) => {
    commands.push(strings[Number(number)] ?? '');
    return ' ';
  };
  const rest = skeleton
    .replace(RUNS, run)
    .replace(PIPES_IN, run)
    .replace(READS, open('read'))
    .replace(PIPES_OUT, run)
    .replace(WRITES, open('write'));
  // A plain getline only reads on in the input.
  return { files, commands, isOpen: OPEN.test(rest) };
}

/** Strings become marks, patterns and comments vanish: neither can do anything. */
function takeStrings(program: string): { readonly skeleton: string; readonly strings: string[] } {
  const strings: string[] = [];
  let skeleton = '';
  const source = program.replaceAll(MARK, ' ').replace(/\\\n/g, ' ');
  for (let at = 0; at < source.length;) {
    const char = source[at] as string;
    if (char === '"') {
      const end = closing(source, at);
      skeleton += `${MARK}${strings.length}${MARK}`;
      strings.push(unescape(source.slice(at + 1, end)));
      at = end + 1;
    } else if (char === '/' && /(?:^|[(,{;!~&|\n=])\s*$/.test(skeleton.slice(-MAX_BLANKS))) {
      skeleton += '0';
      at = closing(source, at) + 1;
    } else if (char === '#') {
      const end = source.indexOf('\n', at);
      at = end < 0 ? source.length : end;
    } else {
      skeleton += char;
      at++;
    }
  }
  return { skeleton, strings };
}

/** Blanks between an operator and a pattern. */
const MAX_BLANKS = 32;

function closing(source: string, open: number): number {
  for (let at = open + 1; at < source.length && source[at] !== '\n'; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === source[open]) return at;
  }
  return source.length;
}

function unescape(text: string): string {
  return text.replace(/\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)/gs, (_, code: string) => {
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    if (/^x./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return { n: '\n', t: '\t' }[code] ?? code;
  });
}
