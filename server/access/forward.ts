/**
 * Where forwards lead: what a client asks for, brought to one spelling, and what grants say about it. Pure.
 * Not caught here: what a name resolves to. The target does that, and a name that its owner points elsewhere
 * leads elsewhere.
 */

/** What a grant may name beside places. */
export const FORWARD_KINDS = ['agent', 'x11'] as const;
export type ForwardKind = (typeof FORWARD_KINDS)[number];

/** Where a forward leads, or what it carries. Hosts and paths are in their one spelling. */
export type ForwardPlace =
  /** The target connects there: `-L`, `-D`, `-W`. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string }
  /** The target listens there: `-R`. Host `*` = every address. */
  | { readonly kind: 'listen'; readonly host: string; readonly port: number }
  | { readonly kind: 'listen-socket'; readonly path: string }
  | { readonly kind: ForwardKind };

export type PlaceOutcome =
  | { readonly kind: 'place'; readonly place: ForwardPlace }
  | { readonly kind: 'malformed'; readonly why: string };

const MAX_HOST_CHARACTERS = 253;
/** What fits into the address of a Unix socket. */
const MAX_SOCKET_BYTES = 107;
const MAX_PORT = 65_535;
/** To connect to, the target itself; to listen at, all its addresses. */
const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '::']);
const HOST = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$/;

/** The place that a client wants the target to connect to. @param host as the client sent it */
export function tcpPlace(host: string, port: number): PlaceOutcome {
  const known = hostOf(host);
  if (known === null) return malformed('the host is neither a name nor an address');
  if (port < 1 || port > MAX_PORT) return malformed('there is no such port');
  return { kind: 'place', place: { kind: 'tcp', host: known, port } };
}

/** The place that the target shall listen at; port 0 = any free one, an empty host = every address. */
export function listenPlace(host: string, port: number): PlaceOutcome {
  const read = host === '' || host === '*' ? '*' : hostOf(host);
  const known = read !== null && UNSPECIFIED.has(read) ? '*' : read;
  if (known === null) return malformed('the address to listen at is neither a name nor an address');
  if (port < 0 || port > MAX_PORT) return malformed('there is no such port');
  return { kind: 'place', place: { kind: 'listen', host: known, port } };
}

/** A Unix socket of the target. @param listens whether the target shall make it */
export function socketPlace(path: string, listens: boolean): PlaceOutcome {
  const known = pathOf(path);
  if (known === null) {
    return malformed('the path of the socket must be absolute, without .. and not too long');
  }
  return { kind: 'place', place: { kind: listens ? 'listen-socket' : 'socket', path: known } };
}

/** The place as grants and rules write it: `db1:5432`, `[2001:db8::1]:22`, `unix:/run/app.sock`, `listen:localhost:8080`. */
export function placeText(place: ForwardPlace): string {
  switch (place.kind) {
    case 'tcp':
      return `${bracketed(place.host)}:${place.port}`;
    case 'socket':
      return `unix:${place.path}`;
    case 'listen':
      return `listen:${bracketed(place.host)}:${place.port}`;
    case 'listen-socket':
      return `listen:unix:${place.path}`;
    case 'agent':
    case 'x11':
      return place.kind;
  }
}

/**
 * Other texts that rules may have for the same place: the target's own loopback has many names, and a rule
 * about one of them is about all.
 */
export function otherSpellings(place: ForwardPlace): readonly string[] {
  if ((place.kind !== 'tcp' && place.kind !== 'listen') || !isLoopback(place.host)) return [];
  const own = placeText(place);
  return ['localhost', '127.0.0.1', '::1']
    .map((host) => placeText({ ...place, host }))
    .filter((text) => text !== own);
}

/** Whether a text is something that `forward:` may say. */
export function isForward(text: string): boolean {
  return readEntry(text) !== null;
}

/**
 * Whether an entry of `forward:` names the place. Names fit names and addresses fit addresses: a grant for
 * one is none for the other. The target's own loopback is named by itself or not at all: `*` leaves it out.
 */
export function namesPlace(entry: string, place: ForwardPlace): boolean {
  const read = readEntry(entry);
  if (read === null || read.kind !== place.kind) return false;
  switch (place.kind) {
    case 'agent':
    case 'x11':
      return true;
    case 'socket':
    case 'listen-socket':
      return 'path' in read && read.path === place.path;
    case 'tcp':
      return 'host' in read && fitsPort(read.port, place.port) && fitsHost(read.host, place.host);
    case 'listen':
      return 'host' in read && fitsPort(read.port, place.port) && fitsBind(read.host, place.host);
  }
}

