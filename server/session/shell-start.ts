/**
 * How a login shell is started that marks its prompts and commands with OSC 633 and the session's nonce:
 * as a command, without a file on the target and without a trace on the screen or in the history. Bash
 * gets the marks through an environment variable that its first prompt reads, fish through an option. Not
 * caught here: shells that know no such way (zsh, dash, ksh and others) start as they are, without marks;
 * so does bash where a start-up file sets PROMPT_COMMAND anew.
 *
 * Other programs of the same account can read the nonce, which is why marks never relax anything.
 */
import { readableModes } from '../terminal/modes.ts';
import { isEnvironmentAllowed } from './limits.ts';
import type { ChannelRequest } from './ports.ts';

// What follows stands between single quotes for a login shell of whatever kind: no single quote, no line
// break, no exclamation mark and no two backslashes in a row.

const FIRST_PROMPT = 'eval "$SALLYPORT_MARKS"';

const BASH = [
  'unset SALLYPORT_MARKS',
  'export -n PROMPT_COMMAND',
  '__sallyport_first="eval \\"\\$SALLYPORT_MARKS\\""',
  'PROMPT_COMMAND=${PROMPT_COMMAND/"$__sallyport_first"/__sallyport_prompt}',
  '__sallyport_nonce=NONCE',
  '__sallyport_backslash=$(printf "\\134")',
  '__sallyport_break=$(printf "\\n.")',
  '__sallyport_break=${__sallyport_break%.}',
  // The newest entry of the history: its number, and the line with everything escaped that needs it.
  '__sallyport_entry() { local entry=$(HISTTIMEFORMAT= builtin history 1 2>/dev/null) b=$__sallyport_backslash;' +
    ' __sallyport_number= __sallyport_line=;' +
    ' [[ $entry =~ ^\\ *([0-9]+)[*\\ ]\\ (.*)$ ]] || return 0;' +
    ' __sallyport_number=${BASH_REMATCH[1]}; entry=${BASH_REMATCH[2]};' +
    ' entry=${entry//"$b"/"$b$b"}; entry=${entry//;/"${b}x3b"};' +
    ' __sallyport_line=${entry//"$__sallyport_break"/"${b}x0a"}; }',
  '__sallyport_start() { local last=$__sallyport_number; __sallyport_entry;' +
    ' [[ $__sallyport_number == "$last" ]] ||' +
    ' printf "\\033]633;E;%s;%s\\a" "$__sallyport_line" "$__sallyport_nonce";' +
    ' printf "\\033]633;C;%s\\a" "$__sallyport_nonce"; }',
  '__sallyport_prompt() { local status=$?; printf "\\033]633;D;%s;%s\\a" "$status" "$__sallyport_nonce";' +
    ' __sallyport_entry;' +
    ' case $PS1 in *"633;B;$__sallyport_nonce"*) ;;' +
    ' *) PS1="\\[\\033]633;A;$__sallyport_nonce\\a\\]$PS1\\[\\033]633;B;$__sallyport_nonce\\a\\]";; esac;' +
    ' case ${PS0-} in *__sallyport_start*) ;; *) PS0="${PS0-}\\$(__sallyport_start)";; esac;' +
    ' return "$status"; }',
  '__sallyport_prompt',
].join('; ');

const FISH = [
  'set -g __sallyport_backslash (printf "\\134")',
  'function __sallyport_preexec --on-event fish_preexec; set -l b $__sallyport_backslash;' +
    ' set -l line (string split -- \\n $argv[1] | string replace -a -- $b $b$b |' +
    ' string replace -a ";" $b"x3b" | string join $b"x0a");' +
    ' printf "\\033]633;E;%s;%s\\a\\033]633;C;%s\\a" "$line" NONCE NONCE; end',
  'function __sallyport_postexec --on-event fish_postexec;' +
    ' printf "\\033]633;D;%s;%s\\a" $status NONCE; end',
  'functions -q fish_prompt',
  'functions -c fish_prompt __sallyport_prompt',
  'function fish_prompt; __sallyport_prompt; printf "\\033]633;B;%s\\a" NONCE; end',
].join('; ');

// A server with a command of its own puts what was asked for into the environment.
const START =
  'unset SSH_ORIGINAL_COMMAND; SHELL=${SHELL:-/bin/sh}; case ${SHELL##*/} in' +
  ' bash) export SALLYPORT_MARKS="$1" PROMPT_COMMAND="$2"; exec "$SHELL" -l;;' +
  ' fish) exec "$SHELL" -l -C "$3";;' +
  ' *) exec "$SHELL" -l;; esac';

/** What to run instead of the login shell. @param nonce letters and digits */
export function markedShell(nonce: string): string {
  const words = [START, 'sh', BASH, FIRST_PROMPT, FISH];
  const quoted = words.map((word) => `'${word.replaceAll('NONCE', nonce)}'`);
  return `exec /bin/sh -c ${quoted.join(' ')}`;
}

/**
 * The request as it goes to the target.
 * @param allowed environment variables that may reach it
 * @param nonce what the shell is to mark its prompts and commands with; null = it is started as it is
 */
export function upstreamRequest(
  request: ChannelRequest,
  allowed: readonly string[],
  nonce: string | null,
): ChannelRequest {
  const passed = {
    ...request,
    pty: request.pty && { ...request.pty, modes: readableModes(request.pty.modes) },
    env: request.env.filter(({ name }) => isEnvironmentAllowed(name, allowed)),
  };
  if (nonce === null || request.kind !== 'shell' || request.pty === null) return passed;
  return { ...passed, kind: 'exec', command: Buffer.from(markedShell(nonce)) };
}
