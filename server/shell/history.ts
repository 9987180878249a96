/**
 * Would a shell put earlier commands into this line? Not caught here: a changed `histchars`.
 */

/**
 * @param interactive every form counts; otherwise only those that no script writes, since the text may
 *   still be typed at a prompt
 */
export function historyExpansion(text: string, interactive: boolean): boolean {
  let quote = '';
  for (let index = 0; index < text.length; index++) {
    const char = text[index] as string;
    if (char === '\\' && quote !== "'") index++;
    else if (char === quote) quote = '';
    else if (quote === '' && (char === "'" || char === '"')) quote = char;
    else if (
      quote !== "'" &&
      char === '!' &&
      (interactive ? anyForm : clearForm)(text, index, quote)
    ) {
      return true;
    } else if (quote === '' && char === '^' && isCaret(text, index)) return true;
  }
  return false;
}

function isCaret(text: string, index: number): boolean {
  const atStart = index === 0 || text[index - 1] === '\n';
  if (!atStart) return false;
  const second = text.indexOf('^', index + 1);
  return second > index + 1 && !text.slice(index, second).includes('\n');
}

function anyForm(text: string, index: number, quote: string): boolean {
  const next = text[index + 1] ?? ' ';
  const before = text[index - 1] ?? ' ';
  if (/[\s=(]/.test(next) || (quote === '"' && next === '"')) return false;
  if (before === '$' || before === '{') return false;
  return !(before === '[' && /[a-z0-9-]/i.test(next));
}

function clearForm(text: string, index: number, quote: string): boolean {
  const before = text[index - 1] ?? ' ';
  if (quote !== '' || !/[\s;&|]/.test(before)) return false;
  return /^!(!|\?|-?\d|\$(?:\s|$)|\*(?:\s|$)|[A-Za-z][\w-]*(?::|\s|$))/.test(
    text.slice(index, index + 100),
  );
}
