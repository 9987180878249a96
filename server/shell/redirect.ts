/**
 * Redirections: which files a command opens, and what it reads as standard input. Not caught here:
 * descriptors that were opened before the session's first line.
 */
import { expandBody } from './expand.ts';
import type { RedirectionNode } from './grammar.ts';
import { absolutePath } from './path.ts';
import { throughLinks } from './program-file.ts';
import type { Frame, Runner } from './runner.ts';
import type { Input } from './state.ts';
import type { Word } from './word.ts';
import { exactText } from './word.ts';
import { checkRedirections } from './zsh.ts';

export interface Redirected {
  readonly files: readonly { readonly access: 'read' | 'write'; readonly word: Word }[];
  /** Standard input, if redirected. */
  readonly input: Input | null;
  /** Standard output goes to a file (known paths) or another command instead of onwards. */
  readonly outputTaken: boolean;
  readonly outputPaths: readonly { readonly path: string; readonly append: boolean }[];
  readonly descriptors: ReadonlyMap<number, Input>;
}

const NOTHING: Redirected = {
  files: [],
  input: null,
  outputTaken: false,
  outputPaths: [],
  descriptors: new Map(),
};

export function readRedirections(
  nodes: readonly RedirectionNode[],
  frame: Frame,
  run: Runner,
): Redirected {
  if (nodes.length === 0) return NOTHING;
  const files: { access: 'read' | 'write'; word: Word }[] = [];
  const outputPaths: { path: string; append: boolean }[] = [];
  const descriptors = new Map<number, Input>();
  let input: Input | null = null;
  let outputTaken = false;
  const feed = (descriptor: number, value: Input) => {
    if (descriptor === 0) input = value;
    descriptors.set(descriptor, value);
  };
  checkRedirections(nodes, run);
  for (const node of nodes) {
    if (!run.spend(1)) break;
    const descriptor = node.descriptor?.type === 'FileDescriptor' ? node.descriptor.value : null;
    if (node.type === 'HereString') {
      const word = node.target === undefined ? [] : run.expandWhole(node.target, frame);
      feed(descriptor ?? 0, textInput(word, '\n'));
      continue;
    }
    if (node.type === 'HereDoc') {
      feed(descriptor ?? 0, hereDocument(node, frame, run));
      continue;
    }
    const word = node.target === undefined ? [] : run.expandWhole(node.target, frame);
    const text = exactText(word);
    if (node.operator === '<&') {
      const number = Number(text ?? 'x');
      const from = descriptors.get(number) ?? frame.state.descriptors.get(number);
      feed(descriptor ?? 0, from ?? { kind: 'unknown', why: 'a copied descriptor' });
      continue;
    }
    if (node.operator === '>&' && text !== null && /^(\d+|-)-?$/.test(text)) {
      if (descriptor === 0) feed(0, { kind: 'unknown', why: 'a copied descriptor' });
      continue;
    }
    const reads = node.operator === '<' || node.operator === '<>';
    const process = word.find((piece) => piece.kind === 'process');
    if (process === undefined) {
      const opened = ledOn(word, frame);
      if (reads) files.push({ access: 'read', word: opened });
      if (!reads || node.operator === '<>') files.push({ access: 'write', word: opened });
    }
    if (reads) {
      if (process?.kind === 'process' && process.reads !== null) {
        feed(descriptor ?? 0, { kind: 'text', text: process.reads });
      } else feed(descriptor ?? 0, fileInput(word, frame));
    } else if (descriptor === null || descriptor === 1) {
      outputTaken = true;
      const path = text === null ? null : absolutePath(text, frame.state.likeliestDirectory);
      if (path !== null) outputPaths.push({ path, append: node.operator.includes('>>') });
    }
  }
  return { files, input, outputTaken, outputPaths, descriptors };
}

const OPENER: Word = [{ kind: 'text', text: '<', quoted: true }];

/** Where a link of the session leads. */
function ledOn(word: Word, frame: Frame): Word {
  if (frame.state.files.size === 0) return word;
  return throughLinks([OPENER, word], frame)?.[1] ?? word;
}

function textInput(word: Word, end: string): Input {
  const text = exactText(word);
  return text === null
    ? { kind: 'unknown', why: 'the text that it reads is not known' }
    : { kind: 'text', text: text + end };
}

/** What reading a file gives, if this session wrote it. */
export function fileInput(word: Word, frame: Frame): Input {
  const text = exactText(word);
  const path = text === null ? null : absolutePath(text, frame.state.likeliestDirectory);
  if (path === '/dev/null') return { kind: 'text', text: '' };
  if (path !== null && /^\/dev\/(stdin|tty|fd\/0)$|^\/proc\/self\/fd\/0$/.test(path))
    return frame.input;
  const file = path === null ? undefined : frame.state.files.get(path);
  if (file?.kind === 'text') return { kind: 'text', text: file.text };
  return { kind: 'unknown', why: 'the contents of a file are not known' };
}

function hereDocument(
  node: Extract<RedirectionNode, { type: 'HereDoc' }>,
  frame: Frame,
  run: Runner,
): Input {
  const { body } = node;
  if (node.delimiter?.quoted === true || body.parts === undefined) {
    // Unquoted bodies still lose the backslash before `$`, a backquote, a backslash and a line end.
    const raw =
      node.delimiter?.quoted === true
        ? body.text
        : body.text.replace(/\\(\n|[$`\\])/g, (_, char: string) => (char === '\n' ? '' : char));
    return { kind: 'text', text: dedent(raw, node.operator) };
  }
  const input = textInput(expandBody(body.parts, frame, run), '');
  return input.kind === 'text' ? { kind: 'text', text: dedent(input.text, node.operator) } : input;
}

function dedent(text: string, operator: '<<' | '<<-'): string {
  return operator === '<<-' ? text.replace(/^\t+/gm, '') : text;
}
