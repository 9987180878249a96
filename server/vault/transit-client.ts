/**
 * The HTTP interface of a transit secrets engine (HashiCorp Vault, OpenBao), as far as data keys need it.
 * Plaintext in an answer is taken out as bytes before anything becomes a string, so that it can be wiped.
 * The token is read from its file at every call. Not caught here: who else has the token.
 */
import { readFile } from 'node:fs/promises';
import { type ClientRequest, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeBase64 } from '../base64.ts';
import { messageOf, SallyportError } from '../errors.ts';
import { printable } from '../printable.ts';

/** For one try, milliseconds. Both together stay below what a target's connection may take. */
const TIMEOUT_MS = 4_000;
const TRIES = 2;
const PAUSE_MS = 200;
/** Longest answer that is read, bytes. */
export const MAX_ANSWER_BYTES = 65_536;
const MAX_TOKEN_BYTES = 8_192;
/** What is shown of the service's own words. */
const MAX_SHOWN = 200;
const TOKEN = /^[\x21-\x7e]{1,4096}$/;
const PLAINTEXT_NAME = Buffer.from('"plaintext"');
const [QUOTE, COLON, SPACE] = [0x22, 0x3a, 0x20];
const NO_CONTENT = 204;
/** Eventually consistent, too many requests. The service asks to try again. */
const TRY_AGAIN: readonly number[] = [412, 429];

export interface TransitPlace {
  /** `https://vault.example:8200`, without a path. */
  readonly address: string;
  /** Where the engine is mounted, without slashes at its ends. */
  readonly mount: string;
  /** Name of the key in it. */
  readonly key: string;
  /** X-Vault-Namespace; null = none. */
  readonly namespace: string | null;
  readonly tokenFile: string;
  /** Certificates of the authorities that the service's own is checked against; null = those of Node. */
  readonly caFile: string | null;
  /** For one try; of two. */
  readonly timeoutMs?: number;
}

export interface TransitAnswer {
  readonly status: number;
  /** `data` or `auth` of the answer, without the plaintext. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What the service says went wrong, for people. */
  readonly errors: string;
  /** The caller wipes it. */
  readonly plaintext: Buffer | null;
}

export interface TransitClient {
  readonly place: string;
  /**
   * One call of the engine or of `auth/`. Answers up to 499 come back, all else rejects with `vault.locked`.
   * @param path below `/v1/`
   */
  call(method: 'GET' | 'POST', path: string, body?: object): Promise<TransitAnswer>;
}

export function createTransitClient(place: TransitPlace): TransitClient {
  const shown = `the key service ${place.address}`;
  return {
    place: `key ${place.key} of ${place.mount} at ${place.address}`,
    call: async (method, path, body) => {
      for (let left = TRIES - 1; ; left -= 1) {
        const outcome = await tryOnce(place, method, path, body).catch((error: unknown) => {
          if (error instanceof SallyportError) throw error;
          return `${shown} can't be reached: ${messageOf(error)}`;
        });
        if (
          typeof outcome !== 'string' &&
          outcome.status < 500 &&
          !TRY_AGAIN.includes(outcome.status)
        ) {
          return outcome;
        }
        if (left === 0)
          throw locked(typeof outcome === 'string' ? outcome : failed(shown, outcome));
        await sleep(PAUSE_MS);
      }
    },
  };
}

function failed(shown: string, { errors, status }: TransitAnswer): string {
  const sealed = status === 503 ? ' (sealed or stopped)' : '';
  return `${shown} answered ${status}${sealed}${errors === '' ? '' : `: ${errors}`}`;
}

function locked(message: string): SallyportError {
  return new SallyportError(
    'vault.locked',
    message,
    'credentials stay closed until it answers; look at the service, and at: sallyport vault status',
  );
}

