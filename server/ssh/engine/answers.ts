/**
 * Answers to the requests of one channel, which RFC 4254 section 5.4 wants in the order of the requests.
 * Some are known at once; others only when the far end has answered. Pure.
 */
import type { Answer } from '../../session/ports.ts';
import { MAX_UNANSWERED_CHANNEL_REQUESTS } from './limits.ts';

export class OwedAnswers {
  readonly #send: Answer;
  readonly #places: { isGranted: boolean | null }[] = [];

  /** @param send sends the next answer */
  constructor(send: Answer) {
    this.#send = send;
  }

  /** The peer asks faster than anybody answers. */
  get isFull(): boolean {
    return this.#places.length > MAX_UNANSWERED_CHANNEL_REQUESTS;
  }

  /** Takes the next place; what this returns fills it, once. */
  owe(): Answer {
    const place: { isGranted: boolean | null } = { isGranted: null };
    this.#places.push(place);
    return (isGranted) => {
      place.isGranted ??= isGranted;
      while (this.#sendNext());
    };
  }

  #sendNext(): boolean {
    const isGranted = this.#places[0]?.isGranted ?? null;
    if (isGranted === null) return false;
    this.#places.shift();
    this.#send(isGranted);
    return true;
  }
}
