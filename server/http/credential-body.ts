/**
 * Material of a credential in a request. It is read once, never repeated in an answer, a log or the journal,
 * and taken only where nobody between could read it. Not caught here: what a proxy on this machine logs.
 */
import type { Request } from 'express';
import { SallyportError } from '../errors.ts';
import type { CredentialMaterial } from './directory-ports.ts';
import { isHttps } from './viewer.ts';

export interface SentCredential {
  /** What a configuration would say of it. */
  readonly entry: unknown;
  /** null = it is only declared. */
  readonly material: CredentialMaterial | null;
}

/**
 * `{name, privateKey | password | generate, authority}`. Throws `usage.invalid`, without what was sent.
 */
export function credentialIn(body: unknown): SentCredential {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('what was sent is no JSON object', 'send {"name": …}');
  }
  const { authority, generate, password, privateKey, ...entry } = body as Readonly<
    Record<string, unknown>
  >;
  const given = [generate, password, privateKey].filter(
    (one) => one !== undefined && one !== false,
  );
  if (given.length > 1) {
    throw invalid(
      'the material comes from exactly one of privateKey, password and generate',
      'send one of them',
    );
  }
  if (authority !== undefined && typeof authority !== 'boolean') {
    throw invalid('authority is neither true nor false', 'send "authority": true for a CA');
  }
  if (generate !== undefined && typeof generate !== 'boolean') {
    throw invalid('generate is neither true nor false', 'send "generate": true for a new key');
  }
  const kind = authority === true ? 'authority' : 'private-key';
  if (generate === true) return { entry, material: { kind, bytes: null } };
  if (privateKey !== undefined) {
    return { entry, material: { kind, bytes: bytesOf('privateKey', privateKey) } };
  }
  if (authority === true) {
    throw invalid('a CA needs a key', 'send privateKey, or "generate": true, with "authority"');
  }
  if (password === undefined) return { entry, material: null };
  const bytes = bytesOf('password', password);
  // A line end or a NUL would be typed at the target as well.
  if (![0x00, 0x0a, 0x0d].some((code) => bytes.includes(code))) {
    return { entry, material: { kind: 'password', bytes } };
  }
  bytes.fill(0);
  throw invalid('the password has more than one line, or a NUL', 'send the password alone');
}

function bytesOf(name: string, value: unknown): Buffer {
  if (typeof value === 'string' && value !== '') return Buffer.from(value, 'utf8');
  throw invalid(`${name} must be text that is not empty`, 'send the key or the password itself');
}

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/**
 * Throws `access.forbidden` unless the request comes from this machine, or to the public address by HTTPS.
 * What proxies say of themselves is believed only where it refuses.
 */
export function refuseOpenNetwork(request: Request, publicUrl: string | null): void {
  const said = request.get('x-forwarded-proto')?.split(',')[0]?.trim().toLowerCase();
  if (said === undefined || said === 'https') {
    if (LOOPBACK.test(request.socket.remoteAddress ?? '')) return;
    const isPublic = publicUrl !== null && request.get('host') === new URL(publicUrl).host;
    if (isPublic && isHttps(publicUrl)) return;
  }
  throw new SallyportError(
    'access.forbidden',
    'this request came over a network without HTTPS, where others can read it',
    'replace what was sent, for it may be known now, and send it by HTTPS or on the machine itself',
  );
}

function invalid(message: string, hint: string): SallyportError {
  return new SallyportError('usage.invalid', message, hint);
}
