/** What detectors say of a text. Pure data. */

/** A secret that is there as a whole. */
export interface Found {
  /** What is replaced, from here … */
  readonly start: number;
  /** … up to here. */
  readonly end: number;
  readonly detector: number;
}

/** The text ends in what may be the beginning of a secret. */
export interface Pending {
  /** What may have to be replaced begins here. */
  readonly start: number;
  /** From here on it is replaced even if nobody waits for the rest; the text's length = nothing is. */
  readonly sureFrom: number;
  readonly detector: number;
}

/** Takes what a detector finds. */
export interface Findings {
  readonly found: Found[];
  readonly pending: Pending[];
}

/** A text to look at: one character a byte, without what a terminal wouldn't show. */
export interface Sight {
  readonly text: string;
  /** What is before it was cut off, so that nobody knows whether a word begins with it. */
  readonly isCut: boolean;
  /** Nothing follows. */
  readonly isWhole: boolean;
}

export const DETECTOR_NAMES = [
  'credit-card',
  'aws-key',
  'github-token',
  'google-key',
  'slack-token',
  'private-key',
  'jwt',
  'bearer',
  'email',
  'iban',
  'us-ssn',
  'connection-string',
] as const;
export type DetectorName = (typeof DETECTOR_NAMES)[number];

/** The number by which findings name a detector; patterns come behind them. */
export function detectorNumber(name: DetectorName): number {
  return DETECTOR_NAMES.indexOf(name);
}

/** Whether letters, digits or an underscore stand right before this place. */
export function isWordBefore({ text, isCut }: Sight, at: number): boolean {
  return at === 0 ? isCut : isWordCode(text.charCodeAt(at - 1));
}

/** Whether they stand at this place. */
export function isWordAt({ text }: Sight, at: number): boolean {
  return at < text.length && isWordCode(text.charCodeAt(at));
}

function isWordCode(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 90) ||
    code === 95 ||
    (code >= 97 && code <= 122)
  );
}
