/**
 * The key service that wraps data keys: the transit engine of HashiCorp Vault or OpenBao.
 * Not caught here: whether it answers, and whether its token may do anything; the start shows that.
 */

export interface TransitSettings {
  readonly address: string;
  readonly mount: string;
  readonly key: string;
  readonly namespace: string | null;
  /** Absolute paths. */
  readonly tokenFile: string;
  readonly caFile: string | null;
  /** How long an opened data key is kept, milliseconds; 0 = not at all. */
  readonly keepMs: number;
  /** `open`: what it sealed before is opened, new things are sealed with the master key. */
  readonly use: 'seal' | 'open';
}

export const TRANSIT_NAMES = [
  'SALLYPORT_TRANSIT_ADDR',
  'SALLYPORT_TRANSIT_MOUNT',
  'SALLYPORT_TRANSIT_KEY',
  'SALLYPORT_TRANSIT_NAMESPACE',
  'SALLYPORT_TRANSIT_TOKEN_FILE',
  'SALLYPORT_TRANSIT_CA_FILE',
  'SALLYPORT_TRANSIT_CACHE',
  'SALLYPORT_TRANSIT_USE',
] as const;
export type TransitName = (typeof TRANSIT_NAMES)[number];

const MAX_KEEP_SECONDS = 300;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}[A-Za-z0-9_-]?$/;
const MOUNT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const MAX_MOUNT = 120;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/;

/** @returns null = there is none, or the settings are wrong */
export function readTransitSettings(
  given: (name: TransitName) => string | null,
  path: (name: TransitName) => string | null,
  complain: (name: TransitName, message: string, hint: string) => null,
): TransitSettings | null {
  const address = given('SALLYPORT_TRANSIT_ADDR');
  const others = TRANSIT_NAMES.filter((name) => name !== 'SALLYPORT_TRANSIT_ADDR');
  if (address === null) {
    const stray = others.find((name) => given(name) !== null);
    if (stray === undefined) return null;
    return complain(stray, 'is set without SALLYPORT_TRANSIT_ADDR', 'set both, or neither');
  }
  const mount = (given('SALLYPORT_TRANSIT_MOUNT') ?? 'transit').replace(/^\/|\/$/g, '');
  if (!MOUNT.test(mount) || mount.length > MAX_MOUNT) {
    complain('SALLYPORT_TRANSIT_MOUNT', 'is no path of a mount', 'write it as transit');
  }
  const key = given('SALLYPORT_TRANSIT_KEY') ?? 'sallyport';
  if (!NAME.test(key)) {
    complain(
      'SALLYPORT_TRANSIT_KEY',
      'is no name of a key',
      'letters, digits, dot, dash, underscore',
    );
  }
  const namespace = given('SALLYPORT_TRANSIT_NAMESPACE');
  if (namespace !== null && !/^[\x21-\x7e]{1,200}$/.test(namespace)) {
    complain('SALLYPORT_TRANSIT_NAMESPACE', 'is no namespace', 'write it as team1/');
  }
  const use = given('SALLYPORT_TRANSIT_USE') ?? 'seal';
  if (use !== 'seal' && use !== 'open') {
    complain('SALLYPORT_TRANSIT_USE', `is ${JSON.stringify(use)}`, 'use seal or open');
  }
  return {
    address: readServer(address, complain),
    mount,
    key,
    namespace,
    tokenFile:
      path('SALLYPORT_TRANSIT_TOKEN_FILE') ??
      complain(
        'SALLYPORT_TRANSIT_TOKEN_FILE',
        'is not set',
        'name the file that holds the token',
      ) ??
      '',
    caFile: path('SALLYPORT_TRANSIT_CA_FILE'),
    keepMs: readKeepTime(given('SALLYPORT_TRANSIT_CACHE'), complain),
    use: use === 'open' ? 'open' : 'seal',
  };
}

type Complain = Parameters<typeof readTransitSettings>[2];

function readServer(address: string, complain: Complain): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isPlain =
    url !== null &&
    `${url.username}${url.password}${url.search}${url.hash}` === '' &&
    url.pathname === '/';
  if (!isPlain || !['https:', 'http:'].includes(url.protocol)) {
    complain('SALLYPORT_TRANSIT_ADDR', 'is no plain web address', 'write https://host:8200');
    return '';
  }
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    complain(
      'SALLYPORT_TRANSIT_ADDR',
      'is not encrypted',
      'write https://…; http is for an agent on this machine (127.0.0.1) only',
    );
  }
  return url.origin;
}

function readKeepTime(value: string | null, complain: Complain): number {
  if (value === null || value === '0') return 0;
  const [, digits, unit] = /^(\d{1,3})([sm])$/.exec(value) ?? [];
  const seconds = Number(digits ?? Number.NaN) * (unit === 'm' ? 60 : 1);
  if (seconds >= 1 && seconds <= MAX_KEEP_SECONDS) return seconds * 1000;
  complain(
    'SALLYPORT_TRANSIT_CACHE',
    `is ${JSON.stringify(value)}`,
    'write 30s, 5m or 0, up to 5m',
  );
  return 0;
}
