/**
 * Programs that carry files to and from another host or container: what they do there is what `cat` and
 * `tee` would do there. Not caught here: which files a pattern on the other side names.
 */
import { optionGrammar, type OptionGrammar } from '../option-table.ts';
import { hasOption, readOptions } from '../options.ts';
import type { Call, Frame } from '../runner.ts';
import type { Word } from '../word.ts';
import { exactText, literal } from '../word.ts';

/** `host:/path`, `user@host:path`, `pod:/path`, `rsync://host/module/path`. */
const PLACE = /^(?:rsync:\/\/[^/]+\/|[^/:]+::?|\[[^\]]+\]:|[^/:]+\/[^/:]+:)([^]*)$/;

/** `rsync --server`, `scp -t` and `scp -f`: what another host's rsync or scp starts here. */
export function isFarEnd({ name, texts, words }: Call): boolean {
  if (name === 'rsync') return texts.includes('--server');
  return name === 'scp' && hasOption(readOptions(words, optionGrammar(name), false), '-t', '-f');
}

/** @param words the words behind the program or its subcommand */
export function followTransfer(
  call: Call,
  words: readonly Word[],
  grammar: OptionGrammar | null,
  frame: Frame,
): void {
  const operands = readOptions(words, grammar, false).operands.map(({ word }) => word);
  operands.forEach((word, index) => {
    const path = PLACE.exec(exactText(word) ?? '')?.[1];
    if (path === undefined || path === '') return;
    const isTarget = index === operands.length - 1 && operands.length > 1;
    call.run.suppose([literal(isTarget ? 'tee' : 'cat'), literal(path)], frame);
  });
}
