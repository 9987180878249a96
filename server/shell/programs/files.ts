/**
 * Programs that make files which a later command of the session may run: copies, links, downloads.
 * Not caught here: archives and clones, of which only the directory is remembered (`written-names.ts`), and
 * compilers; what they make is a program like any other on the target.
 */
import { kernelCommand, laterFile } from '../later-files.ts';
import { NO_VALUES, optionGrammar } from '../option-table.ts';
import { dropLeading, leading, optionValue, readOptions } from '../options.ts';
import { absolutePath, baseName } from '../path.ts';
import type { Call, Output, Program } from '../runner.ts';
import type { KnownFile } from '../state.ts';
import { remember } from '../state.ts';
import { exactText } from '../word.ts';
import type { Word } from '../word.ts';

function pathOf(call: Call, word: Word): string | null {
  const text = exactText(word);
  return text === null ? null : absolutePath(text, call.frame.state.likeliestDirectory);
}

function note(call: Call, path: string | null, file: KnownFile): void {
  if (path === null || path.startsWith('/dev/')) return;
  laterFile(path, file.kind === 'text' ? file.text : null, call.frame, call.run);
  remember(call.shell.files, path, file);
}

/** cp, mv, ln, install: the target is what the source is. */
function copies(call: Call): Output {
  const read = readOptions(call.words, optionGrammar(call.name), false);
  const words = read.operands.map(({ word }) => word);
  const into = optionValue(read, '-t', '--target-directory');
  const target = into ?? words.pop();
  if (target === undefined || target === null) return null;
  const to = pathOf(call, target);
  for (const word of words) {
    const from = pathOf(call, word);
    if (from === null || to === null) continue;
    const known = call.shell.files.get(from);
    const file = known ?? fileLike(call, from);
    // The target may be a directory: then the copy keeps its name.
    note(call, to, file);
    note(call, `${to}/${baseName(from)}`, file);
  }
  return null;
}

/** A link stands for its target in every path; a copy has only its content. */
function fileLike(call: Call, from: string): KnownFile {
  const isLink = call.name === 'ln' && call.texts.some((text) => /^(-\w*s|--sym)/.test(text ?? ''));
  return isLink ? { kind: 'copy', of: from, link: true } : { kind: 'copy', of: from };
}

/** `mount --bind OLD NEW` shows a directory in another place. */
function mount(call: Call): Output {
  const binds = call.texts.some((text) => /^(-\w*[BM]|--(r?bind|move))$/.test(text ?? ''));
  const asOption = call.texts.some((text) => /(^|,)r?bind(,|$)/.test(text ?? ''));
  if (!binds && !asOption) return null;
  const words = readOptions(call.words, { ...NO_VALUES, short: 'otLUO' }, false).operands;
  const [from, to] = words.map(({ word }) => pathOf(call, word));
  if (typeof from !== 'string' || typeof to !== 'string') return null;
  remember(call.shell.files, to, { kind: 'copy', of: from, link: true });
  return null;
}

function tee(call: Call): Output {
  const { input } = call.frame;
  const text = input.kind === 'text' ? input.text : null;
  const read = readOptions(call.words, NO_VALUES, false);
  for (const { word } of read.operands) {
    note(call, pathOf(call, word), text === null ? { kind: 'unknown' } : { kind: 'text', text });
  }
  return text;
}

/** Options and words that name a file whose contents come from elsewhere. */
function fetches(call: Call): Output {
  const read = readOptions(call.words, optionGrammar(call.name), false);
  const target = optionValue(read, '-o', '-O', '--output', '--output-document');
  if (target !== undefined && target !== null)
    note(call, pathOf(call, target), { kind: 'unknown' });
  for (const { word } of read.operands) {
    const name = /([^/?#]+)(?:[?#].*)?$/.exec(exactText(word) ?? '')?.[1];
    if (name !== undefined)
      note(call, absolutePath(name, call.frame.state.likeliestDirectory), { kind: 'unknown' });
  }
  return null;
}

function dd(call: Call): Output {
  let from: string | null = null;
  for (const text of call.texts) if (text?.startsWith('if=') === true) from = text.slice(3);
  for (const text of call.texts) {
    if (text?.startsWith('of=') !== true) continue;
    const path = absolutePath(text.slice(3), call.frame.state.likeliestDirectory);
    note(call, path, from === null ? { kind: 'unknown' } : { kind: 'copy', of: from });
  }
  return null;
}

/** A file that is made executable is about to be run. */
function chmod(call: Call): Output {
  const [mode, ...files] = call.texts.filter((text) => text !== null && !/^-[A-Zcvf]/.test(text));
  if (mode === undefined || mode === null || !/x|[1357]$|[1357]\d$/.test(mode)) return null;
  for (const file of files) {
    const path = file === null ? null : absolutePath(file, call.frame.state.likeliestDirectory);
    if (path !== null && !call.shell.files.has(path)) note(call, path, { kind: 'unknown' });
  }
  return null;
}

/** Settings of the kernel that hold the command line of a program. */
const KERNEL_COMMANDS = /^-?kernel[./](?:core_pattern|modprobe|hotplug|poweroff_cmd)\s*=/;

/** `sysctl [-w] NAME=VALUE…` */
function sysctl(call: Call): Output {
  for (const word of call.words) {
    const length = KERNEL_COMMANDS.exec(leading(word))?.[0].length;
    if (length === undefined) continue;
    kernelCommand(exactText(dropLeading(word, length)), call.frame, call.run);
  }
  return null;
}

export const FILE_PROGRAMS: Readonly<Record<string, Program>> = {
  cp: copies,
  mv: copies,
  ln: copies,
  install: copies,
  link: copies,
  mount,
  tee,
  curl: fetches,
  wget: fetches,
  dd,
  chmod,
  sysctl,
};
