/** Puts asterisks in place of secrets, as wide as what they replace. */
import type { Span } from './visible.ts';
import { columnsOf } from './width.ts';

const STAR = 0x2a;

/** The bytes from … to, with the spans replaced; without one it is a view of the same bytes. */
export function replaced(raw: Buffer, from: number, to: number, spans: readonly Span[]): Buffer {
  const inside = spans
    .map(({ start, end }) => ({ start: Math.max(start, from), end: Math.min(end, to) }))
    .filter(({ start, end }) => end > start);
  if (inside.length === 0) return raw.subarray(from, to);
  const out = Buffer.from(raw.subarray(from, to));
  const wide: Span[] = [];
  for (const { start, end } of inside) {
    let isAscii = true;
    for (let at = start; at < end; at += 1) {
      const byte = raw[at] ?? 0;
      if (byte >= 0x80) isAscii = false;
      else if (byte > 0x20) out[at - from] = STAR;
    }
    if (!isAscii) wide.push({ start, end });
  }
  return wide.length === 0 ? out : withoutWide(raw, from, out, wide);
}

/** Characters of several bytes become as many asterisks as they have columns. */
function withoutWide(raw: Buffer, from: number, out: Buffer, wide: readonly Span[]): Buffer {
  const parts: Buffer[] = [];
  let done = 0;
  for (const { start, end } of [...wide].sort((one, other) => one.start - other.start)) {
    for (let at = Math.max(start, done + from); at < end;) {
      if ((raw[at] ?? 0) < 0x80) {
        at += 1;
        continue;
      }
      let next = at + 1;
      while (next < end && (raw[next] ?? 0) >= 0x80) next += 1;
      parts.push(out.subarray(done, at - from));
      parts.push(Buffer.alloc(columnsOf(raw.toString('utf8', at, next)), STAR));
      done = next - from;
      at = next;
    }
  }
  parts.push(out.subarray(done));
  return Buffer.concat(parts);
}
