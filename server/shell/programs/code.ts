/**
 * Finds calls of a shell with a literal argument in program text of python, perl, ruby, php, node, lua.
 * Not caught here: anything else that code does; only text made of nothing but such calls, imports
 * and prints of literals is called complete.
 */

export interface ShellCalls {
  /** A command line for a shell, or the words of a command. */
  readonly commands: readonly (string | readonly string[])[];
  /** Nothing else is in the text. */
  readonly complete: boolean;
}

const STRING = String.raw`(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')`;
const CALLERS =
  'os\\.system|os\\.popen|subprocess\\.(?:run|call|check_call|check_output|Popen|getoutput)|os\\.execute|io\\.popen|' +
  'child_process\\.(?:exec|execSync)|execSync|shell_exec|passthru|popen|proc_open|system|exec|spawn|IO\\.popen';
const CALL = new RegExp(
  String.raw`(?:__import__\(["']\w+["']\)\.|require\(["'](?:node:)?\w+["']\)\.)?\b(?:${CALLERS})\s*\(?\s*(${STRING}|\[[^\[\]]*\])[^()\n;]*\)?`,
  'g',
);
const QUOTED = /`([^`\n]*)`|(?:%x|qx)\s*[({[/|!]([^)}\]/|!\n]*)[)}\]/|!]/g;
const INERT = new RegExp(
  String.raw`^(?:\s|;|(?:import|from|use|require)\b[\s\w.,:*'"]*(?:;|\n|$)|print\s*\(?\s*(?:${STRING}|-?\d+)?\s*\)?)*$`,
);
/** Longer code is not looked into. */
const MAX_CODE_CHARACTERS = 8_192;

export function shellCallsIn(text: string): ShellCalls {
  if (text.length > MAX_CODE_CHARACTERS) return { commands: [], complete: false };
  const commands: (string | readonly string[])[] = [];
  let rest = text.replace(CALL, (_, argument: string) => {
    if (argument.startsWith('[')) {
      const words = [...argument.matchAll(new RegExp(STRING, 'g'))].map(([word]) => unquote(word));
      if (words.length > 0) commands.push(words);
    } else commands.push(unquote(argument));
    return '';
  });
  rest = rest.replace(QUOTED, (_, one: string | undefined, other: string | undefined) => {
    commands.push(one ?? other ?? '');
    return '';
  });
  return { commands, complete: INERT.test(rest) };
}

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
}
