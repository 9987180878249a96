/**
 * Masks what a target sends before it is recorded and delivered. What may still become a secret waits here
 * for the rest, at most HOLD_MS. Who types sees each key at once: short output behind a single key isn't
 * held. Not caught here: what isn't output of a shell or a command (the contents of files in transfers).
 */
import { Detectors, type Wanted } from '../mask/detectors.ts';
import { Masker } from '../mask/masker.ts';
import { maskText } from '../mask/text.ts';
import type { Policy } from '../policy/policy.ts';
import type { OutputUnit } from './ports.ts';

/** The beginning of what may be a secret is held back for at most so long. */
export const HOLD_MS = 100;
/** So long after a key, short output is its echo. */
export const ECHO_MS = 500;
/** More bytes at once are no key (a paste), and more output is no echo. */
const MAX_KEY_BYTES = 16;
const MAX_ECHO_BYTES = 256;

const known = new WeakMap<Policy, Detectors>();

/** What the policy masks and counts. */
export function detectorsOf(policy: Policy): Detectors {
  const before = known.get(policy);
  if (before !== undefined) return before;
  const masked: Wanted[] = policy.masks.flatMap(({ wanted }) => wanted);
  const counted = policy.outputRules.flatMap(({ wanted }) => wanted);
  const detectors = new Detectors(masked, counted);
  known.set(policy, detectors);
  return detectors;
}

type DataUnit = Extract<OutputUnit, { kind: 'data' }>;
type Stream = DataUnit['stream'];

export interface MaskingOptions {
  readonly detectors: Detectors;
  /** Columns of the terminal; null = there is none. */
  readonly width: number | null;
  readonly nowUs: () => number;
  /** Takes what was held back for long enough. */
  readonly release: (unit: OutputUnit) => void;
  /** So many secrets have been replaced so far. */
  readonly onMasked: (total: number, atUs: number) => void;
}

export class OutputMasking {
  readonly #options: MaskingOptions;
  readonly #streams: Readonly<Record<Stream, HeldStream>>;
  #timer: NodeJS.Timeout | null = null;
  #keyUs: number | null = null;
  #reported = 0;
  #isPaused = false;

  constructor(options: MaskingOptions) {
    this.#options = options;
    const { detectors, width } = options;
    this.#streams = {
      stdout: new HeldStream(new Masker(detectors, width)),
      stderr: new HeldStream(new Masker(detectors, width)),
    };
  }

  /** How often something was there, replaced or not. */
  count(wanted: Wanted): number {
    const detector = this.#options.detectors.numberOf(wanted);
    return this.#all.reduce((sum, { masker }) => sum + masker.count(detector), 0);
  }

  get #all(): readonly HeldStream[] {
    return [this.#streams.stdout, this.#streams.stderr];
  }

  /** These keys went up. */
  typed(bytes: Buffer): void {
    const isKey = bytes.length <= MAX_KEY_BYTES && !bytes.includes(0x0d) && !bytes.includes(0x0a);
    this.#keyUs = isKey ? this.#options.nowUs() : null;
  }

  /** Nothing that is held back comes out, until `resume`. */
  pause(): void {
    this.#isPaused = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  resume(): void {
    this.#isPaused = false;
    this.#wait();
  }

  resized(width: number): void {
    for (const { masker } of this.#all) masker.resize(width);
  }

  /** @returns what may be recorded and delivered now, in order */
  take(unit: OutputUnit): readonly OutputUnit[] {
    if (unit.kind !== 'data') return [...this.rest(), unit];
    const { bytes, stream } = unit;
    const held = this.#streams[stream];
    const nowUs = this.#options.nowUs();
    const out = held.push(bytes, this.#isEcho(bytes, nowUs), nowUs);
    this.#report();
    this.#wait();
    return out.length === 0 ? [] : [{ kind: 'data', stream, bytes: out }];
  }

  /** Says something between the target's output. */
  notice({ bytes, stream }: DataUnit): readonly OutputUnit[] {
    const { masker } = this.#streams[stream];
    const held = this.#isPaused ? NOTHING : masker.flush();
    this.#report();
    const { text } = maskText(this.#options.detectors, bytes.toString('utf8'));
    const before: OutputUnit[] = held.length === 0 ? [] : [{ kind: 'data', stream, bytes: held }];
    return [...before, { kind: 'data', stream, bytes: Buffer.from(text) }];
  }

  /** Nothing more comes: everything that is held back. */
  rest(): readonly OutputUnit[] {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    // Of a session that isn't to go on nothing more comes out.
    if (this.#isPaused) return [];
    return this.#given((held) => held.masker.end());
  }

  #isEcho(bytes: Buffer, nowUs: number): boolean {
    if (this.#keyUs === null || bytes.length > MAX_ECHO_BYTES) return false;
    return nowUs - this.#keyUs <= ECHO_MS * 1000;
  }

  #given(give: (held: HeldStream) => Buffer): readonly OutputUnit[] {
    const units = (['stdout', 'stderr'] as const).flatMap((stream): OutputUnit[] => {
      const bytes = give(this.#streams[stream]);
      return bytes.length === 0 ? [] : [{ kind: 'data', stream, bytes }];
    });
    this.#report();
    return units;
  }

  #wait(): void {
    if (this.#isPaused || this.#timer !== null) return;
    if (!this.#all.some(({ masker }) => masker.isHolding)) return;
    const nowUs = this.#options.nowUs();
    const oldestUs = Math.min(...this.#all.map((held) => held.oldestUs ?? nowUs));
    const leftMs = Math.max(0, HOLD_MS - (nowUs - oldestUs) / 1000);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const limitUs = this.#options.nowUs() - HOLD_MS * 1000;
      const isDue = (held: HeldStream): boolean => (held.oldestUs ?? Infinity) <= limitUs;
      const units = this.#given((held) => (isDue(held) ? held.masker.flush() : NOTHING));
      for (const unit of units) this.#options.release(unit);
      this.#wait();
    }, Math.ceil(leftMs));
  }

  #report(): void {
    const total = this.#all.reduce((sum, { masker }) => sum + masker.masked, 0);
    if (total === this.#reported) return;
    this.#reported = total;
    this.#options.onMasked(total, this.#options.nowUs());
  }
}

const NOTHING = Buffer.alloc(0);
/** Of more pieces that are held back together the times of the oldest count. */
const MAX_ARRIVALS = 256;

/** One stream, and when what it holds back came. */
class HeldStream {
  readonly masker: Masker;
  #takenBytes = 0;
  #arrivals: { readonly upTo: number; readonly atUs: number }[] = [];

  constructor(masker: Masker) {
    this.masker = masker;
  }

  push(bytes: Buffer, isEcho: boolean, nowUs: number): Buffer {
    this.#takenBytes += bytes.length;
    this.#arrivals.push({ upTo: this.#takenBytes, atUs: nowUs });
    if (this.#arrivals.length > MAX_ARRIVALS) this.#arrivals.splice(1, 1);
    return this.masker.push(bytes, isEcho);
  }

  /** When the oldest byte came that is held back; null = none is. */
  get oldestUs(): number | null {
    const given = this.#takenBytes - this.masker.heldBytes;
    this.#arrivals = this.#arrivals.filter(({ upTo }) => upTo > given);
    return this.#arrivals[0]?.atUs ?? null;
  }
}
