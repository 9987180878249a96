/**
 * Text from terminals, commands and names, shown so that it can't act: characters that move, hide or
 * reorder text are written out, everything is isolated from the text around it.
 * Not caught here: letters that merely look like others.
 */

/** Longer texts are cut, and say so; the exports and the API have all of it. */
export const MAX_SHOWN_CHARACTERS = 4096;
const MAX_SENTENCE_CHARACTERS = 1000;

/** Controls, format characters (bidi, zero width, tags), odd spaces and line ends, invisible fillers. */
const HIDDEN =
  /(?:\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}|(?! )\p{Zs}|\u034f|[\u115f\u1160\u2800\u3164\uffa0])+/gu;

export interface VisiblePart {
  readonly kind: 'text' | 'control';
  readonly text: string;
}

/** Splits a text into what is safe to show as it is and names of what isn't. */
export function visibleParts(text: string): VisiblePart[] {
  const parts: VisiblePart[] = [];
  let shown = 0;
  for (const found of text.matchAll(HIDDEN)) {
    if (found.index > shown) parts.push({ kind: 'text', text: text.slice(shown, found.index) });
    parts.push({ kind: 'control', text: Array.from(found[0], nameOf).join('') });
    shown = found.index + found[0].length;
  }
  if (shown < text.length) parts.push({ kind: 'text', text: text.slice(shown) });
  return parts;
}

/** The same as one string, for attributes and titles. */
export function visibleText(text: string, maxCharacters = MAX_SHOWN_CHARACTERS): string {
  const { head, rest } = cut(text, maxCharacters);
  const parts = visibleParts(head).map((part) => part.text);
  return parts.join('') + (rest > 0 ? '…' : '');
}

/** Messages start small and end without a full stop, for logs and notices. */
export function sentence(text: string): string {
  const shown = visibleText(text, MAX_SENTENCE_CHARACTERS);
  const end = /[.!?…]$/.test(shown) ? '' : '.';
  return shown.slice(0, 1).toUpperCase() + shown.slice(1) + end;
}

/** A line end keeps its break behind the mark. */
function nameOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (character === '\n') return '⏎\n';
  if (character === '\t') return '⇥';
  // Caret notation, as terminals show it: ^[ for ESC.
  if (code < 0x20 || code === 0x7f) return `^${String.fromCodePoint(code ^ 0x40)}`;
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** What a mark that `Visible` wrote stands for; null = it writes no such mark. */
export function hiddenText(mark: string): string | null {
  const names = /⏎\n|⇥|\^([?-_])|⟨U\+([0-9A-F]{4,6})⟩/g;
  if (mark.replace(names, '') !== '') return null;
  return mark.replace(names, (name, caret?: string, code?: string) => {
    if (caret !== undefined) return String.fromCodePoint((caret.codePointAt(0) ?? 0) ^ 0x40);
    if (code !== undefined)
      return String.fromCodePoint(Math.min(Number.parseInt(code, 16), 0x10ffff));
    return name === '⇥' ? '\t' : '\n';
  });
}

/** Never splits a surrogate pair. */
function cut(text: string, maxCharacters: number): { head: string; rest: number } {
  if (text.length <= maxCharacters) return { head: text, rest: 0 };
  const last = text.charCodeAt(maxCharacters - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? maxCharacters - 1 : maxCharacters;
  return { head: text.slice(0, end), rest: text.length - end };
}

/** Any foreign text inside a page. */
export function Visible(props: { readonly text: string; readonly maxCharacters?: number }) {
  const { head, rest } = cut(props.text, props.maxCharacters ?? MAX_SHOWN_CHARACTERS);
  return (
    <bdi class="foreign">
      {visibleParts(head).map((part) =>
        part.kind === 'text' ? part.text : <span class="control">{part.text}</span>,
      )}
      {rest > 0 && <span class="control">… and {rest.toLocaleString('en')} more characters</span>}
    </bdi>
  );
}
