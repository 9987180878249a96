/**
 * What zsh reads in another way than sh and bash, where that matters: the shell of a login isn't known.
 * Not caught here: options that a start-up file sets (`extendedglob` makes `^` and `~` patterns).
 */
import type { ParameterExpansionPart, RedirectionNode } from './grammar.ts';
import type { Frame, Runner } from './runner.ts';
import { subshell } from './runner.ts';

/** `$=x`, `$~x`, `$^x`: text in bash, the value of x in zsh. */
export function isZshExpansion(literal: string): boolean {
  return /\$[=~^+]+\w/.test(literal);
}

/** `${(e)x}`, `${$(date)}`, `${=x}`: bash refuses to run them. */
export function zshParameter(part: ParameterExpansionPart, frame: Frame, run: Runner): void {
  const text = part.text.slice(2, -1);
  if (/[`]|\$\(/.test(text)) run.runText(`: "${text.replaceAll('"', '')}"`, subshell(frame, null));
  run.uncertain(`${part.text.slice(0, MAX_SHOWN_CHARACTERS)} means something to zsh only`);
}

const MAX_SHOWN_CHARACTERS = 60;

export function isZshParameter({ parameter, operation }: ParameterExpansionPart): boolean {
  return operation?.type === 'Unknown' || !/^(?:\w+|[@*#?$!-])$/.test(parameter);
}

/** `$x` of an array: its first element in bash, all of them in zsh. */
export function checkArray(name: string, frame: Frame, run: Runner): void {
  const value = frame.state.variables.get(name);
  if (value?.kind !== 'array' || value.words.length < 2) return;
  run.uncertain(`$${name} is one element of an array in bash, and all of them in zsh`);
}

/** Qualifiers behind a pattern that run a command for every file: `*(e:'rm $REPLY':)`. */
export function runsForFiles(pattern: string): boolean {
  return /\([^|)]*e[:[{<'",=@%^]/.test(pattern) || /\([^|)]*\+\w+\)/.test(pattern);
}

/** Redirections that zsh reads in another way: `>! FILE` overwrites, `<1-9>` is a pattern. */
export function checkRedirections(nodes: readonly RedirectionNode[], run: Runner): void {
  for (const [index, node] of nodes.entries()) {
    if (node.type !== 'Redirect') continue;
    const text = node.target?.text ?? '';
    if (text === '!' && node.operator.includes('>')) {
      run.uncertain(`zsh writes to the word behind ${node.operator}!`);
    }
    const next = nodes[index + 1];
    if (node.operator === '<' && /^\d*-\d*$/.test(text) && next?.pos === node.end) {
      run.uncertain(`zsh reads <${text}> as a pattern for numbers`);
    }
  }
}
