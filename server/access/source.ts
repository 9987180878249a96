/** What counts as one source of connections. Pure. Not caught here: one attacker with many networks. */

const IPV6 = /^[0-9a-f]*:[0-9a-f:.]*(%.*)?$/i;

/** An IPv4 address, or the /64 network of an IPv6 address; `http:` in front stays. */
export function sourceOf(address: string): string {
  const [, scheme = '', bare = ''] = /^(http:)?(.*)$/s.exec(address) ?? [];
  return `${scheme}${networkOf(bare)}`;
}

function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!IPV6.test(address)) return address;
  const [head = '', tail = ''] = address.split('%')[0]?.split('::', 2) ?? [];
  const front = head === '' ? [] : head.split(':');
  const back = tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0');
  const groups = address.includes('::') ? [...front, ...zeros, ...back] : front;
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** The address in what the journal calls a source: `192.0.2.7:51514`, `[2001:db8::1]:22`, `http:192.0.2.7`. */
export function sourceOfJournal(source: string): string {
  if (source.startsWith('http:')) return sourceOf(source);
  return sourceOf(source.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'));
}
