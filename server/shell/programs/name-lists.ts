/**
 * Programs that read the names of their operands from standard input: cpio, pax, `tar -T -`, `zip -@`,
 * `--files0-from=-`. Not caught here: lists in files, which the effects tables know.
 */
import { NO_VALUES, optionGrammar } from '../option-table.ts';
import { readOptions } from '../options.ts';
import type { Call, Output, Program } from '../runner.ts';
import { literal, unknown, type Word } from '../word.ts';

/** What says that names come from standard input; `unless` an option of these is given as well. */
interface NameList {
  readonly given: RegExp;
  readonly unless?: RegExp;
  /** The names are deleted or written, too. */
  readonly removes?: RegExp;
}

const FILES0: NameList = { given: /^--files0-from=-$/ };
const NAME_LISTS: Readonly<Record<string, NameList>> = {
  cpio: { given: /^-\w*[op]|^--(?:create|pass-through)$/, unless: /^-\w*[it](?!o)|^--extract$/ },
  pax: { given: /^-\w*w/ },
  zip: { given: /^-@$/, removes: /^-\w*m|^--move$/ },
  // At the far end such names stay below the directories that its words name.
  rsync: { given: /^--files-from=-$/, unless: /^--server$/, removes: /^--remove-source-files$/ },
  wc: FILES0,
  sort: FILES0,
  du: FILES0,
  tar: { given: /^--files-from=-$|^-\w*T-$/, removes: /^--remove-files$/ },
};
/** Programs whose option `-T -` is two words. */
const SEPARATE = /^(?:tar|bsdtar|gtar)$/;

/** Names that are followed one by one. */
const MAX_NAMES = 200;

/** The table with those programs in it that read names besides. */
export function withNames(programs: ReadonlyMap<string, Program>): ReadonlyMap<string, Program> {
  const table = new Map(programs);
  for (const [name, own] of Object.entries(NAME_LISTS)) {
    const program = programs.get(name);
    table.set(name, (call): Output => {
      const output = program?.(call) ?? null;
      if (takesNames(call, own)) readNames(call, own);
      return output;
    });
  }
  return table;
}

function takesNames(call: Call, own: NameList): boolean {
  const { texts } = call;
  const has = (pattern: RegExp) => texts.some((text) => text !== null && pattern.test(text));
  if (own.unless !== undefined && has(own.unless)) return false;
  if (has(own.given)) return true;
  const at = texts.findIndex((text) => text === '-T' || text === '--files-from');
  return SEPARATE.test(call.name) && at >= 0 && texts[at + 1] === '-';
}

function readNames(call: Call, own: NameList): void {
  const words = namesIn(call);
  const removes = own.removes;
  if (removes !== undefined && call.texts.some((text) => removes.test(text ?? ''))) {
    call.run.runWords([literal('rmtree'), ...words], call.frame, true);
  }
  // Where relative names start is up to `-C`, which the program takes like an operand.
  const directory = readOptions(
    call.words,
    optionGrammar(call.name) ?? NO_VALUES,
    false,
  ).options.find(
    ({ name, value }) => (name === '-C' || name === '--directory') && value !== null,
  )?.value;
  call.run.opened(
    words.flatMap((word) => {
      const inside: Word[] =
        directory === undefined || directory === null
          ? []
          : [[...directory, { kind: 'text', text: '/', quoted: true }, ...word]];
      return [word, ...inside].map((one) => ({ access: 'read' as const, word: one }));
    }),
    call.frame,
  );
}

function namesIn(call: Call): readonly Word[] {
  const { input } = call.frame;
  if (input.kind === 'session') return [];
  if (input.kind === 'unknown') {
    return input.lines ?? [[unknown('it is taken from a list', true)]];
  }
  const names = input.text.split(/[\n\0]/).filter((name) => name !== '');
  if (names.length > MAX_NAMES)
    call.run.uncertain(`${call.name} is given too many names to follow`);
  return names.slice(0, MAX_NAMES).map((name) => literal(name));
}
