/** The menu of targets, for a person whose user name is none: `ssh BASTION`. */
import type { DownstreamEnd, InputUnit, TerminalSize } from './ports.ts';

export interface MenuItem {
  readonly target: string;
  readonly login: string;
}

export type MenuOutcome =
  | {
      readonly kind: 'chosen';
      readonly item: MenuItem;
      /** The terminal as it is now. */
      readonly size: TerminalSize;
      /** The client's end, with what came behind the choice still to be read. */
      readonly end: DownstreamEnd;
    }
  | { readonly kind: 'left' };

/** More are not listed; they are reached by name. */
export const MAX_MENU_ITEMS = 200;
/** Wrong numbers that are answered. */
const MAX_TRIES = 5;
const MAX_DIGITS = 4;
const ENTER = ['\r', '\n'];
const ERASE = ['\u0008', '\u007f'];
/** Ctrl-C, Ctrl-D and q. */
const LEAVE = ['\u0003', '\u0004', 'q'];

/** Shows what may be chosen and reads a number. An empty line leaves. */
export async function chooseFrom(
  end: DownstreamEnd,
  items: readonly MenuItem[],
  size: TerminalSize,
): Promise<MenuOutcome> {
  const shown = items.slice(0, MAX_MENU_ITEMS);
  const say = (text: string): Promise<void> =>
    end.write({ kind: 'data', stream: 'stdout', bytes: Buffer.from(text) });
  const width = String(shown.length).length;
  const lines = shown.map(
    ({ login, target }, index) => `  ${String(index + 1).padStart(width)}  ${login}@${target}`,
  );
  if (shown.length < items.length) {
    lines.push(`  and ${items.length - shown.length} more, by name: ssh LOGIN@TARGET@BASTION`);
  }
  await say(`${lines.join('\r\n')}\r\n`);
  const keys = new Keys(end, size);
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    await say('Number of the target, or Enter to leave: ');
    const typed = await readNumber(keys, say);
    if (typed === null || typed === '') return { kind: 'left' };
    const item = shown[Number(typed) - 1];
    if (item !== undefined) return { kind: 'chosen', item, size: keys.size, end: keys.rest() };
    await say(`There is no number ${typed}.\r\n`);
  }
  return { kind: 'left' };
}

/** @returns null when the person leaves */
async function readNumber(
  keys: Keys,
  say: (text: string) => Promise<void>,
): Promise<string | null> {
  let typed = '';
  for (;;) {
    const key = await keys.next();
    if (key === null || LEAVE.includes(key)) {
      await say('\r\n');
      return null;
    }
    if (ENTER.includes(key)) {
      await say('\r\n');
      return typed;
    }
    if (ERASE.includes(key) && typed !== '') {
      typed = typed.slice(0, -1);
      await say('\b \b');
    }
    if (/^\d$/.test(key) && typed.length < MAX_DIGITS) {
      typed += key;
      await say(key);
    }
  }
}

/** What the person types, key by key. */
class Keys {
  readonly #end: DownstreamEnd;
  #bytes: Buffer = Buffer.alloc(0);
  #last: InputUnit | null = null;
  size: TerminalSize;

  constructor(end: DownstreamEnd, size: TerminalSize) {
    this.#end = end;
    this.size = size;
  }

  /** Null when nothing more will be typed. */
  async next(): Promise<string | null> {
    while (this.#bytes.length === 0) {
      const unit = await this.#end.read();
      if (unit.kind === 'data') this.#bytes = unit.bytes;
      else if (unit.kind === 'resize') this.size = unit.size;
      else if (unit.kind === 'close' || unit.kind === 'eof') return null;
    }
    const [first = 0] = this.#bytes;
    this.#bytes = this.#bytes.subarray(1);
    return String.fromCharCode(first);
  }

  /** The end for whoever goes on reading. */
  rest(): DownstreamEnd {
    this.#last = this.#bytes.length === 0 ? null : { kind: 'data', bytes: this.#bytes };
    const end = this.#end;
    return {
      read: () => {
        const unit = this.#last;
        this.#last = null;
        return unit === null ? end.read() : Promise.resolve(unit);
      },
      write: (unit) => end.write(unit),
    };
  }
}
