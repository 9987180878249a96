/** A certificate authority as people have it: ssh-keygen and files. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type KeyKind = 'ed25519' | 'ecdsa-256' | 'ecdsa-384' | 'ecdsa-521' | 'rsa-2048' | 'rsa-3072';

export interface KeyFile {
  /** The private key's file; the public one is beside it. */
  readonly path: string;
  readonly publicLine: string;
  readonly blob: Buffer;
}

/** Makes a key pair without a pass phrase. */
export function makeKey(folder: string, name: string, kind: KeyKind = 'ed25519'): KeyFile {
  const path = join(folder, name);
  const [type = '', bits] = kind.split('-');
  const size = bits === undefined ? [] : ['-b', bits];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...size, '-N', '', '-C', name, '-f', path]);
  return keyFile(path);
}

/** A key whose public file exists. */
export function keyFile(path: string): KeyFile {
  const publicLine = readFileSync(`${path}.pub`, 'utf8').trim();
  return { path, publicLine, blob: blobOfLine(publicLine) };
}

export function blobOfLine(line: string): Buffer {
  return Buffer.from(line.split(' ')[1] ?? '', 'base64');
}

/**
 * Certifies a key with `ssh-keygen -s`; the certificate is beside it, as ssh expects it.
 * @param args `['-n', 'alice', '-V', '+1h']`, …
 */
export function certify(authority: KeyFile, key: KeyFile, args: readonly string[]): Buffer {
  execFileSync('ssh-keygen', [
    '-q',
    '-s',
    authority.path,
    '-I',
    'test',
    ...args,
    `${key.path}.pub`,
  ]);
  return blobOfLine(readFileSync(`${key.path}-cert.pub`, 'utf8'));
}

/**
 * A revocation list of ssh-keygen's lines (`serial: 5`, `id: lost`, `key: …`).
 * @param authority whose certificates are meant; null = of every authority
 */
export function revocationList(folder: string, authority: KeyFile | null, lines: string): Buffer {
  const file = join(folder, 'revoked.krl');
  writeFileSync(join(folder, 'revoked.txt'), lines);
  const signer = authority === null ? 'none' : `${authority.path}.pub`;
  execFileSync('ssh-keygen', ['-q', '-k', '-f', file, '-s', signer, join(folder, 'revoked.txt')]);
  return readFileSync(file);
}
