/**
 * Programs that join a connection with a program: whoever is at the other end types its commands. Not
 * caught here: what is sent.
 */
import type { Call, Output, Program } from '../runner.ts';
import { EMBEDDED_PROGRAMS } from './embedded.ts';

/** `nc -e /bin/sh`, `socat EXEC:sh`. */
const GIVES_PROGRAM = /^(?:-[a-z]*[ec]|--(?:sh-|lua-)?exec(?:=.*)?)$|\b(?:EXEC|SYSTEM|SHELL):/i;

function joins(call: Call): Output {
  if (call.texts.some((text) => text !== null && GIVES_PROGRAM.test(text))) {
    call.run.uncertain(`${call.name} gives a program to whoever is at the other end`);
  }
  return EMBEDDED_PROGRAMS[call.name]?.(call) ?? null;
}

export const NETWORK_PROGRAMS: Readonly<Record<string, Program>> = Object.fromEntries(
  'nc ncat netcat nc.openbsd nc.traditional socat'.split(' ').map((name) => [name, joins]),
);
