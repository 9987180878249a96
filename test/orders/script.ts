/** What one side of a channel sends, step by step, and what it hears, as lines that can be compared. */
import { setTimeout as pause } from 'node:timers/promises';
import { MESSAGE, type Field, type PacketReader } from '../../server/ssh/engine/wire.ts';
import type { RawPeer } from '../ssh/support/raw-peer.ts';

/** How long a channel may take to end, or to say what is waited for. */
const PATIENCE_MS = 10_000;
const STDERR = 1;
/** Behind a request that wants an answer. */
const ASKS = ' (asks)';

export type Step =
  | {
      readonly kind: 'request';
      readonly type: string;
      readonly reply: boolean;
      readonly fields: readonly Field[];
    }
  | { readonly kind: 'data'; readonly text: string; readonly stream: 'stdout' | 'stderr' }
  | { readonly kind: 'eof' }
  | { readonly kind: 'close' }
  /** Until this was heard: a part of the output, or the beginning of a line of the transcript. */
  | { readonly kind: 'until'; readonly heard: string }
  /** Lets what was sent arrive before the next step. */
  | { readonly kind: 'pause'; readonly ms: number };

export const eof: Step = { kind: 'eof' };
export const close: Step = { kind: 'close' };
export const settle: Step = { kind: 'pause', ms: 60 };

export function until(heard: string): Step {
  return { kind: 'until', heard };
}

export function data(text: string, stream: 'stdout' | 'stderr' = 'stdout'): Step {
  return { kind: 'data', text, stream };
}

/** A request that wants no answer. */
export function tell(type: string, ...fields: Field[]): Step {
  return { kind: 'request', type, reply: false, fields };
}

/** A request that wants an answer. */
export function ask(type: string, ...fields: Field[]): Step {
  return { kind: 'request', type, reply: true, fields };
}

export function pty(reply = false): Step {
  const ask = { kind: 'request', type: 'pty-req', reply } as const;
  return { ...ask, fields: ['xterm', 80, 24, 0, 0, Buffer.of(0)] };
}

/** One channel from the point of view of whoever reads it. */
export class Conversation {
  readonly #peer: RawPeer;
  readonly #remote: number;
  readonly #grants: boolean;
  readonly #lines: string[] = [];
  #output = '';
  #isClosed = false;
  #hasClosed = false;
  #news: (() => void) | null = null;

  /** @param grants whether every request that asks is granted */
  constructor(peer: RawPeer, remote: number, grants = false) {
    this.#peer = peer;
    this.#remote = remote;
    this.#grants = grants;
  }

  /** Plays the steps and listens until both sides have closed. @returns the transcript */
  async play(steps: readonly Step[]): Promise<readonly string[]> {
    const listening = this.#listen();
    for (const step of steps) await this.#do(step);
    await listening;
    return this.#lines;
  }

  async #do(step: Step): Promise<void> {
    switch (step.kind) {
      case 'request':
        return this.#peer.send(
          MESSAGE.CHANNEL_REQUEST,
          this.#remote,
          step.type,
          step.reply,
          ...step.fields,
        );
      case 'data':
        if (step.stream === 'stdout')
          this.#peer.send(MESSAGE.CHANNEL_DATA, this.#remote, step.text);
        else this.#peer.send(MESSAGE.CHANNEL_EXTENDED_DATA, this.#remote, STDERR, step.text);
        return;
      case 'eof':
        return this.#peer.send(MESSAGE.CHANNEL_EOF, this.#remote);
      case 'close':
        return this.#close();
      case 'pause':
        return pause(step.ms);
      case 'until':
        return this.#until(step.heard);
    }
  }

  #close(): void {
    if (!this.#hasClosed) this.#peer.send(MESSAGE.CHANNEL_CLOSE, this.#remote);
    this.#hasClosed = true;
  }

  async #until(heard: string): Promise<void> {
    const isThere = (): boolean =>
      this.#output.includes(heard) || this.#lines.some((line) => line.startsWith(heard));
    while (!isThere() && !this.#isClosed) {
      await new Promise<void>((resolve) => (this.#news = resolve));
    }
    if (!isThere()) throw new Error(`closed before ${heard}: ${this.#lines.join(' | ')}`);
  }

  async #listen(): Promise<void> {
    const timer = setTimeout(() => {
      this.#peer.transport.close(`no end within ${PATIENCE_MS} ms`);
    }, PATIENCE_MS);
    try {
      while (!this.#isClosed) {
        const { type, reader } = await this.#peer.next();
        this.#hear(type, reader);
        this.#news?.();
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #hear(type: number, reader: PacketReader): void {
    if (type === MESSAGE.DISCONNECT) {
      this.#lines.push('disconnected');
      this.#isClosed = true;
      return;
    }
    const isOfChannel = type > MESSAGE.CHANNEL_WINDOW_ADJUST && type <= MESSAGE.CHANNEL_FAILURE;
    if (!isOfChannel) return;
    reader.uint32();
    switch (type) {
      case MESSAGE.CHANNEL_DATA:
        return this.#heardData('out', reader.string());
      case MESSAGE.CHANNEL_EXTENDED_DATA:
        return this.#heardData(reader.uint32() === STDERR ? 'err' : 'ext', reader.string());
      case MESSAGE.CHANNEL_REQUEST: {
        const line = shown(reader);
        this.#lines.push(line);
        if (this.#grants && line.endsWith(ASKS)) {
          this.#peer.send(MESSAGE.CHANNEL_SUCCESS, this.#remote);
        }
        return;
      }
      case MESSAGE.CHANNEL_CLOSE:
        this.#lines.push('close');
        this.#isClosed = true;
        return this.#close();
      default:
        this.#lines.push(NAMES[type] ?? `message ${type}`);
    }
  }

  /** What a stream says in several packets is one line. */
  #heardData(stream: string, bytes: Buffer): void {
    const text = bytes.toString('latin1');
    const last = this.#lines.at(-1);
    this.#output += text;
    if (last?.startsWith(`${stream}: `)) this.#lines[this.#lines.length - 1] = last + text;
    else this.#lines.push(`${stream}: ${text}`);
  }
}

const NAMES: Readonly<Record<number, string>> = {
  [MESSAGE.CHANNEL_EOF]: 'eof',
  [MESSAGE.CHANNEL_SUCCESS]: 'success',
  [MESSAGE.CHANNEL_FAILURE]: 'failure',
};

/** A request with its fields. */
function shown(reader: PacketReader): string {
  const type = reader.name();
  const asks = reader.boolean() ? ASKS : '';
  const text = (): string => JSON.stringify(reader.string().toString('utf8'));
  const numbers = (count: number): string =>
    Array.from({ length: count }, () => reader.uint32()).join(' ');
  switch (type) {
    case 'exit-status':
    case 'break':
      return `${type} ${reader.uint32()}${asks}`;
    case 'exit-signal':
      return `${type} ${text()} ${reader.boolean() ? 'core' : 'no core'} ${text()}${asks}`;
    case 'signal':
    case 'exec':
    case 'subsystem':
      return `${type} ${text()}${asks}`;
    case 'env':
      return `${type} ${text()}=${text()}`;
    case 'window-change':
      return `${type} ${numbers(4)}${asks}`;
    case 'pty-req':
      return `${type} ${text()} ${numbers(4)} ${reader.string().toString('hex')}${asks}`;
    default:
      return `${type} ${reader.rest().toString('hex')}${asks}`;
  }
}
