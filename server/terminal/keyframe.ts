/**
 * Cuts a recording into segments that can be played by themselves: each begins with a keyframe, the
 * escape sequences that paint the screen as it was. Not caught here: what the emulator's serializer
 * doesn't know (saved cursor, character sets); cuts are made at command boundaries, where that hardly
 * matters, and inside a command only when it prints a lot.
 */
import { Screen } from './screen.ts';
import { SequenceTail } from './sequence-tail.ts';

/** A segment ends at the first command boundary after this many characters … */
export const SEGMENT_CHARS = 262_144;
/** … and anywhere after this many times as many. */
export const HARD_FACTOR = 3;
/** A segment has at least so many times the characters of its keyframe, whatever fills the screen … */
export const LEAST_PER_KEYFRAME = 4;
/** … but no more than these because of that. */
export const MOST_FOR_KEYFRAME = 4 * 1024 * 1024;
/** Idle skipped: a pause that is longer lasts this long, microseconds. */
export const IDLE_LIMIT_US = 2_000_000;
/** Pauses of one recording that are shortened; later ones keep their length. */
export const MAX_PAUSES = 50_000;

/** What an event counts for beside its text. */
const EVENT_CHARS = 16;

/** What is needed of a recorded event; others than `o`, `r` and `m` only count for the time. */
export interface ReplayEvent {
  readonly atUs: number;
  readonly code: string;
  readonly text?: string;
  readonly cols?: number;
  readonly rows?: number;
}

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

/** A pause that is shortened when idle time is skipped: when it begins, and by how much. */
export interface Pause {
  readonly atUs: number;
  readonly cutUs: number;
}

/** The screen right before an event, and what else must be known to go on from there. */
export interface Keyframe extends Size {
  readonly atUs: number;
  /** Escape sequences that paint a fresh terminal of this size. */
  readonly init: string;
  /** Pauses of the recording so far, and what skipping them leaves out. */
  readonly pauses: number;
  readonly idleUs: number;
}

/** Where a recording starts. */
export function firstKeyframe(size: Size): Keyframe {
  return { ...Screen.clamp(size), atUs: 0, init: '', pauses: 0, idleUs: 0 };
}

/** Finds the pauses of a recording. Times that go backwards are taken as simultaneous. */
export class Pauses {
  atUs: number;
  count: number;
  idleUs: number;

  constructor(from: Pick<Keyframe, 'atUs' | 'pauses' | 'idleUs'>) {
    this.atUs = from.atUs;
    this.count = from.pauses;
    this.idleUs = from.idleUs;
  }

  /** The pause that ends with an event at this time. */
  push(atUs: number): Pause | null {
    const before = this.atUs;
    this.atUs = Math.max(before, atUs);
    const cutUs = this.atUs - before - IDLE_LIMIT_US;
    if (cutUs <= 0 || this.count >= MAX_PAUSES) return null;
    this.count += 1;
    this.idleUs += cutUs;
    return { atUs: before, cutUs };
  }
}

/**
 * Follows a recording from a keyframe on, and says where further segments begin.
 * Dispose of it: an emulated screen is large.
 */
export class Keyframer {
  readonly #screen: Screen;
  readonly #tail = new SequenceTail();
  readonly #pauses: Pauses;
  readonly #segmentChars: number;
  #newPauses: Pause[] = [];
  #chars = 0;
  #initChars: number;

  /** @param options.segmentChars size of a segment, in characters of output; default SEGMENT_CHARS */
  constructor(from: Keyframe, options: { readonly segmentChars?: number } = {}) {
    this.#segmentChars = options.segmentChars ?? SEGMENT_CHARS;
    this.#screen = new Screen(from.cols, from.rows, 0);
    this.#screen.write(from.init);
    this.#tail.push(from.init);
    this.#initChars = from.init.length;
    this.#pauses = new Pauses(from);
  }

  /** Output since the last keyframe, in characters. */
  get chars(): number {
    return this.#chars;
  }

  /** @returns the keyframe that a new segment begins with, if one begins with this event */
  push(event: ReplayEvent): { readonly keyframe: Keyframe; readonly pauses: Pause[] } | null {
    const paid = Math.min(this.#initChars * LEAST_PER_KEYFRAME, MOST_FOR_KEYFRAME);
    const least = Math.max(this.#segmentChars, paid);
    const limit = event.code === 'm' ? least : least * HARD_FACTOR;
    const isDue = this.#chars >= limit && event.atUs > this.#pauses.atUs;
    const pause = this.#pauses.push(event.atUs);
    if (pause !== null) this.#newPauses.push(pause);
    const cut = isDue ? this.#cut() : null;
    this.#chars += EVENT_CHARS + (event.text?.length ?? 0);
    if (event.code === 'o') {
      const text = event.text ?? '';
      this.#screen.timePasses(event.atUs);
      this.#screen.write(text);
      this.#tail.push(text);
    } else if (event.code === 'r') this.#screen.resize(event.cols ?? 0, event.rows ?? 0);
    return cut;
  }

  dispose(): void {
    this.#screen.dispose();
  }

  #cut(): { readonly keyframe: Keyframe; readonly pauses: Pause[] } {
    const { cols, rows } = this.#screen;
    const init = this.#screen.serialize() + this.#tail.begun;
    const { atUs, count, idleUs } = this.#pauses;
    const pauses = this.#newPauses;
    this.#newPauses = [];
    this.#chars = 0;
    this.#initChars = init.length;
    return { keyframe: { cols, rows, atUs, init, pauses: count, idleUs }, pauses };
  }
}
