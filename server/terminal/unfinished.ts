/**
 * Is a shell going to ask for more? A quick look at quotes, here-documents, operators and keywords.
 * Not caught here: aliases and extended patterns that change what a word means; the answer only decides
 * whether the next line is also judged together with this one.
 */

type Quote = "'" | '"' | '`' | null;

const OPENERS = new Set(['for', 'while', 'until', 'select', 'if', 'case', '{', '(', '((', '[[']);
const CLOSERS = new Set(['done', 'fi', 'esac', '}', ')', '))', ']]']);
/** After these a command may start. */
const LEADERS = new Set(['do', 'then', 'else', 'elif', '!', 'time', '{', 'if', 'while', 'until']);

/** `cut`: inside quotes or a here-document, or after an operator. `block`: inside a compound command. */
export type Unfinished = 'cut' | 'block' | null;

/** @param text one or more lines as submitted so far, without the last line break */
export function unfinished(text: string): Unfinished {
  const here: string[] = [];
  let depth = 0;
  let continues = false;
  for (let from = 0; from <= text.length;) {
    const joined = joinedLine(text, from);
    if (joined === null) return 'cut';
    from = joined.end + 1;
    const words = wordsOf(joined.line);
    depth += depthOf(words);
    continues =
      /^(?:\||\|\||&&|\|&)$/.test(words.at(-1) ?? '') || (continues && words.length === 0);
    for (const delimiter of hereDelimiters(words)) here.push(delimiter);
    for (; here.length > 0 && from <= text.length;) {
      const end = endOfLine(text, from);
      if (text.slice(from, end).replace(/^\t+/, '') === here[0]) here.shift();
      from = end + 1;
    }
  }
  if (continues || here.length > 0) return 'cut';
  return depth > 0 ? 'block' : null;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

/**
 * The line that begins at `from` with those that a quote or a backslash joins to it.
 * @returns null when it goes on behind the text
 */
function joinedLine(
  text: string,
  from: number,
): { readonly line: string; readonly end: number } | null {
  let line = '';
  let quote: Quote = null;
  let start = from;
  for (let at = from; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\' && quote !== "'") {
      if (at + 1 === text.length) return null;
      if (text.charAt(at + 1) === '\n') {
        line += text.slice(start, at);
        start = at + 2;
      }
      at += 1;
    } else if (quote !== null) {
      if (char === quote) quote = null;
    } else if (char === "'" || char === '"' || char === '`') quote = char;
    else if (char === '\n') return { line: line + text.slice(start, at), end: at };
    else if (char === '#' && (at === from || /[\s;&|()]/.test(text.charAt(at - 1)))) {
      at = endOfLine(text, at) - 1;
    }
  }
  return quote === null ? { line: line + text.slice(start), end: text.length } : null;
}

/** Words and operators outside quotes; a quoted part becomes a placeholder, a comment nothing. */
function wordsOf(line: string): string[] {
  const plain = line.replace(
    /\\.|'[^']*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|(?<![^\s;&|()])#.*/gs,
    (part) => (part.startsWith('#') ? '' : quotedWord(part)),
  );
  return plain.match(/\$?\(\(|\$\(|<<-?|\|\||&&|\|&|;;|[;&|()\n]|[^\s;&|()<]+|</g) ?? [];
}

/** A quoted word keeps its letters, for here-document delimiters; it is never a keyword. */
function quotedWord(part: string): string {
  return `\u0001${part.replace(/[^\w.-]/g, '')}`;
}

function depthOf(words: readonly string[]): number {
  let depth = 0;
  let isCommand = true;
  let inCase = 0;
  for (const word of words) {
    if (word === '(' || word === '$(' || word === '((' || word === '$((')
      depth += word.endsWith('((') ? 2 : 1;
    else if (word === ')') depth -= depth > 0 && inCase === 0 ? 1 : 0;
    else if (isCommand && OPENERS.has(word)) {
      depth += 1;
      if (word === 'case') inCase += 1;
    } else if (isCommand && CLOSERS.has(word)) {
      depth -= 1;
      if (word === 'esac') inCase -= 1;
    } else if (word === ']]') depth -= 1;
    isCommand =
      /^(?:[;&|()\n]|\|\||&&|\|&|;;|\$\()$/.test(word) || (isCommand && LEADERS.has(word));
  }
  return depth;
}

function hereDelimiters(words: readonly string[]): string[] {
  const delimiters: string[] = [];
  for (const [at, word] of words.entries()) {
    const next = words[at + 1];
    // `<<<` is a here-string: its third `<` is a word of its own.
    if (!/^<<-?$/.test(word) || next === undefined || next === '<') continue;
    delimiters.push(next.replaceAll('\u0001', ''));
  }
  return delimiters;
}
