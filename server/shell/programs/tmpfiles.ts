/**
 * systemd-tmpfiles: lines of its configuration remove and write files. Not caught here: files of
 * configuration that this session didn't write.
 */
import { hasOption, readOptions } from '../options.ts';
import { fileInput } from '../redirect.ts';
import type { Call, Output } from '../runner.ts';
import { inputOf, subshell } from '../runner.ts';
import type { Word } from '../word.ts';
import { exactText, literal } from '../word.ts';
import type { OptionGrammar } from '../option-table.ts';

const OPTIONS: OptionGrammar = {
  short: 'E',
  sometimes: '',
  long: new Set(['prefix', 'exclude-prefix', 'root', 'image', 'image-policy', 'replace']),
};
const MAX_LINES = 64;

/** `systemd-tmpfiles --remove FILE`: `-` and /dev/stdin are the input. */
export function temporaryFiles(call: Call): Output {
  const read = readOptions(call.words, OPTIONS, false);
  for (const { word } of read.operands) {
    const input = exactText(word) === '-' ? call.frame.input : contents(word, call);
    if (input.kind === 'text')
      followLines(call, input.text, hasOption(read, '--remove', '--clean'));
    else if (input.kind === 'unknown' && !/^\/(usr|etc)\//.test(exactText(word) ?? '')) {
      call.run.uncertain("what systemd-tmpfiles makes or removes can't be known");
    }
  }
  return null;
}

function contents(word: Word, call: Call) {
  const process = word.find((piece) => piece.kind === 'process');
  if (process?.kind === 'process') return inputOf(process.reads, 'a command');
  return fileInput(word, call.frame);
}

function followLines(call: Call, text: string, removes: boolean): void {
  const frame = subshell(call.frame, 'systemd-tmpfiles');
  for (const line of text.split('\n').slice(0, MAX_LINES)) {
    const match = /^\s*([a-zA-Z])[-+!=~^$]*\s+("[^"]*"|\S+)/.exec(line);
    const path = match?.[2]?.replace(/^"|"$/g, '');
    if (match === null || path === undefined) continue;
    const kind = match[1] ?? '';
    if (removes && /[rRD]/.test(kind)) {
      call.run.suppose([literal('rm'), literal(kind === 'r' ? '-f' : '-rf'), literal(path)], frame);
    } else if (/[fFwWLCpcbQqvdehzZtTaAm]/.test(kind)) {
      call.run.suppose([literal('tee'), literal(path)], frame);
    }
  }
}
