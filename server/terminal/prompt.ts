/**
 * Prompts: which ones were seen in this session, and what prompts usually look like. Not caught here:
 * who printed it; whatever a prompt is taken for only adds readings of a line, it never removes one.
 */

/** So many prompts are remembered. */
export const MAX_PROMPTS = 12;
/** A longer one is not remembered. */
export const MAX_PROMPT_CHARS = 400;

export class Prompts {
  #seen: string[] = [];

  learn(prompt: string): void {
    if (prompt.trim() === '' || prompt.length > MAX_PROMPT_CHARS) return;
    this.#seen = [prompt, ...this.#seen.filter((one) => one !== prompt)].slice(0, MAX_PROMPTS);
  }

  isKnown(prompt: string): boolean {
    return this.#seen.includes(prompt);
  }

  /** Whether the row is one of them and nothing more; blanks at its end don't count. */
  isBare(row: string): boolean {
    return this.#seen.some((one) => one.trimEnd() === row.trimEnd());
  }

  /** What follows each known prompt that the line starts with, shortest prompt first; [] = none. */
  restsOf(line: string): string[] {
    return this.#seen
      .map((prompt) => afterPrompt(line, prompt))
      .filter((rest) => rest !== null)
      .sort((one, other) => other.length - one.length);
  }
}

/** What follows the prompt, '' when blanks at the line's end were cut off; null = not this prompt. */
export function afterPrompt(line: string, prompt: string): string | null {
  if (line.startsWith(prompt)) return line.slice(prompt.length);
  return line.trimEnd() === prompt.trimEnd() ? '' : null;
}

/** The line without the shortest start of it that looks like a shell's prompt; null = none does. */
export function afterPromptShape(line: string): string | null {
  return /^.{0,200}?[$#%>❯»] +(.*)$/su.exec(line)?.[1] ?? null;
}

/** A shell may be waiting behind this. */
export function looksLikeShellPrompt(line: string): boolean {
  return /[$#%>❯»] ?$/u.test(line);
}

const SECRET =
  /\b(?:pass(?:word|phrase|code|wort)?|pin|otp|token|secret|key|verification code|mot de passe|contrase\u00f1a|senha|passwort)\b|密码|パスワード/iu;

/** It asks for something that nobody else should see. */
export function looksLikeSecretPrompt(line: string): boolean {
  return SECRET.test(line) && !looksLikeShellPrompt(line);
}

/** What shells and clients of databases print when the input isn't complete. */
export function looksLikeContinuation(prompt: string): boolean {
  return (
    /^(?:> ?|\s*\.{3}>? ?|\s*[-'"`(]> ?|.{0,80}[-'"$(]# ?)$/.test(prompt) ||
    /^(?:(?:quote|dquote|bquote|heredoc|for|while|until|if|then|else|elif|case|function|cmdsubst|pipe|cmdand|cmdor|subsh|braceparam|cursh) ?)+> $/.test(
      prompt,
    )
  );
}

/** The found line in the display of an incremental search; several when its pattern is ambiguous. */
export function incrementalSearch(row: string): string[] {
  const head = /^\((?:failed |failing )?(?:reverse-|forward-)?i-search\)`/.exec(row);
  if (head === null) return [];
  const rest = row.slice(head[0].length);
  return [...rest.matchAll(/': ?/g)]
    .map((match) => rest.slice(match.index + match[0].length))
    .toReversed();
}
