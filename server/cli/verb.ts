/** What a verb of the command line gets, and how it answers. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Config } from '../config/environment.ts';
import { messageOf, SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';

export interface Terminal {
  /** Writes to standard output; resolves when it is taken. */
  out(text: string): Promise<void>;
  err(text: string): void;
  readonly stdin: AsyncIterable<Buffer> & { readonly isTTY?: boolean };
}

export interface VerbInput {
  readonly config: Config;
  readonly logger: Logger;
  readonly terminal: Terminal;
  /** `cli:USER`, the source in the journal. */
  readonly source: string;
  readonly version: string;
  readonly positionals: readonly string[];
  readonly options: Options;
}

export interface Verb {
  /** The words that select it: `sessions list`. */
  readonly name: string;
  /** What follows the name in the usage text. */
  readonly usage: string;
  readonly summary: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Least and most positional arguments. */
  readonly positionals: readonly [number, number];
  /** @returns the exit status: 0 ok, 1 negative answer, 2 usage or configuration error */
  run(input: VerbInput): Promise<number>;
}

/** Parsed options by name. */
export class Options {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  text(name: string): string | null {
    const value = this.#values[name];
    return typeof value === 'string' ? value : null;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }
}

export type ParsedCommand =
  | {
      readonly kind: 'verb';
      readonly verb: Verb;
      readonly positionals: readonly string[];
      readonly options: Options;
    }
  | { readonly kind: 'help' }
  | { readonly kind: 'usage'; readonly message: string; readonly hint: string };

const HELP: readonly string[] = ['--help', '-h'];

/** The words that may be options: all before `--`. */
export function optionWords(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? undefined : end);
}

/** Finds the verb of a command line and reads its options; every verb takes `--json`. */
export function parseCommandLine(argv: readonly string[], verbs: readonly Verb[]): ParsedCommand {
  const isHelp = optionWords(argv).some((word) => HELP.includes(word));
  if (argv.length === 0 || argv[0] === 'help' || isHelp) {
    return { kind: 'help' };
  }
  const verb =
    verbs.find((one) => one.name === argv.slice(0, 2).join(' ')) ??
    verbs.find((one) => one.name === argv[0]);
  if (verb === undefined) {
    const named = argv.slice(0, 2).filter((word, at) => at === 0 || !word.startsWith('-'));
    const near = verbs.filter((one) => one.name.split(' ')[0] === argv[0]);
    const hint =
      near.length > 0
        ? `one of: ${near.map((one) => one.name).join(', ')}`
        : 'see: npx sallyport help';
    return { kind: 'usage', message: `there is no verb "${named.join(' ')}"`, hint };
  }
  try {
    const { values, positionals } = parseArgs({
      args: argv.slice(verb.name.split(' ').length),
      options: { json: { type: 'boolean' }, ...verb.options },
      allowPositionals: true,
    });
    const [least, most] = verb.positionals;
    if (positionals.length < least || positionals.length > most) {
      throw new SallyportError('usage.invalid', 'the number of arguments is wrong', '');
    }
    return { kind: 'verb', verb, positionals, options: new Options(values) };
  } catch (error) {
    return {
      kind: 'usage',
      // Node's advice on arguments that start with a dash says nothing about this verb.
      message: messageOf(error).split('. ')[0] ?? '',
      hint: `usage: npx sallyport ${verb.name} ${verb.usage}`.trimEnd(),
    };
  }
}

/** A duration such as `90s`, `15m`, `1h`, `7d` in milliseconds; throws `usage.invalid`. */
export function durationMs(text: string): number {
  const [, amount, unit] = /^(\d{1,6})(s|m|h|d)$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined) {
    throw new SallyportError(
      'usage.invalid',
      `"${text}" is no duration`,
      'write a number and a unit, for instance 90s, 15m, 1h or 7d',
    );
  }
  return Number(amount) * { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 's'];
}