/** An entry: a place whose host may be `*` or `*.domain`, and whose port may be null = any. */
type Entry =
  | { readonly kind: 'tcp' | 'listen'; readonly host: string; readonly port: number | null }
  | { readonly kind: 'socket' | 'listen-socket'; readonly path: string }
  | { readonly kind: ForwardKind };

function readEntry(text: string): Entry | null {
  if (text === 'agent' || text === 'x11') return { kind: text };
  const listens = text.startsWith('listen:');
  const rest = listens ? text.slice('listen:'.length) : text;
  if (rest.startsWith('unix:')) {
    const path = pathOf(rest.slice('unix:'.length));
    // Paths are exact; a star would be taken for one that stands for something.
    if (path === null || path.includes('*')) return null;
    return { kind: listens ? 'listen-socket' : 'socket', path };
  }
  const [, written = '', digits = ''] = /^(.+):(\*|[0-9]{1,5})$/.exec(rest) ?? [];
  const port = digits === '*' ? null : Number(digits);
  if (written === '' || (port !== null && port > MAX_PORT)) return null;
  if (port === 0 && !listens) return null;
  const host = entryHost(written);
  if (host === null) return null;
  if (!listens) return { kind: 'tcp', host, port };
  return { kind: 'listen', host: UNSPECIFIED.has(host) ? '*' : host, port };
}

function entryHost(written: string): string | null {
  if (written === '*') return '*';
  if (written.startsWith('*.')) {
    const domain = hostOf(written.slice(2));
    return domain === null || isAddress(domain) ? null : `*.${domain}`;
  }
  // An IPv6 address without brackets would be read in two ways.
  return written.includes(':') && !written.startsWith('[') ? null : hostOf(written);
}

function fitsPort(wanted: number | null, port: number): boolean {
  return wanted === null || wanted === port;
}

function fitsHost(wanted: string, host: string): boolean {
  if (!wanted.startsWith('*')) return wanted === host;
  if (isLoopback(host)) return false;
  return wanted === '*' || (!isAddress(host) && host.endsWith(wanted.slice(1)));
}

/** Listening at the loopback is the same by each of its names; `*` is any place to listen at. */
function fitsBind(wanted: string, host: string): boolean {
  return wanted === '*' || wanted === host || (isLoopback(wanted) && isLoopback(host));
}

/** A host in its one spelling: lower case, no dot behind, addresses as numbers are written; null = none. */
function hostOf(written: string): string | null {
  const inner = /^\[(.*)\]$/.exec(written)?.[1];
  if (inner !== undefined || written.includes(':')) return ipv6Of(inner ?? written);
  const name = written.endsWith('.') ? written.slice(0, -1) : written;
  if (name.length > MAX_HOST_CHARACTERS || !HOST.test(name) || name.includes('..')) return null;
  // The reader of URLs knows the forms of an IPv4 address that resolvers know: 127.1, 0x7f000001, 017700000001.
  const read = readUrlHost(name);
  return read === null || read === '' ? null : read;
}

function ipv6Of(written: string): string | null {
  if (!/^[0-9A-Fa-f:.]+$/.test(written)) return null;
  const read = readUrlHost(`[${written}]`)?.slice(1, -1) ?? null;
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(read ?? '');
  if (mapped === null) return read;
  const [high = 0, low = 0] = mapped.slice(1).map((part) => Number.parseInt(part, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function readUrlHost(host: string): string | null {
  try {
    return new URL(`http://${host}/`).hostname;
  } catch {
    return null;
  }
}

function isAddress(host: string): boolean {
  return host.includes(':') || /^[0-9.]+$/.test(host);
}

/** Whether a connection to this host stays on the target; the unspecified address leads there, too. */
function isLoopback(host: string): boolean {
  return (
    /^(?:.+\.)?localhost$/.test(host) ||
    /^(?:localhost[46]?(?:\.localdomain[46]?)?|ip6-(?:localhost|loopback))$/.test(host) ||
    /^127\.[0-9.]+$/.test(host) ||
    host === '::1' ||
    UNSPECIFIED.has(host)
  );
}

/** An absolute path without empty and `.` parts; null = none that says one place. */
function pathOf(written: string): string | null {
  if (!written.startsWith('/') || written.includes('\0')) return null;
  if (Buffer.byteLength(written) > MAX_SOCKET_BYTES) return null;
  const parts = written.split('/').filter((part) => part !== '' && part !== '.');
  return parts.length === 0 || parts.includes('..') ? null : `/${parts.join('/')}`;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function malformed(why: string): PlaceOutcome {
  return { kind: 'malformed', why };
}
