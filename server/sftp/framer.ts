/**
 * Cuts a stream of bytes into SFTP packets, whatever the pieces it comes in. What is kept of a packet that
 * isn't whole yet is bounded by the longest packet. Not caught here: what is in a packet.
 */

/** As OpenSSH: what the length in front of a packet may say. */
export const MAX_PACKET_BYTES = 256 * 1024;
/** The length in front, and the type. */
const HEADER_BYTES = 5;

export type Framed =
  | { readonly kind: 'packets'; readonly packets: readonly Buffer[] }
  /** There is no way on from here. */
  | { readonly kind: 'broken'; readonly why: string };

export class Framer {
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Of the packet that comes, with its length; 0 = not known yet. */
  #wanted = 0;

  /** Whether a packet has begun and not ended. */
  get isInside(): boolean {
    return this.#bytes > 0;
  }

  /** @returns whole packets with their length in front; parts of `bytes` where they fit in it */
  push(bytes: Buffer): Framed {
    const packets: Buffer[] = [];
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#wanted === 0) {
        const missing = HEADER_BYTES - this.#bytes;
        if (this.#bytes > 0 || rest.length < missing) {
          const taken = rest.subarray(0, missing);
          this.#keep(taken);
          rest = rest.subarray(taken.length);
          if (this.#bytes < HEADER_BYTES) break;
        }
        const head = this.#bytes === 0 ? rest : this.#joined();
        const length = head.readUInt32BE(0);
        if (length < 1 || length > MAX_PACKET_BYTES) {
          return { kind: 'broken', why: `a packet of ${length} bytes is no SFTP` };
        }
        this.#wanted = 4 + length;
      }
      const part = rest.subarray(0, this.#wanted - this.#bytes);
      rest = rest.subarray(part.length);
      if (this.#bytes === 0 && part.length === this.#wanted) packets.push(part);
      else {
        this.#keep(part);
        if (this.#bytes < this.#wanted) break;
        packets.push(this.#joined());
      }
      this.#pieces = [];
      this.#bytes = 0;
      this.#wanted = 0;
    }
    return { kind: 'packets', packets };
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
  }

  #joined(): Buffer {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] ?? Buffer.alloc(0);
  }
}
