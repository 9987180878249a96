/**
 * Has a whole command arrived? For callers that feed a shell's input line by line. Not caught here:
 * what an interactive shell asks for when its own options change the grammar.
 */
import { parseShell } from './grammar.ts';
import type { Statement } from './grammar.ts';
import { MAX_LINE_BYTES } from './limits.ts';

/** Errors of the parser that more input may cure. */
const CURABLE =
  /^(unterminated|expected .*(to close|'then'|'do'|'in'))|^expected (command (after|in)|compound command as function body)\b/;

/**
 * @param text what has arrived so far, line ends included
 * @returns `incomplete`: the shell would wait for more lines (open quote, `if` without `fi`,
 *   here-document, trailing backslash, pipe or `&&`); `invalid`: more input can't make it right
 */
export function isCompleteInput(text: string): 'complete' | 'incomplete' | 'invalid' {
  if (Buffer.byteLength(text) > MAX_LINE_BYTES) return 'invalid';
  const parsed = parseShell(text);
  if (parsed.kind === 'refused') return 'invalid';
  const { errors, commands } = parsed.script;
  if (errors !== undefined && errors.length > 0) {
    // `( )` is closed, though empty; what is still open says so in an error of its own.
    const isOpen = errors.some(({ message }) => !message.startsWith('expected command in'));
    return isOpen && errors.every((error) => CURABLE.test(error.message) && atEnd(text, error))
      ? 'incomplete'
      : 'invalid';
  }
  if (text.includes('<<') && hasOpenHereDocument(commands)) return 'incomplete';
  return endsInContinuation(text) ? 'incomplete' : 'complete';
}

/**
 * @param text complete input
 * @returns how much of it the shell reads before it runs the first of it: whole lines, with the
 *   here-documents that they begin; all of it if that can't be told
 */
export function firstCommandLength(text: string): number {
  const parsed = parseShell(text);
  if (parsed.kind === 'refused') return text.length;
  const { commands } = parsed.script;
  for (let index = 1; index < commands.length; index++) {
    const before = commands[index - 1]?.end ?? 0;
    const next = commands[index]?.pos ?? 0;
    const lineStart = text.lastIndexOf('\n', next) + 1;
    if (lineStart > before) return lineStart;
  }
  return text.length;
}

/** Something is still open at the end, or it opened before and was never closed. */
function atEnd(text: string, error: { readonly message: string; readonly pos: number }): boolean {
  if (error.message.startsWith('unterminated')) return true;
  if (error.message.startsWith('expected command in')) return true;
  return (
    text
      .slice(error.pos)
      .replace(/#[^\n]*|\\\n/g, '')
      .trim() === ''
  );
}

/** A backslash before the last line end joins it with the next line. */
function endsInContinuation(text: string): boolean {
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  let slashes = 0;
  while (body[body.length - 1 - slashes] === '\\') slashes++;
  if (slashes % 2 === 0) return false;
  const line = body.slice(body.lastIndexOf('\n') + 1);
  return !/(^|\s)#/.test(line);
}

function hasOpenHereDocument(commands: readonly Statement[]): boolean {
  let open = false;
  const look = (node: object) => {
    if (
      'type' in node &&
      node.type === 'HereDoc' &&
      !('closing' in node && node.closing !== undefined)
    ) {
      open = true;
    }
    for (const [key, value] of Object.entries(node)) {
      if (key === 'parts' || open) continue;
      if (Array.isArray(value)) for (const item of value) if (isNode(item)) look(item);
      if (!Array.isArray(value) && isNode(value)) look(value);
    }
  };
  for (const command of commands) look(command);
  return open;
}

function isNode(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
