/**
 * Finds calls of a shell, and files that are opened or deleted, with literal arguments in program text
 * of python, perl, ruby, php, node, lua. Not caught here: anything else that code does; only text made
 * of nothing but such calls of a shell, imports and prints of literals is called complete.
 */

export interface CodeActs {
  /** A command line for a shell, or the words of a command. */
  readonly commands: readonly (string | readonly string[])[];
  readonly files: readonly {
    readonly access: 'read' | 'write' | 'delete';
    readonly path: string;
  }[];
  /** Nothing but commands is in the text. */
  readonly complete: boolean;
}

/** Longer code is not looked into. */
const MAX_CODE_CHARACTERS = 8_192;
/** Stands around the number of a literal in the text without its literals. */
const MARK = '\u0001';
const LITERAL = String.raw`${MARK}\d+${MARK}`;
const LIST = String.raw`\[[^\[\]]*\]`;
const CALLERS =
  String.raw`os\.system|os\.popen|os\.(?:exec|spawn|posix_spawn)\w*|pty\.spawn|subprocess\.(?:run|call|check_call|check_output|Popen|getoutput|getstatusoutput)|` +
  String.raw`commands\.getoutput|os\.execute|io\.popen|child_process\.\w+|(?:\w+\.)?(?:exec(?:File)?Sync|execFile|spawnSync|spawn)|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|` +
  String.raw`system|IO\.popen|Open3\.\w+|Process\.spawn|Kernel\.\w+|os:cmd|System\.cmd|Deno\.Command`;
const CALL = new RegExp(
  String.raw`(?:(?:__import__|require)\(\s*${LITERAL}\s*\)\.|(?<![\w.$>]))(${CALLERS})\b\s*\(?\s*((?:${LITERAL}|${LIST})(?:\s*,\s*(?:${LITERAL}|${LIST}))*)(?:\s*,\s*\w+\s*=\s*\w+)*\s*\)?`,
  'g',
);
const INERT = new RegExp(
  String.raw`^(?:\s|;|(?:import|from|use|require)\b[\s\w.,:*]*(?:${LITERAL})?\s*(?:;|\n|$)|print\s*\(?\s*(?:${LITERAL}|-?\d+)?\s*\)?)*$`,
);
const JOINED = new RegExp(String.raw`(${LITERAL})\s*(?:\+|\.\.?)?\s*(${LITERAL})`);
const NAMES = '[\\w.:>-]*?';
/** Calls with the path as first argument, by what they do to it. */
const FILE_CALLS: readonly (readonly ['read' | 'write' | 'delete', RegExp])[] = [
  [
    'delete',
    new RegExp(
      String.raw`(?<![\w$.:>-])${NAMES}(?:unlink|unlinkSync|remove|removedirs|rmtree|remove_tree|rmdir|rmdirSync|rmSync|rm|rm_r|rm_rf|rm_f|delete|remove_dir_all|removeSync|rimraf)\b\s*\(?\s*(${LITERAL})`,
      'g',
    ),
  ],
  [
    'write',
    new RegExp(
      String.raw`(?<![\w$.:>-])${NAMES}(?:writeFile|writeFileSync|appendFile|appendFileSync|file_put_contents|truncate|truncateSync|createWriteStream|File\.write|IO\.write|write_text)\b\s*\(?\s*(${LITERAL})`,
      'g',
    ),
  ],
  [
    'read',
    new RegExp(
      String.raw`(?<![\w$.:>-])${NAMES}(?:readFile|readFileSync|readTextFileSync|createReadStream|file_get_contents|readfile|file|fopen|highlight_file|show_source|include|open|read|readlines|foreach|lines|dofile|loadfile|slurp|Path)\b\s*\(?\s*(${LITERAL})`,
      'g',
    ),
  ],
];
/** `open F, "<x"`, `open(my $f, '>', "x")`. */
const PERL_OPEN = new RegExp(
  String.raw`\bopen\s*\(?\s*(?:my\s*)?[$\w]+\s*,\s*(${LITERAL})(?:\s*,\s*(${LITERAL}))?`,
  'g',
);
/** `open("x", "w")`, `File.open("x", "w")`. */
const MODE_OPEN = new RegExp(
  String.raw`open\s*\(\s*(${LITERAL})\s*,\s*(?:mode\s*=\s*)?(${LITERAL})`,
  'g',
);

interface Literals {
  readonly skeleton: string;
  readonly values: readonly string[];
  /** Texts in backquotes and `qx(…)`. */
  readonly shells: readonly string[];
  /** A literal may hold code of its own (`"#{…}"`). */
  readonly isOpen: boolean;
}

