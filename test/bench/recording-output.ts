/**
 * What terminals typically show: the output of real commands, in the pieces in which it comes from a
 * target. Not one byte over and over, which any compressor makes vanish.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../support/program.ts';

const ROOT = join(import.meta.dirname, '../..');
const MODULES = join(ROOT, 'node_modules');
const SOURCES = ['server/session', 'server/ssh', 'server/store', 'server/shell'];
/** Of each command; several times the size of a chunk, so that no chunk holds the same text twice. */
const MOST_BYTES = 1_500_000;
/** What prints less is left out (an empty log, a system without dpkg). */
const FEWEST_BYTES = 100_000;
const SMALLEST_PIECE = 4096;
const LARGEST_PIECE = 16_384;

/** A command's output as a terminal gets it, cut into pieces that are valid UTF-8 each. */
export interface TypicalOutput {
  readonly name: string;
  readonly bytes: number;
  readonly pieces: readonly Buffer[];
}

/** Runs the commands; those that this machine hasn't, or that print too little, are left out. */
export async function typicalOutputs(): Promise<TypicalOutput[]> {
  const commands: readonly (readonly [name: string, file: string, args: readonly string[]])[] = [
    ['ls -laR', 'ls', ['-laR', '--color=always', MODULES]],
    ['git log --stat', 'git', ['log', '--stat', '--color=always']],
    ['dpkg -l', 'dpkg', ['-l']],
    ['compiler', process.execPath, await compilerArguments()],
  ];
  const outputs: TypicalOutput[] = [];
  for (const [name, file, args] of commands) {
    const printed = await runProgram(file, args, { workingDirectory: ROOT }).catch(() => null);
    if (printed === null || printed.stdout.length < FEWEST_BYTES) continue;
    const pieces = inPieces(printed.stdout.toString().replaceAll('\n', '\r\n'));
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    outputs.push({ name, bytes, pieces });
  }
  if (outputs.length === 0) throw new Error('no command of the bench printed enough');
  return outputs;
}

/** Our own sources without their imports and types: thousands of coloured messages. */
async function compilerArguments(): Promise<string[]> {
  const files: string[] = [];
  for (const folder of SOURCES) {
    for (const name of await readdir(join(ROOT, folder))) {
      if (name.endsWith('.ts')) files.push(join(folder, name));
    }
  }
  const compiler = join(MODULES, 'typescript/bin/tsc');
  return [compiler, '--noEmit', '--ignoreConfig', '--noResolve', '--pretty', 'true', ...files];
}

/** Sizes vary from SMALLEST_PIECE to LARGEST_PIECE, the same in every run. */
function inPieces(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const end = Math.min(bytes.length, MOST_BYTES);
  const pieces: Buffer[] = [];
  for (let from = 0; from < end;) {
    const spread = (pieces.length * 7919) % (LARGEST_PIECE - SMALLEST_PIECE);
    let to = Math.min(from + SMALLEST_PIECE + spread, bytes.length);
    // Not within a character.
    while (to < bytes.length && ((bytes[to] ?? 0) & 0xc0) === 0x80) to -= 1;
    pieces.push(bytes.subarray(from, to));
    from = to;
  }
  return pieces;
}
