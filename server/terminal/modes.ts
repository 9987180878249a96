/**
 * The modes that a client asks for its terminal, RFC 4254 section 8. Not caught here: modes that a
 * program on the target sets later.
 */

/**
 * Left out: a target with these would take other keys for the end of a line (VEOF, VEOL, VEOL2, ISTRIP)
 * or other letters than the screen shows (IUCLC, XCASE, OLCUC), so that lines could not be read.
 */
const UNREADABLE = new Set([5, 6, 7, 33, 37, 52, 71]);
const END = 0;
/** Opcodes from here on have no known argument; RFC 4254 stops reading there. */
const FIRST_UNKNOWN = 160;
const MODE_BYTES = 5;

/** The encoded modes without those that make lines unreadable; what follows a malformed one is cut off. */
export function readableModes(modes: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (let at = 0; at + MODE_BYTES <= modes.length; at += MODE_BYTES) {
    const opcode = modes[at] ?? END;
    if (opcode === END || opcode >= FIRST_UNKNOWN) break;
    if (!UNREADABLE.has(opcode)) kept.push(modes.subarray(at, at + MODE_BYTES));
  }
  return Buffer.concat([...kept, Buffer.from([END])]);
}
