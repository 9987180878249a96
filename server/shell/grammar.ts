/**
 * The shell grammar: the only door to the parser. Not caught here: dialects other than POSIX sh and
 * bash; what the parser doesn't understand it reports, and the reader makes it uncertain.
 */
import { parse } from 'unbash';
import type * as Ast from 'unbash';

import { MAX_BRACKETS_NESTED } from './limits.ts';

export type {
  ArithmeticExpression,
  Assignment,
  Command,
  CommandArgument,
  CommandNode,
  CompoundList,
  ParameterExpansionPart,
  ParsedScript,
  PipelineNode,
  Redirection as RedirectionNode,
  Statement,
  TestExpression,
  Word as WordNode,
  WordPart,
} from 'unbash';

export type FunctionBody = Ast.Function['body'];
export type ScriptNode = Ast.PipelineNode | Ast.AndOr | Ast.CompoundList;

export type Parsed =
  | { readonly kind: 'ok'; readonly script: Ast.ParsedScript }
  | { readonly kind: 'refused'; readonly why: string };

/** Blanks looked over behind a command. */
const MAX_GAP = 100;

/** Parses a whole input. Never throws; syntax errors are in `script.errors`. */
export function parseShell(text: string): Parsed {
  if (nestingOf(text) > MAX_BRACKETS_NESTED) {
    return { kind: 'refused', why: 'the command is nested too deeply to be read' };
  }
  try {
    const script = parse(text);
    // A bracket behind a command's name is no mistake to the parser when nothing follows it.
    const end = script.commands.at(-1)?.end ?? 0;
    if (script.errors === undefined && /^[ \t]*\(/.test(text.slice(end, end + MAX_GAP))) {
      return { kind: 'refused', why: 'the shell grammar allows no bracket behind a command' };
    }
    return { kind: 'ok', script };
  } catch {
    return { kind: 'refused', why: 'the command could not be parsed' };
  }
}

/** Upper bound of how deeply brackets are nested, quotes left out of account. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x28 || code === 0x7b) deepest = Math.max(deepest, ++depth);
    else if ((code === 0x29 || code === 0x7d) && depth > 0) depth--;
  }
  return deepest;
}