/** @param interpreter tells what a backquote means */
export function readCode(text: string, interpreter: string): CodeActs {
  if (text.length > MAX_CODE_CHARACTERS) return { commands: [], files: [], complete: false };
  const { skeleton, values, shells, isOpen } = takeLiterals(text, interpreter);
  const commands: (string | readonly string[])[] = [...shells];
  const rest = skeleton.replace(CALL, (_, caller: string, found: string) => {
    const words = [...found.matchAll(new RegExp(LITERAL, 'g'))].map(([one]) =>
      valueOf(one, values),
    );
    const isList = found.startsWith('[') || words.length > 1;
    // The name that the program itself sees comes twice.
    if (/^os\.(exec|spawn|posix)/.test(caller)) words.splice(1, 1);
    if (words.length > 0) commands.push(isList ? words : (words[0] ?? ''));
    return '';
  });
  return {
    commands,
    files: filesIn(skeleton, values),
    complete: !isOpen && INERT.test(rest),
  };
}

function valueOf(mark: string, values: readonly string[]): string {
  return values[Number(mark.slice(1, -1))] ?? '';
}

function filesIn(skeleton: string, values: readonly string[]): CodeActs['files'] {
  const files: { access: 'read' | 'write' | 'delete'; path: string }[] = [];
  for (const [access, pattern] of FILE_CALLS) {
    for (const match of skeleton.matchAll(pattern)) {
      files.push({ access, path: valueOf(match[1] ?? '', values) });
    }
  }
  for (const match of skeleton.matchAll(PERL_OPEN)) {
    const first = valueOf(match[1] ?? '', values);
    const mode = /^\s*\+?[<>]*/.exec(first)?.[0] ?? '';
    const path = match[2] === undefined ? first.slice(mode.length) : valueOf(match[2], values);
    files.push({ access: mode.includes('>') ? 'write' : 'read', path: path.trim() });
  }
  for (const match of skeleton.matchAll(MODE_OPEN)) {
    if (/[wax+]/.test(valueOf(match[2] ?? '', values))) {
      files.push({ access: 'write', path: valueOf(match[1] ?? '', values) });
    }
  }
  return files.filter(({ path }) => path !== '');
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '{': '}', '[': ']' };

/** Puts marks in the place of literals, and joins those that stand for one text. */
function takeLiterals(text: string, interpreter: string): Literals {
  const values: string[] = [];
  const shells: string[] = [];
  let isOpen = false;
  let skeleton = '';
  const isNode = /^(node|deno|bun|js|jrunscript)/.test(interpreter);
  const source = text.replaceAll(MARK, ' ');
  for (let at = 0; at < source.length;) {
    const char = source[at] as string;
    const shell = /^(?:%x|qx)\s*([({[/|!])/.exec(source.slice(at, at + 12));
    if (shell !== null && !/\w/.test(source[at - 1] ?? '')) {
      const close = CLOSING[shell[1] ?? ''] ?? shell[1] ?? '';
      const start = at + shell[0].length;
      const end = source.indexOf(close, start);
      shells.push(source.slice(start, end < 0 ? undefined : end));
      at = end < 0 ? source.length : end + 1;
    } else if (char === '"' || char === "'" || char === '`') {
      const end = literalEnd(source, at);
      const raw = source.slice(at + 1, end);
      if (char === '`' && !isNode) shells.push(raw);
      else {
        // Some languages run what stands in braces or behind a sign in a literal.
        if (char !== "'" && /[#$@]\{|\$\(|\{\$|@\{\[/.test(raw)) isOpen = true;
        skeleton += `${MARK}${values.length}${MARK}`;
        values.push(unescape(raw));
      }
      at = end + 1;
    } else {
      skeleton += char;
      at++;
    }
  }
  return { skeleton: joinLiterals(skeleton, values), values, shells, isOpen };
}

const MAX_JOINS = 64;

/** `"a" + "b"`, `"a" . "b"`, `"a" "b"` are one text. */
function joinLiterals(skeleton: string, values: string[]): string {
  let joined = skeleton;
  for (let count = 0; count < MAX_JOINS; count++) {
    const before = joined;
    joined = joined.replace(JOINED, (_, one: string, other: string) => {
      values.push(valueOf(one, values) + valueOf(other, values));
      return `${MARK}${values.length - 1}${MARK}`;
    });
    if (joined === before) break;
  }
  return joined;
}

function literalEnd(source: string, open: number): number {
  for (let at = open + 1; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === source[open]) return at;
  }
  return source.length;
}

function unescape(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[0-7]{1,3}|.)/gs, (_, code: string) => {
    if (/^[xu]./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    return ESCAPES[code] ?? code;
  });
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '' };