async function tryOnce(
  place: TransitPlace,
  method: string,
  path: string,
  body: object | undefined,
): Promise<TransitAnswer> {
  const token = await readToken(place.tokenFile);
  const ca = place.caFile === null ? undefined : await readAuthorities(place.caFile);
  const url = new URL(`/v1/${path}`, place.address);
  const content = body === undefined ? null : Buffer.from(JSON.stringify(body));
  const headers = {
    Accept: 'application/json',
    'X-Vault-Request': 'true',
    'X-Vault-Token': token,
    ...(place.namespace === null ? {} : { 'X-Vault-Namespace': place.namespace }),
    ...(content === null
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': String(content.length) }),
  };
  const send = url.protocol === 'https:' ? requestTls : requestPlain;
  const { timeoutMs = TIMEOUT_MS } = place;
  const signal = AbortSignal.timeout(timeoutMs);
  const options = { method, headers, agent: false, signal, ...(ca === undefined ? {} : { ca }) };
  const { bytes, status } = await exchange(send(url, options), content).catch((error: unknown) => {
    throw signal.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error;
  });
  try {
    return readAnswer(status, bytes);
  } finally {
    bytes.fill(0);
  }
}

function exchange(
  request: ClientRequest,
  content: Buffer | null,
): Promise<{ readonly status: number; readonly bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > MAX_ANSWER_BYTES) request.destroy(new Error('its answer is too long'));
      });
      response.once('error', reject);
      response.once('end', () => {
        const bytes = Buffer.concat(chunks);
        for (const chunk of chunks) chunk.fill(0);
        resolve({ status: response.statusCode ?? 0, bytes });
      });
    });
    request.end(content);
  });
}

function readAnswer(status: number, bytes: Buffer): TransitAnswer {
  if (status >= 300 && status < 400) {
    throw locked(`it sends to another place (${status}); name the active server itself`);
  }
  const plaintext = takePlaintext(bytes);
  const none = { status, fields: {}, errors: '', plaintext };
  if (status === NO_CONTENT || bytes.length === 0) return none;
  let answer: unknown;
  try {
    answer = JSON.parse(bytes.toString('utf8'));
  } catch {
    plaintext?.fill(0);
    // A proxy's own page: its status says enough.
    if (status >= 400) return none;
    throw new Error('its answer is not JSON');
  }
  const { auth, data, errors } = objectOf(answer);
  const words = Array.isArray(errors) ? errors.filter((one) => typeof one === 'string') : [];
  return {
    status,
    fields: objectOf(data ?? auth),
    errors: printable(words.join('; '), MAX_SHOWN),
    plaintext,
  };
}

/** Takes the value of the first `"plaintext"` out and leaves spaces. Null when there is none or it is no base64. */
function takePlaintext(bytes: Buffer): Buffer | null {
  const name = bytes.indexOf(PLAINTEXT_NAME);
  if (name === -1) return null;
  let at = name + PLAINTEXT_NAME.length;
  while (bytes[at] === SPACE || bytes[at] === COLON) at += 1;
  if (bytes[at] !== QUOTE) return null;
  const end = bytes.indexOf(QUOTE, at + 1);
  if (end === -1) return null;
  const text = bytes.subarray(at + 1, end);
  const plain = decodeBase64(text);
  text.fill(SPACE);
  return plain;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

async function readToken(path: string): Promise<string> {
  const content = await readFile(path).catch((error: unknown) => {
    throw unreadable('token', path, messageOf(error));
  });
  const token = content.length > MAX_TOKEN_BYTES ? '' : content.toString('latin1').trim();
  content.fill(0);
  if (TOKEN.test(token)) return token;
  throw unreadable('token', path, 'it holds no token');
}

async function readAuthorities(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    throw unreadable('certificates', path, messageOf(error));
  });
}

function unreadable(what: string, path: string, why: string): SallyportError {
  return new SallyportError(
    'vault.locked',
    `the ${what} for the key service can't be read from ${path}: ${why}`,
    'credentials stay closed until the file is there and readable for this user',
  );
}
