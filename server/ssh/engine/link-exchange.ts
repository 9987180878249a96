/**
 * A keyboard-interactive exchange (RFC 4256) that asks nothing: the client shows a text, answers with
 * nothing, and is kept waiting until a person has signed in elsewhere.
 */
import type { LinkOutcome, LinkWait } from '../../session/ports.ts';
import type { Transport } from './transport.ts';
import { encodePacket, MESSAGE, type PacketReader } from './wire.ts';

/** How often a client that waits hears from us, so that nothing on the way forgets the connection. */
export const KEEP_WAITING_MS = 30_000;

export class LinkExchange {
  readonly #transport: Transport;
  readonly #answered: Promise<void>;
  readonly #gone: Promise<void>;
  #onAnswer: () => void = () => {};
  #onGone: () => void = () => {};
  #hasAnswered = false;
  #isGone = false;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#answered = new Promise((resolve) => (this.#onAnswer = resolve));
    this.#gone = new Promise((resolve) => (this.#onGone = resolve));
  }

  /** The client's answer; anything but nothing breaks the protocol. */
  answer(reader: PacketReader): void {
    if (this.#hasAnswered || reader.uint32() !== 0) {
      return this.#transport.fail('an answer that nobody has asked for');
    }
    this.#hasAnswered = true;
    this.#onAnswer();
  }

  /** The client has gone, or tries something else. */
  withdraw(): void {
    this.#isGone = true;
    this.#onGone();
  }

  /** Shows a text and waits until the client has seen it; false = it has turned away. */
  async show(text: string): Promise<boolean> {
    if (this.#isGone) return false;
    this.#transport.send(encodePacket(MESSAGE.USERAUTH_INFO_REQUEST, '', text, '', 0));
    await Promise.race([this.#answered, this.#gone]);
    return !this.#isGone;
  }

  /** Shows where to sign in, and waits for what comes of it. */
  async run(wait: LinkWait): Promise<LinkOutcome> {
    const withdrawn = this.#gone.then((): LinkOutcome => {
      wait.withdraw();
      return { kind: 'withdrawn' };
    });
    const ticking = setInterval(() => {
      this.#transport.send(encodePacket(MESSAGE.IGNORE, ''));
    }, KEEP_WAITING_MS);
    try {
      const shown = this.show(wait.text);
      const outcome = await Promise.race([wait.outcome, withdrawn]);
      if (outcome.kind !== 'signed-in') return outcome;
      // A success before the answer would reach a client that still expects to be asked.
      return (await shown) ? outcome : await withdrawn;
    } finally {
      clearInterval(ticking);
    }
  }
}
