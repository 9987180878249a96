/**
 * Lists of addresses and networks, `192.0.2.0/24,2001:db8::/32`, as certificates limit where they may be
 * used from. Pure. Not caught here: who really sends from an address.
 */
import { isIPv4, isIPv6 } from 'node:net';

/** Networks of one list. */
const MAX_NETWORKS = 256;

interface Network {
  readonly family: 4 | 6;
  readonly value: bigint;
  readonly prefix: number;
}

/**
 * Whether an address is in the list. A list with a mistake has nobody in it: an entry that can't be read,
 * or a network whose address has bits behind its prefix.
 * @param address as a socket names its peer; IPv4 inside IPv6 counts as IPv4
 */
export function isAddressIn(list: string, address: string): boolean {
  const entries = list.split(',');
  if (entries.length > MAX_NETWORKS) return false;
  const peer = readAddress(plainAddress(address));
  if (peer === null) return false;
  const networks = entries.map(readNetwork);
  if (networks.some((network) => network === null)) return false;
  return networks.some(
    (network) =>
      network !== null &&
      network.family === peer.family &&
      masked(peer, network.prefix) === network.value,
  );
}

/** `192.0.2.7` of `::ffff:192.0.2.7`; without the zone of a link-local address. */
function plainAddress(address: string): string {
  const [bare = ''] = address.split('%');
  const [, inner] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare) ?? [];
  return inner ?? bare;
}

function readNetwork(entry: string): Network | null {
  const [, text = '', digits] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const address = readAddress(text);
  if (address === null) return null;
  const bits = address.family === 4 ? 32 : 128;
  const prefix = digits === undefined ? bits : Number(digits);
  if (prefix > bits || masked(address, prefix) !== address.value) return null;
  return { ...address, prefix };
}

type Address = Pick<Network, 'family' | 'value'>;

function readAddress(text: string): Address | null {
  if (isIPv4(text)) return { family: 4, value: numberOf(text.split('.'), 8, 10) };
  if (!isIPv6(text)) return null;
  const [head = '', tail] = dotted(text).split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const front = groups(head);
  const back = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length;
  const all = [...front, ...Array.from({ length: zeros }, () => '0'), ...back];
  return { family: 6, value: numberOf(all, 16, 16) };
}

/** The last four bytes, which may be written as IPv4, as two groups. */
function dotted(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
}

function numberOf(parts: readonly string[], bits: number, base: number): bigint {
  let value = 0n;
  for (const part of parts) value = (value << BigInt(bits)) | BigInt(parseInt(part, base));
  return value;
}

function masked({ family, value }: Address, prefix: number): bigint {
  const behind = BigInt((family === 4 ? 32 : 128) - prefix);
  return (value >> behind) << behind;
}
