/** What a transfer carried in each direction: counted and hashed, not kept. Not caught here: what it means. */
import { createHash, type Hash } from 'node:crypto';
import type { OutputPipe } from './output.ts';
import type { FileResult, InputUnit, UpstreamEnd } from './ports.ts';

export class TransferCount {
  readonly #program: string;
  readonly #in: Hash = createHash('sha256');
  readonly #out: Hash = createHash('sha256');
  #bytesIn = 0;
  #bytesOut = 0;

  /** @param program that serves it */
  constructor(program: string) {
    this.#program = program;
  }

  /** From the client to the target. */
  sent(bytes: Buffer): void {
    this.#bytesIn += bytes.length;
    this.#in.update(bytes);
  }

  /** From the target to the client. */
  received(bytes: Buffer): void {
    this.#bytesOut += bytes.length;
    this.#out.update(bytes);
  }

  /** The target's end, which counts what goes to it. */
  counting(upstream: UpstreamEnd): UpstreamEnd {
    return {
      read: () => upstream.read(),
      write: (unit: InputUnit) => {
        if (unit.kind === 'data') this.sent(unit.bytes);
        return upstream.write(unit);
      },
    };
  }

  /** One line for the recording. Rejects with `recording.failed`. */
  tell(output: Pick<OutputPipe, 'event'>, atUs: number): Promise<void> {
    const sent = `${this.#bytesIn} bytes in, sha256 ${this.#in.copy().digest('hex')}`;
    const got = `${this.#bytesOut} bytes out, sha256 ${this.#out.copy().digest('hex')}`;
    return output.event({ atUs, code: 'o', text: `${this.#program}: ${sent}; ${got}\n` });
  }

  /** @param why it ended, in words */
  result(why: string): FileResult {
    return {
      type: 'transfer.ended',
      data: {
        program: this.#program,
        bytesIn: this.#bytesIn,
        bytesOut: this.#bytesOut,
        sha256In: this.#in.copy().digest('hex'),
        sha256Out: this.#out.copy().digest('hex'),
        why,
      },
    };
  }
}
