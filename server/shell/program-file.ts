/**
 * The program behind a name: a file that the session made may be a copy of another, or a script. Not
 * caught here: links and copies that were there before the session.
 */
import { absolutePath, baseName } from './path.ts';
import type { Frame, Runner } from './runner.ts';
import { subshell } from './runner.ts';
import type { ShellState } from './state.ts';
import { isUnpacked, mayBeWritten } from './written-names.ts';
import type { Word } from './word.ts';
import { exactText, literal, patternText } from './word.ts';

const PROGRAM_DIRECTORIES =
  '~/bin ~/.local/bin /usr/local/bin /usr/local/sbin /usr/bin /usr/sbin /bin /sbin'.split(' ');
const OPEN_DIRECTORY = /^\/(tmp|var\/tmp|dev\/shm)\//;

/** Begins without an interpreter, or with a shell. */
const SHELL_SCRIPT = /^(?!#!)|^#!\s*\/\S*\/(?:env\s+)?(?:ba|da|z|k)?sh(?:\s|$)/;

/** Is the script a file that the session made, or one that anybody could have made? */
export function mayBeOwn(path: string, state: ShellState): boolean {
  return (
    state.files.has(path) ||
    OPEN_DIRECTORY.test(path) ||
    /^\/(?:dev|proc)\//.test(path) ||
    mayBeWritten(path, state.named)
  );
}

/** @returns the base name under which the program is known */
export function programName(path: string, frame: Frame, run: Runner): string {
  const { files, likeliestDirectory } = frame.state;
  const isPath = path.includes('/');
  if (!isPath && files.size === 0) return path;
  const absolute = isPath ? absolutePath(path, likeliestDirectory) : installed(path, files);
  const file = absolute === null ? undefined : files.get(absolute);
  if (file?.kind === 'copy') {
    if (baseName(file.of) !== path) {
      run.uncertain(`${path} is a copy of, or a link to, ${file.of}`);
    }
    return baseName(file.of);
  }
  if (file?.kind === 'text') {
    run.runText(file.text.replace(/^#!.*\n/, ''), subshell(frame, path));
    // What runs is what was read.
    if (isPath && SHELL_SCRIPT.test(file.text)) return baseName(path);
  }
  if (file !== undefined) run.uncertain(`${path} was written in this session`);
  else if (absolute !== null && OPEN_DIRECTORY.test(absolute)) {
    run.uncertain(`${path} lies where anybody can put a program`);
  } else if (absolute !== null && isUnpacked(absolute, frame.state.named)) {
    run.uncertain(`${path} may be a program that was brought in this session`);
  }
  return baseName(path);
}

/** Where a file of the session lies that a name without a path calls. */
function installed(name: string, files: ReadonlyMap<string, unknown>): string | null {
  for (const directory of PROGRAM_DIRECTORIES) {
    if (files.has(`${directory}/${name}`)) return `${directory}/${name}`;
  }
  return null;
}

/** Links and words that are looked at; a line with more of them is no ordinary one. */
const MAX_LINKS = 64;
const MAX_LINKED_WORDS = 256;

/** Programs that act on a link itself, not on what it leads to. */
const OF_LINKS = new Set(
  'rm unlink rmdir mv ln readlink ls stat test [ find chown lchown'.split(' '),
);

/** The words with paths through a link of the session led on; null if there are none. */
export function throughLinks(words: readonly Word[], frame: Frame): readonly Word[] | null {
  const { files, likeliestDirectory } = frame.state;
  const links: { readonly link: string; readonly of: string }[] = [];
  for (const [link, file] of files) {
    if (file.kind === 'copy' && file.link === true && links.length < MAX_LINKS) {
      links.push({ link, of: file.of });
    }
  }
  if (links.length === 0) return null;
  const program = baseName(exactText(words[0] ?? []) ?? '');
  let isLed = false;
  const led = words.map((word, index) => {
    const text = index === 0 || index > MAX_LINKED_WORDS ? null : patternText(word);
    const path = text === null ? null : absolutePath(text, likeliestDirectory);
    if (path === null || text === null) return word;
    for (const { link, of } of links) {
      const inside = path.startsWith(`${link}/`) || (path === link && text.endsWith('/'));
      if (!inside && (path !== link || OF_LINKS.has(program))) continue;
      isLed = true;
      const base: Word = literal(`${of}/`);
      const rest = path.slice(link.length + 1);
      return rest === '' ? literal(of) : [...base, ...globbed(rest)];
    }
    return word;
  });
  return isLed ? led : null;
}

/** Text with patterns of the shell in it as a word. */
export function globbed(text: string): Word {
  return text
    .split(/([*?]+)/)
    .filter((part) => part !== '')
    .map((part) =>
      /^[*?]+$/.test(part)
        ? ({ kind: 'glob', pattern: part } as const)
        : ({ kind: 'text', text: part, quoted: true } as const),
    );
}
