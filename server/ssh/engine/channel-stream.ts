/**
 * A channel as a byte stream, for an SSH connection inside it (`ssh -J`). Only data passes; the end of
 * the data in either direction ends the stream.
 */
import { Duplex } from 'node:stream';
import type { InputUnit, OutputUnit } from '../../session/ports.ts';
import type { Channel } from './channel.ts';

export class ChannelStream extends Duplex {
  readonly #channel: Channel<InputUnit, OutputUnit>;
  #isReading = false;

  constructor(channel: Channel<InputUnit, OutputUnit>) {
    super({ allowHalfOpen: false });
    this.#channel = channel;
  }

  override _read(): void {
    if (!this.#isReading) void this.#pump();
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    void this.#send({ kind: 'data', stream: 'stdout', bytes }, done);
  }

  override _final(done: () => void): void {
    void this.#send({ kind: 'eof' }, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    void this.#send({ kind: 'close' }, () => done(error));
  }

  async #send(unit: OutputUnit, done: () => void): Promise<void> {
    await this.#channel.write(unit);
    done();
  }

  /** Reads until the stream has enough or the channel ends. */
  async #pump(): Promise<void> {
    this.#isReading = true;
    let wantsMore = true;
    while (wantsMore && !this.destroyed) {
      const unit = await this.#channel.read();
      if (unit.kind === 'data') wantsMore = this.push(unit.bytes);
      else if (unit.kind === 'eof' || unit.kind === 'close') {
        this.push(null);
        return;
      }
    }
    this.#isReading = false;
  }
}
