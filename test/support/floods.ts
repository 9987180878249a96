/** What a hostile program prints, as a table: each entry gives as many bytes as are asked for. */

export interface Flood {
  readonly name: string;
  /** Printed once, before all else. */
  readonly start?: string;
  /** Printed over and over; text is UTF-8. */
  readonly tile: string | Buffer;
}

const ESC = '\u001b';
const CSI = `${ESC}[`;

/** Bytes that look random and are the same in every run. */
function noise(bytes: number): Buffer {
  let state = 0x2545f491;
  return Buffer.from(
    Uint8Array.from({ length: bytes }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    }),
  );
}

export const FLOODS: readonly Flood[] = [
  { name: 'yes', tile: 'y\r\n' },
  { name: 'one line without an end', tile: 'x' },
  { name: 'zeros', tile: Buffer.alloc(64) },
  { name: 'random bytes', tile: noise(65_536) },
  { name: 'invalid UTF-8', tile: Buffer.from([0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0xf5, 0x41]) },
  { name: 'wide characters', tile: '漢字かな👍' },
  { name: 'marks on one character', tile: '\u0301\u0302\u200d\u{e0101}\u1160' },
  { name: 'joined emoji', tile: '👨‍👩‍👧‍👦🏳️‍🌈' },
  { name: 'wide characters at the margin', tile: `${CSI}999C漢${CSI}Da\u0301\u0302` },
  { name: 'directions', tile: '\u202e\u200f\u2066abc\u2069' },
  { name: 'a title without an end', start: `${ESC}]0;`, tile: 'title ' },
  { name: 'a clipboard without an end', start: `${ESC}]52;c;`, tile: 'QUJD' },
  { name: 'an image without an end', start: `${ESC}Pq`, tile: '#0;2;0;0;0#0~~@@vv' },
  { name: 'an application string without an end', start: `${ESC}_G`, tile: 'a=T,f=100;AAAA' },
  { name: 'strings that begin anew', tile: `${ESC}]0;t${ESC}P${ESC}_${ESC}^${ESC}X` },
  { name: 'titles', tile: `${ESC}]0;$ true\u0007${ESC}]2;x${ESC}\\${CSI}22t${CSI}23t` },
  { name: 'links', tile: `${ESC}]8;;http://x/y\u0007z${ESC}]8;;\u0007` },
  {
    name: 'questions to the terminal',
    tile: `${CSI}c${CSI}6n${CSI}>q${ESC}]10;?\u0007${ESC}P$qm${ESC}\\`,
  },
  { name: 'zmodem', tile: '**\u0018B00000000000000\r\n\u0011rz\r' },
  { name: 'unknown sequences', tile: `${CSI}?777;1$z${ESC}%G${CSI}=9;9{${CSI}!|${ESC} F` },
  { name: 'sequences without an end', tile: `${CSI}${'1;'.repeat(300)}${ESC}[?${ESC}` },
  { name: 'the other screen', tile: `${CSI}?1049h${CSI}?47h${CSI}?1047l${CSI}?1049l` },
  { name: 'many screens at once', tile: `${CSI}${'?1049;'.repeat(40)}1049h${CSI}?1049l` },
  {
    name: 'a cursor that jumps',
    tile: `${CSI}H${CSI}999;999H${CSI}A${ESC}7${ESC}8${CSI}s${CSI}u\b`,
  },
  { name: 'prompts', tile: `\r\n$ ${CSI}2K\r# ${ESC}]133;A\u0007root@web1:~# ${ESC}]133;B\u0007` },
  { name: 'clearing', tile: `${CSI}H${CSI}2J${CSI}3J` },
  { name: 'resets', tile: `${ESC}c${CSI}!p` },
  { name: 'filling', tile: `${ESC}#8` },
  { name: 'repeating', tile: `x${CSI}2147483647b` },
  { name: 'scrolling', tile: `${CSI}500S${CSI}500T${ESC}M${ESC}D` },
  { name: 'scrolling a region', tile: `${CSI}2;3r\n\n\n${CSI}r` },
  { name: 'lines in and out', tile: `${CSI}H${CSI}999L${CSI}999M` },
  { name: 'columns in and out', tile: `${CSI}999'}${CSI}999'~${CSI}999 @${CSI}999 A` },
  { name: 'characters in and out', tile: `\r${CSI}999@${CSI}999P${CSI}999X${CSI}4hz` },
  { name: 'tabs', tile: `\t${CSI}999I${CSI}999Z${ESC}H${CSI}3g` },
  { name: 'colours', tile: `${CSI}38;2;1;2;3;48;5;7;4:3mx${CSI}m` },
  { name: 'character sets', tile: `${ESC}(0q\u000e${ESC})0q\u000f${ESC}(B` },
  { name: 'modes', tile: `${CSI}?6h${CSI}?7l${CSI}4h${CSI}?69h${CSI}?25l${CSI}?2004h${CSI}?5h` },
];

/** So many bytes of it. */
export function floodBytes(flood: Flood, bytes: number): Buffer {
  const tile = Buffer.from(flood.tile);
  const start = Buffer.from(flood.start ?? '');
  const tiles = Array.from({ length: Math.ceil(bytes / tile.length) }, () => tile);
  return Buffer.concat([start, ...tiles]).subarray(0, bytes);
}
