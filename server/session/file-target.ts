/**
 * The target's side of a file transfer: requests go up under ids of our own, so that the client's and ours
 * never meet, and each answer finds who asked. A target that answers what nobody asked, or with what is no
 * answer to it, is broken. Not caught here: what an answer says.
 */
import { fits, readReply, type Reply } from '../sftp/reply.ts';
import type { Request } from '../sftp/request.ts';
import { writeId } from '../sftp/wire.ts';
import type { UpstreamEnd } from './ports.ts';

/** Requests that the target hasn't answered; more wait. OpenSSH's clients send 64 at once. */
export const MAX_OUTSTANDING = 1024;

/** An answer with its packet, which may be used as it is. */
export interface Answer {
  readonly reply: Reply;
  readonly packet: Buffer;
}

/** What is to be delivered to the client, and what of it must be durable first. */
export interface Delivery {
  readonly packet: Buffer;
  readonly shown: Promise<unknown> | null;
}

export type Received =
  | { readonly kind: 'delivery'; readonly delivery: Delivery }
  | { readonly kind: 'taken' }
  | { readonly kind: 'broken'; readonly why: string };

interface Outstanding {
  readonly request: Request['kind'];
  readonly answered: (answer: Answer) => Delivery | null;
}

export class FileTarget {
  readonly #upstream: UpstreamEnd;
  readonly #outstanding = new Map<number, Outstanding>();
  #version: ((answer: Answer) => void) | null = null;
  #nextId = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(upstream: UpstreamEnd) {
    this.#upstream = upstream;
  }

  /** Begins; resolves with the target's version. */
  begin(packet: Buffer): Promise<Answer> {
    const version = new Promise<Answer>((resolve) => (this.#version = resolve));
    void this.#upstream.write({ kind: 'data', bytes: packet });
    return version;
  }

  /**
   * Sends a client's request under an id of our own. Resolves when there is room for more.
   * @param answered says what the client gets of the answer; null = nothing, or later
   */
  async forward(
    packet: Buffer,
    request: Request['kind'],
    answered: (answer: Answer) => Delivery | null,
  ): Promise<void> {
    // The place in the row is taken now, whoever else sends meanwhile.
    const id = this.#take({ request, answered });
    writeId(packet, id);
    await this.#upstream.write({ kind: 'data', bytes: packet });
    while (this.#outstanding.size >= MAX_OUTSTANDING) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Asks something that the client didn't. Never settles if the target goes away first. */
  ask(request: Request['kind'], build: (id: number) => Buffer): Promise<Answer> {
    return new Promise((resolve) => {
      const id = this.#take({
        request,
        answered: (answer) => {
          resolve(answer);
          return null;
        },
      });
      void this.#upstream.write({ kind: 'data', bytes: build(id) });
    });
  }

  received(packet: Buffer): Received {
    const reply = readReply(packet);
    if (reply.kind === 'broken') return reply;
    if (reply.kind === 'version') {
      if (this.#version === null) return { kind: 'broken', why: 'it began a second time' };
      this.#version({ reply, packet });
      this.#version = null;
      return { kind: 'taken' };
    }
    const outstanding = this.#outstanding.get(reply.id);
    if (outstanding === undefined) return { kind: 'broken', why: 'an answer to no request' };
    if (!fits(outstanding.request, reply)) {
      return { kind: 'broken', why: `a ${reply.kind} is no answer to ${outstanding.request}` };
    }
    this.#outstanding.delete(reply.id);
    for (const resume of this.#waiting.splice(0)) resume();
    const delivery = outstanding.answered({ reply, packet });
    return delivery === null ? { kind: 'taken' } : { kind: 'delivery', delivery };
  }

  #take(outstanding: Outstanding): number {
    do this.#nextId = (this.#nextId + 1) >>> 0;
    while (this.#outstanding.has(this.#nextId));
    this.#outstanding.set(this.#nextId, outstanding);
    return this.#nextId;
  }
}
