/**
 * A line as zsh reads it at a terminal, where `#` begins no comment unless it is told so: `: # ; rm x` runs
 * rm. Not caught here: here-documents, where `#` is text for every shell.
 */

/** The text with its comments as words; null = it has none. */
export function commentsAsWords(text: string): string | null {
  let quote = '';
  let out = '';
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\' && quote !== "'") at += 1;
    else if (char === quote) quote = '';
    else if (quote !== '') continue;
    else if (char === "'" || char === '"') quote = char;
    else if (char === '#' && (at === 0 || /[\s;&|()]/.test(text.charAt(at - 1)))) {
      out += `${text.slice(from, at)}\\`;
      from = at;
    }
  }
  return from === 0 && out === '' ? null : out + text.slice(from);
}
