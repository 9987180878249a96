/** Addresses of the public Internet, as far as their numbers tell. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

const NOT_PUBLIC_4 = blocks('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]);
/** All of IPv6 that is given out so far; what embeds an address of IPv4 is elsewhere, or below. */
const GLOBAL_6 = blocks('ipv6', [['2000::', 3]]);
const NOT_PUBLIC_6 = blocks('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]);

/** Whether an address may be asked without saying that it is private. @param address without brackets */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !NOT_PUBLIC_4.check(address, 'ipv4');
  if (!isIPv6(address)) return false;
  const [bare = ''] = address.split('%');
  return GLOBAL_6.check(bare, 'ipv6') && !NOT_PUBLIC_6.check(bare, 'ipv6');
}

function blocks(family: 'ipv4' | 'ipv6', nets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of nets) list.addSubnet(net, prefix, family);
  return list;
}
