/**
 * Posts one message to one receiver: to the address that was checked and no other, without following
 * anybody elsewhere, for a bounded time, reading a bounded answer.
 */
import { createHmac } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { isIP } from 'node:net';
import { messageOf } from '../errors.ts';
import { printable } from '../printable.ts';
import { isPublicAddress } from './public-address.ts';

/** A receiver that takes longer has failed. */
export const POST_TIMEOUT_MS = 10_000;
/** As much of an answer is read; the rest is cut off with the connection. */
export const MAX_ANSWER_BYTES = 16 * 1024;
const MAX_WHY_CHARACTERS = 200;
/** What Standard Webhooks asks of a key. */
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;
const KEY_PREFIX = 'whsec_';

export type PostOutcome =
  | { readonly kind: 'taken' }
  /** The receiver answered, and doesn't want this one. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Nothing gets through at the moment. @param afterMs the receiver asks for so much rest; null = it doesn't say */
  | { readonly kind: 'unavailable'; readonly why: string; readonly afterMs: number | null };

export interface Post {
  readonly url: URL;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** It may be at a private address, and without TLS. */
  readonly isPrivate: boolean;
  readonly timeoutMs?: number;
}

/** A key as Standard Webhooks writes it, `whsec_` and base64; null = it is none. */
export function readKey(text: string): Buffer | null {
  const base64 = text.trim().replace(KEY_PREFIX, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return null;
  const key = Buffer.from(base64, 'base64');
  return key.length >= MIN_KEY_BYTES && key.length <= MAX_KEY_BYTES ? key : null;
}

/** The headers of Standard Webhooks; one signature for each key, so that receivers can change theirs. */
export function signedHeaders(
  id: string,
  atS: number,
  body: string,
  keys: readonly Buffer[],
): Readonly<Record<string, string>> {
  const base = { 'webhook-id': id, 'webhook-timestamp': String(atS) };
  if (keys.length === 0) return base;
  const signatures = keys.map((key) => {
    const digest = createHmac('sha256', key).update(`${id}.${atS}.${body}`).digest('base64');
    return `v1,${digest}`;
  });
  return { ...base, 'webhook-signature': signatures.join(' ') };
}

/** Never rejects. */
export async function post(message: Post): Promise<PostOutcome> {
  const { body, headers, isPrivate, timeoutMs = POST_TIMEOUT_MS, url } = message;
  const isSecure = url.protocol === 'https:';
  if (!isSecure && !isPrivate) return { kind: 'refused', why: 'the address is not https' };
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const place = await placeOf(url.hostname.replace(/^\[|\]$/g, ''), isPrivate, signal);
    if (typeof place === 'string') return { kind: 'unavailable', why: place, afterMs: null };
    return await new Promise<PostOutcome>((resolve, reject) => {
      const sent = (isSecure ? secureRequest : plainRequest)(
        url,
        {
          method: 'POST',
          agent: false,
          signal,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            'user-agent': 'sallyport',
            ...headers,
          },
          // Whatever the name means by now, this is the address that was looked at.
          lookup: (_host, options, done) => {
            if (options.all === true) done(null, [place]);
            else done(null, place.address, place.family);
          },
        },
        (answer) => {
          const parts: Buffer[] = [];
          let bytes = 0;
          const end = (): void => {
            resolve(outcomeOf(answer.statusCode ?? 0, answer.headers['retry-after'], parts));
            sent.destroy();
          };
          answer.on('data', (part: Buffer) => {
            bytes += part.length;
            parts.push(part);
            if (bytes > MAX_ANSWER_BYTES) end();
          });
          answer.on('end', end);
          answer.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  } catch (error) {
    return { kind: 'unavailable', why: whyOf(error, timeoutMs), afterMs: null };
  }
}

interface Place {
  readonly address: string;
  readonly family: number;
}

/** The address to connect to, or why there is none. */
async function placeOf(
  host: string,
  isPrivate: boolean,
  signal: AbortSignal,
): Promise<Place | string> {
  const literal = isIP(host);
  const found: readonly Place[] =
    literal === 0
      ? await within(signal, lookup(host, { all: true }))
      : [{ address: host, family: literal }];
  const [first] = found;
  if (first === undefined) return 'the name of the receiver has no address';
  // One that is private among others is enough: whoever answers for the name chooses.
  if (!isPrivate && !found.every(({ address }) => isPublicAddress(address))) {
    return 'the receiver is at a private address; if that is meant, say private: true';
  }
  return first;
}

function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('it took too long')), { once: true });
    work.then(resolve, reject);
  });
}

function outcomeOf(
  status: number,
  retryAfter: string | undefined,
  parts: readonly Buffer[],
): PostOutcome {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const said = printable(Buffer.concat(parts).toString('utf8').trim(), MAX_WHY_CHARACTERS, ' ');
  const isMoved = status >= 300 && status < 400;
  const more = isMoved ? ', and redirects are not followed' : said === '' ? '' : `: ${said}`;
  const why = `it answered ${status}${more}`;
  const isPassing = status >= 500 || [408, 425, 429].includes(status);
  if (!isPassing) return { kind: 'refused', why };
  const seconds = Number(retryAfter ?? Number.NaN);
  return { kind: 'unavailable', why, afterMs: seconds >= 0 ? seconds * 1_000 : null };
}

function whyOf(error: unknown, timeoutMs: number): string {
  const isLate = error instanceof Error && ['AbortError', 'TimeoutError'].includes(error.name);
  return isLate
    ? `it did not answer within ${timeoutMs / 1_000} s`
    : printable(messageOf(error), MAX_WHY_CHARACTERS, ' ');
}
