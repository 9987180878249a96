/**
 * Looks for secrets in anything: whole or in pieces, as they are and in the encodings that programs put
 * them in. One pass over the bytes, however many secrets there are.
 */
export interface PlantedSecret {
  readonly name: string;
  readonly bytes: Buffer;
}

interface Needle {
  readonly what: string;
  readonly bytes: Buffer;
}

/** A piece of a secret is looked for when it has so many bytes. */
const PIECE_BYTES = 15;
const PREFIX_BYTES = 3;

type Encoding = (piece: Buffer) => readonly Buffer[];

const escaped = (piece: Buffer, of: (code: number) => string): Buffer =>
  Buffer.from([...piece].map(of).join(''));
const hex2 = (code: number): string => code.toString(16).padStart(2, '0');

/** How a piece may stand somewhere; base64 at each of its three places in a longer text. */
export const ENCODINGS: Readonly<Record<string, Encoding>> = {
  bytes: (piece) => [piece],
  'bytes as characters': (piece) => [Buffer.from(piece.toString('latin1'), 'utf8')],
  UTF16: (piece) => [Buffer.from(piece.toString('latin1'), 'utf16le')],
  hexadecimal: (piece) => [Buffer.from(piece.toString('hex'))],
  'capital hexadecimal': (piece) => [Buffer.from(piece.toString('hex').toUpperCase())],
  base64: (piece) => base64Of(piece, 'base64'),
  base64url: (piece) => base64Of(piece, 'base64url'),
  'base64 of base64': (piece) =>
    base64Of(piece, 'base64').flatMap((text) => base64Of(text, 'base64')),
  JSON: (piece) => [
    escaped(piece, (code) =>
      code < 0x20 || code > 0x7e ? `\\u00${hex2(code)}` : String.fromCharCode(code),
    ),
    Buffer.from(JSON.stringify(piece.toString('latin1')).slice(1, -1)),
  ],
  'capital JSON': (piece) => [
    escaped(piece, (code) =>
      code < 0x20 || code > 0x7e ? `\\u00${hex2(code).toUpperCase()}` : String.fromCharCode(code),
    ),
  ],
  'array of numbers': (piece) => [
    Buffer.from([...piece].join(',')),
    Buffer.from([...piece].join(', ')),
  ],
  URL: (piece) => [
    Buffer.from(encodeURIComponent(piece.toString('latin1'))),
    escaped(piece, (code) => `%${hex2(code)}`),
  ],
};

/** Without the characters at the ends, which depend on what stands beside. */
function base64Of(piece: Buffer, form: 'base64' | 'base64url'): Buffer[] {
  return [0, 1, 2].map((skip) => {
    const whole = piece.subarray((3 - skip) % 3);
    return Buffer.from(whole.subarray(0, whole.length - (whole.length % 3)).toString(form));
  });
}

/** Secrets that can be looked for in many places. */
export class LeakSearch {
  readonly #byPrefix = new Map<number, Needle[]>();
  readonly #marks = new Uint8Array(1 << (8 * PREFIX_BYTES));

  constructor(secrets: readonly PlantedSecret[]) {
    for (const { bytes, name } of secrets) {
      for (const [encoding, encode] of Object.entries(ENCODINGS)) {
        for (const needle of piecesOf(bytes).flatMap(encode)) {
          if (needle.length > PREFIX_BYTES) this.#add(`${name} as ${encoding}`, needle);
        }
      }
    }
  }

  /** What was found, each once. */
  in(haystack: Buffer): readonly string[] {
    const found = new Set<string>();
    let prefix = 0;
    for (let at = 0; at < haystack.length; at += 1) {
      prefix = ((prefix << 8) | (haystack[at] ?? 0)) & 0xffffff;
      if (this.#marks[prefix] === 0) continue;
      const from = at - PREFIX_BYTES + 1;
      for (const { bytes, what } of this.#byPrefix.get(prefix) ?? []) {
        if (haystack.subarray(from, from + bytes.length).equals(bytes)) found.add(what);
      }
    }
    return [...found];
  }

  #add(what: string, bytes: Buffer): void {
    const prefix = bytes.readUIntBE(0, PREFIX_BYTES);
    this.#marks[prefix] = 1;
    const needles = this.#byPrefix.get(prefix) ?? [];
    needles.push({ what, bytes });
    this.#byPrefix.set(prefix, needles);
  }
}

/** Its beginning, middle and end. */
function piecesOf(secret: Buffer): readonly Buffer[] {
  const last = Math.max(0, secret.length - PIECE_BYTES);
  const starts = new Set([0, last >> 1, last]);
  return [...starts].map((from) => secret.subarray(from, from + PIECE_BYTES));
}
