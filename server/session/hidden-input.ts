/**
 * Who gets what is typed without echo: a program that asks for a secret, or a shell that doesn't show what
 * it runs. Told from the line before it, since nothing that the target prints can be trusted. Not caught
 * here: a script that turns the echo off and leaves its shell with a prompt that looks like a question;
 * rules still apply to what is typed there, and after a few such lines there is doubt.
 */
import type { ReadCommand } from '../shell/command.ts';
import { mayTakeLine } from './program-input.ts';

/** Programs ask three times at most; what goes on is no wrong password any more. */
export const MAX_SAME_QUESTIONS = 3;

/** Builtins that ask for nothing, and change how a shell looks or reads. */
const SETTINGS = new Set(
  'stty bind bindkey zle setopt unsetopt set_color functions abbr'.split(' '),
);
/** These ask for a password, though not for a line. */
const ASKS_FOR_SECRETS = new Set(['curl', 'wget', 'systemctl', 'service']);
/** What may leave the terminal without echo. */
const ECHO_OFF = /^(?:-echo|raw|-?cooked|-?cbreak|-icanon|.*:.*:.*)$/;
const ECHO_ON = /^(?:echo|sane|-raw|cooked|.*:.*:.*|"?\$.*)$/;

export class HiddenInput {
  #asks = true;
  #isEchoOff = false;
  #question = '';
  #times = 0;

  /**
   * A line that was shown went up.
   * @param isForShell a program with lines of its own may ask at any time
   */
  shown(commands: readonly ReadCommand[], isForShell: boolean): void {
    this.#times = 0;
    this.#question = '';
    const asking = commands.filter((one) => !SETTINGS.has(programOf(one)));
    const isSecret = commands.some((one) => ASKS_FOR_SECRETS.has(programOf(one)));
    const reads = asking.some(({ readsInput }) => readsInput);
    this.#asks = !isForShell || isSecret || reads || mayTakeLine(asking);
    this.#isEchoOff = leavesEchoOff(commands);
  }

  /** A line without echo went up. */
  hidden(question: string): void {
    this.#times = question === this.#question ? this.#times + 1 : 1;
    this.#question = question;
  }

  /** Why a shell may get what is typed without echo behind this question; null = a program asks it. */
  doubt(question: string): string | null {
    if (this.#isEchoOff)
      return 'the line before left the terminal without echo, so a shell may read this';
    if (!this.#asks) return 'nothing that was started asks for anything, so a shell may read this';
    if (question !== this.#question || this.#times < MAX_SAME_QUESTIONS) return null;
    return 'the same question was answered several times without echo, so a shell may read this';
  }
}

function leavesEchoOff(commands: readonly ReadCommand[]): boolean {
  let isOff = false;
  for (const command of commands) {
    if (programOf(command) !== 'stty') continue;
    for (const word of command.argv?.slice(1) ?? []) {
      if (ECHO_OFF.test(word)) isOff = true;
      if (ECHO_ON.test(word)) isOff = false;
    }
    // Words that aren't known are mostly what `stty -g` has said before.
    if (command.argv === null) isOff = false;
  }
  return isOff;
}

function programOf({ argv }: ReadCommand): string {
  return argv?.[0]?.replace(/^.*\//, '') ?? '';
}
