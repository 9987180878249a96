/**
 * SSH keys as people and other parts of the program handle them: lines, fingerprints, new pairs, and the
 * host key that a target shows. A scanned key is what answered on that address, no more.
 */
import { generateKeyPairSync, randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { USUAL_DEMANDS, type TokenDemands } from '../access/token-demands.ts';
import { SallyportError } from '../errors.ts';
import { readPrivateKey, writeContainer, type PrivateKeyOutcome } from './engine/private-key.ts';
import { blobOf, fingerprintOf, readBlob } from './engine/signature.ts';
import { Transport } from './engine/transport.ts';
import { identity } from './identity.ts';
import { unreachable } from './reach.ts';

/** Longest line that is read as a public key; a 16384-bit RSA key has 2,8 kB. */
export const MAX_KEY_LINE = 8192;
/** Longest comment that is kept. */
export const MAX_KEY_COMMENT = 200;

export type PublicLineOutcome =
  | {
      readonly kind: 'key';
      readonly algorithm: string;
      readonly blob: Buffer;
      readonly fingerprint: string;
      readonly comment: string;
      /** Set for the key of a security token alone. */
      readonly demands?: TokenDemands;
    }
  | { readonly kind: 'invalid'; readonly why: string };

/** Options in front of a key, as in `authorized_keys`. */
const OPTIONS = ['no-touch-required', 'verify-required'];

export interface KeyPair {
  /** Ed25519 in OpenSSH's format, without a pass phrase. */
  readonly privateKeyPem: Buffer;
  /** `ssh-ed25519 AAAA… comment`, without a line end. */
  readonly publicLine: string;
  readonly fingerprint: string;
}

/** A new Ed25519 key pair. @param comment one line; control characters are removed */
export function generateKeyPair(comment: string): KeyPair {
  const { privateKey } = generateKeyPairSync('ed25519');
  const words = oneLine(comment);
  const blob = blobOf(privateKey) ?? Buffer.alloc(0);
  return {
    privateKeyPem: writeContainer(privateKey, randomInt(2 ** 32), words),
    publicLine: formatPublicLine(blob, words),
    fingerprint: fingerprintOf(blob),
  };
}

/**
 * Reads `TYPE BASE64 [comment]`: Ed25519, ECDSA, RSA from 2048 bits, and the keys of security tokens, which
 * may have `no-touch-required` or `verify-required` in front. Never throws.
 */
export function parsePublicLine(line: string): PublicLineOutcome {
  if (line.length > MAX_KEY_LINE) return { kind: 'invalid', why: 'the line is too long' };
  const words = line.trim().split(/[ \t]+/);
  const options = (words[0] ?? '').toLowerCase().split(',');
  if (!options.every((option) => OPTIONS.includes(option))) {
    return OTHER_OPTIONS.test(line) ? OPTIONS_REFUSED : readLine(words);
  }
  const outcome = readLine(words.slice(1));
  if (outcome.kind === 'invalid') return outcome;
  if (outcome.demands === undefined) {
    const why = `${options.join(' and ')} can be asked of the keys of security tokens only`;
    return { kind: 'invalid', why };
  }
  const demands = {
    isTouchRequired: !options.includes('no-touch-required'),
    isVerifyRequired: options.includes('verify-required'),
  };
  return { ...outcome, demands };
}

/** A key type and the beginning of every blob, with something in front. */
const OTHER_OPTIONS = /^\s*\S.*\s(ssh|ecdsa|sk)-\S+\s+AAAA/;
const OPTIONS_REFUSED: PublicLineOutcome = {
  kind: 'invalid',
  why: `only ${OPTIONS.join(' and ')} can stand in front of a key: grants say what it may do`,
};

function readLine(words: readonly string[]): PublicLineOutcome {
  const [algorithm = '', body = '', ...comment] = words;
  if (body === '') {
    return { kind: 'invalid', why: 'a public key has the form `ssh-ed25519 AAAA… comment`' };
  }
  const blob = Buffer.from(body, 'base64');
  if (blob.toString('base64').replace(/=+$/, '') !== body.replace(/=+$/, '')) {
    return { kind: 'invalid', why: 'the key is not valid base64' };
  }
  const outcome = readBlob(blob);
  if (outcome.kind === 'invalid') return outcome;
  if (outcome.type !== algorithm) {
    return { kind: 'invalid', why: `the line says ${algorithm}, the key is ${outcome.type}` };
  }
  return {
    kind: 'key',
    algorithm,
    blob,
    fingerprint: fingerprintOf(blob),
    comment: oneLine(comment.join(' ')),
    ...(outcome.application === null ? {} : { demands: USUAL_DEMANDS }),
  };
}

/** Reads an unencrypted private key in OpenSSH or PEM form. Never throws. */
export function parsePrivateKey(pem: Buffer): PrivateKeyOutcome {
  return readPrivateKey(pem);
}

/** `TYPE BASE64 comment` of a blob. */
export function formatPublicLine(blob: Buffer, comment = ''): string {
  const outcome = readBlob(blob);
  const type = outcome.kind === 'key' ? outcome.type : 'unknown';
  return [type, blob.toString('base64'), comment].filter((part) => part !== '').join(' ');
}

export interface ScannedHostKey {
  /** `ssh-ed25519 AAAA…` as it goes into `hostKey:`. */
  readonly hostKeyLine: string;
  readonly fingerprint: string;
}

/**
 * Asks a host for its key (Ed25519 first) and verifies that it holds it.
 * Rejects with `target.unreachable` or `target.refused`.
 */
export function scanHostKey(
  host: string,
  port: number,
  timeoutMs: number,
): Promise<ScannedHostKey> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const where = `${host}:${port}`;
    let seen: Buffer | null = null;
    const timer = setTimeout(() => {
      socket.destroy();
      reject(unreachable(where, `no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(unreachable(where, error));
    });
    socket.once('connect', () => {
      const transport = new Transport({
        socket,
        ident: identity(),
        role: {
          kind: 'client',
          pinned: null,
          verify: (blob) => {
            seen = Buffer.from(blob);
            return true;
          },
        },
        onReady: () => {
          const blob = seen ?? Buffer.alloc(0);
          resolve({ hostKeyLine: formatPublicLine(blob), fingerprint: fingerprintOf(blob) });
          transport.close('thank you');
          return { receive: () => {}, ended: () => {} };
        },
        onEnd: (why) => {
          clearTimeout(timer);
          const message = `${where} answered but showed no usable host key: ${why}`;
          reject(new SallyportError('target.refused', message, 'check that it is an SSH server'));
        },
      });
    });
  });
}

function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed here
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').slice(0, MAX_KEY_COMMENT);
}
