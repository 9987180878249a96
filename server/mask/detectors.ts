/**
 * All detectors of a session as one thing to look with. Pure. Not caught here: secrets that no detector
 * describes.
 */
import {
  Beside,
  findConnections,
  findEmails,
  findSettingAt,
  pendingConnections,
  pendingEmails,
} from './addresses.ts';
import { eachAnchor } from './anchors.ts';
import {
  DETECTOR_NAMES,
  type DetectorName,
  detectorNumber,
  type Findings,
  type Sight,
} from './detection.ts';
import { findKeys, type KeyPlace } from './key-blocks.ts';
import { findNumbers, type NumberKinds, pendingNumbers } from './numbers.ts';
import type { MaskPattern } from './pattern.ts';
import { WebTokens } from './web-tokens.ts';
import { findTokenAt, pendingTokens, type TokenKinds } from './tokens.ts';

/** Names a setting of a connection. */
const SETTING_ANCHOR = /^(?:pwd|assword)/i;

/** What is looked for: a detector by its name, or a pattern of one's own. */
export type Wanted = DetectorName | MaskPattern;

export interface Look {
  readonly findings: Findings;
  readonly key: KeyPlace;
}

export class Detectors {
  readonly #numbers: NumberKinds | null;
  readonly #tokens: TokenKinds | null;
  readonly #hasEmail: boolean;
  readonly #hasConnection: boolean;
  readonly #hasKeys: boolean;
  readonly #patterns: readonly (readonly [MaskPattern, detector: number])[];
  /** Numbers of those whose findings are replaced; of the others they are only counted. */
  readonly #masked: ReadonlySet<number>;
  readonly #byWanted = new Map<Wanted, number>();

  /**
   * @param masked findings are replaced
   * @param counted findings are counted and stay
   */
  constructor(masked: readonly Wanted[], counted: readonly Wanted[] = []) {
    const all = new Set([...masked, ...counted]);
    const has = (name: DetectorName): boolean => all.has(name);
    const numbers = { card: has('credit-card'), iban: has('iban'), ssn: has('us-ssn') };
    const tokens = {
      aws: has('aws-key'),
      github: has('github-token'),
      google: has('google-key'),
      slack: has('slack-token'),
      jwt: has('jwt'),
      bearer: has('bearer'),
    };
    this.#numbers = Object.values(numbers).includes(true) ? numbers : null;
    this.#tokens = Object.values(tokens).includes(true) ? tokens : null;
    this.#hasEmail = has('email');
    this.#hasConnection = has('connection-string');
    this.#hasKeys = has('private-key');
    let number = DETECTOR_NAMES.length;
    for (const one of all) {
      this.#byWanted.set(one, typeof one === 'string' ? detectorNumber(one) : number++);
    }
    this.#patterns = [...all].flatMap((one) =>
      typeof one === 'string' ? [] : [[one, this.numberOf(one)] as const],
    );
    this.#masked = new Set(masked.map((one) => this.numberOf(one)));
  }

  /** By which findings name it; -1 = it isn't looked for. */
  numberOf(wanted: Wanted): number {
    return this.#byWanted.get(wanted) ?? -1;
  }

  get isEmpty(): boolean {
    return this.#byWanted.size === 0;
  }

  isMasked(detector: number): boolean {
    return this.#masked.has(detector);
  }

  /**
   * Everything that is in the text, and what its end may become.
   * @param key where keys were looked for last; null = not in this text
   */
  look(sight: Sight, key: KeyPlace | null): Look {
    const findings: Findings = { found: [], pending: [] };
    if (this.#numbers !== null) findNumbers(sight, this.#numbers, findings);
    if (this.#tokens !== null || this.#hasConnection) this.#findNamed(sight, findings);
    if (this.#hasEmail) findEmails(sight, findings);
    if (this.#hasConnection) findConnections(sight, findings);
    for (const [pattern, detector] of this.#patterns) pattern.find(sight, detector, findings);
    if (!sight.isWhole) this.#pend(sight, findings);
    const isKeyLook = this.#hasKeys && key !== null;
    const next = isKeyLook
      ? findKeys(sight, key, findings)
      : { at: sight.text.length, inside: null };
    return { findings, key: next };
  }

  #findNamed(sight: Sight, findings: Findings): void {
    const webTokens = new WebTokens();
    const beside = new Beside(sight.text);
    eachAnchor(sight.text, (anchor, at) => {
      if (!SETTING_ANCHOR.test(anchor)) {
        return this.#tokens === null
          ? null
          : findTokenAt(sight, anchor, at, this.#tokens, webTokens, findings);
      }
      if (this.#hasConnection) findSettingAt(sight, anchor, at, beside, findings);
      return null;
    });
  }

  #pend(sight: Sight, findings: Findings): void {
    for (const [pattern, detector] of this.#patterns) pattern.pend(sight, detector, findings);
    const last = sight.text.charCodeAt(sight.text.length - 1);
    // Nothing but a pattern goes on behind the end of a line.
    if (Number.isNaN(last) || last === 10 || last === 13) return;
    if (this.#numbers !== null) pendingNumbers(sight, this.#numbers, findings);
    if (this.#tokens !== null) pendingTokens(sight, this.#tokens, findings);
    if (this.#hasEmail) pendingEmails(sight, findings);
    if (this.#hasConnection) pendingConnections(sight, findings);
  }
}
