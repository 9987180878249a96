/**
 * alias and unalias. Not caught here: aliases that the target's start-up files define.
 */
import { anywhere } from '../alias.ts';
import { isCalledByItself } from '../hooks.ts';
import type { Call, Output, Program } from '../runner.ts';
import { subshell } from '../runner.ts';
import { remember } from '../state.ts';

/** Words that the shell's grammar begins with: an alias of one of them changes every line. */
const RESERVED =
  /^(?:if|then|else|elif|fi|for|while|until|do|done|case|esac|select|function|time|in|\{|\}|!|\[\[|\]\])$/;

function alias(call: Call): Output {
  // `-g` and `-s` of zsh: words anywhere on a line, and files by their ending.
  const isWide = call.texts.some((text) => text !== null && /^-[a-z]*[gs]/.test(text));
  if (call.words.length === 0) return null;
  if (call.texts.some((text) => text !== null && /^-[a-z]*s/.test(text))) {
    call.run.uncertain('a suffix alias runs a program for files that are named like it');
  }
  for (const text of call.texts) {
    if (text === null) call.run.uncertain("an alias is set to something that can't be known");
    const at = text?.indexOf('=') ?? -1;
    if (text === null || at <= 0) continue;
    const name = text.slice(0, at);
    const value = text.slice(at + 1);
    if (RESERVED.test(name)) {
      call.run.uncertain(`the alias ${name} changes what the shell's own words mean`);
      call.run.runText(value, subshell(call.frame, `alias ${name}`));
    }
    // Keys of zsh run these.
    if (isCalledByItself(name)) call.run.runText(value, subshell(call.frame, `alias ${name}`));
    remember(call.shell.aliases, isWide ? anywhere(name) : name, value);
    if (isWide) remember(call.shell.aliases, name, value);
  }
  return '';
}

function unalias(call: Call): Output {
  // `-a` too: an alias that is still followed makes the reading stricter, never laxer.
  for (const text of call.texts) if (text !== null) call.shell.aliases.delete(text);
  return '';
}

export const ALIAS_BUILTINS: Readonly<Record<string, Program>> = { alias, unalias };
