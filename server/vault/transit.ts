/**
 * Data keys that a transit secrets engine makes, opens and re-wraps: the key that wraps them never leaves it.
 * Its endpoints: `datakey/plaintext`, `decrypt`, `rewrap`, and `keys` to look at. The credential's name, kind
 * and version go along as `context`, which an engine with a derived key binds and another one ignores; the
 * body binds them in any case. Data keys that were opened are kept only where a time is given.
 */
import { createHash } from 'node:crypto';
import { messageOf, SallyportError } from '../errors.ts';
import { DATA_KEY_BYTES, type SealContext, type WrappedKey } from './envelope.ts';
import type { KeyService, UnwrapOutcome } from './key-service.ts';
import { Secret } from './secret.ts';
import {
  createTransitClient,
  type TransitAnswer,
  type TransitClient,
  type TransitPlace,
} from './transit-client.ts';

/** Most data keys that are kept at once. */
const MAX_KEPT = 1_000;
const CIPHERTEXT = /^vault:v([1-9]\d{0,8}):[A-Za-z0-9+/]+={0,2}$/;
/** What the engine says of a version that it has no more, or not yet, and of a key that is gone. */
const NO_SUCH_KEY = /not found|too old|too new|no such key|disallowed by policy/i;

export interface TransitOptions {
  readonly place: TransitPlace;
  /** How long an opened data key is kept; 0 = the service is asked each time. */
  readonly keepMs: number;
}

export interface TransitKeys extends KeyService {
  readonly client: TransitClient;
}

export function createTransitKeys({ keepMs, place }: TransitOptions): TransitKeys {
  return new Transit(place, keepMs);
}

class Transit implements TransitKeys {
  readonly client: TransitClient;
  readonly #key: string;
  readonly #mount: string;
  readonly #keepMs: number;
  readonly #kept = new Map<
    string,
    { readonly key: Secret<'data-key'>; readonly timer: NodeJS.Timeout }
  >();

  constructor(place: TransitPlace, keepMs: number) {
    this.client = createTransitClient(place);
    this.#key = place.key;
    this.#mount = place.mount;
    this.#keepMs = keepMs;
  }

  get place(): string {
    return this.client.place;
  }

  async current(): Promise<string | null> {
    const versions = await this.#versions();
    return versions === null ? null : this.#idOf(versions.latest);
  }

  owns(keyId: string): boolean {
    return keyId.startsWith(this.#prefix) && versionOf(keyId) !== null;
  }

  async knows(keyId: string): Promise<boolean> {
    if (!this.owns(keyId)) return false;
    const versions = await this.#versions();
    const version = versionOf(keyId) ?? 0;
    return versions === null || (version >= versions.least && version <= versions.latest);
  }

  async make(context: SealContext): Promise<{ key: WrappedKey; dataKey: Buffer }> {
    const bits = DATA_KEY_BYTES * 8;
    const body = { context: contextOf(context), bits };
    const answer = await this.#ask('POST', `datakey/plaintext/${this.#key}`, body);
    const key = this.#wrappedIn(answer);
    return { key, dataKey: this.#dataKeyIn(answer) };
  }

  async unwrap(key: WrappedKey, context: SealContext): Promise<UnwrapOutcome> {
    if (!this.owns(key.keyId)) return { kind: 'missing-key' };
    const name = nameOf(key, context);
    const kept = this.#kept.get(name);
    if (kept !== undefined) return { kind: 'open', dataKey: Buffer.from(kept.key.bytes) };
    const ciphertext = key.wrapping.toString('latin1');
    const body = { ciphertext, context: contextOf(context) };
    const answer = await this.#askAbout('decrypt', body);
    if ('kind' in answer) return answer;
    const dataKey = this.#dataKeyIn(answer);
    this.#keep(name, dataKey);
    return { kind: 'open', dataKey };
  }

  async rewrap(key: WrappedKey, context: SealContext): ReturnType<KeyService['rewrap']> {
    if (!this.owns(key.keyId)) return { kind: 'missing-key' };
    const ciphertext = key.wrapping.toString('latin1');
    const body = { ciphertext, context: contextOf(context) };
    const answer = await this.#askAbout('rewrap', body);
    if ('kind' in answer) return answer;
    const wrapped = this.#wrappedIn(answer);
    return wrapped.keyId === key.keyId ? { kind: 'current' } : { kind: 'wrapped', key: wrapped };
  }

  close(): void {
    for (const name of this.#kept.keys()) this.#forget(name);
  }

  get #prefix(): string {
    return `transit:${this.#mount}/${this.#key}:v`;
  }

  #idOf(version: number): string {
    return `${this.#prefix}${version}`;
  }

  /** Null when the token may not look. */
  async #versions(): Promise<{ readonly latest: number; readonly least: number } | null> {
    const answer = await this.client.call('GET', `${this.#mount}/keys/${this.#key}`);
    if (answer.status === 403) return null;
    const { latest_version: latest, min_decryption_version: least } = this.#good(answer).fields;
    if (typeof latest !== 'number') throw this.#strange('no latest_version');
    return { latest, least: typeof least === 'number' ? least : 1 };
  }

  async #ask(method: 'GET' | 'POST', path: string, body: object): Promise<TransitAnswer> {
    return this.#good(await this.client.call(method, `${this.#mount}/${path}`, body));
  }

  /** The engine answers 400 for a ciphertext that it can't open, whatever the reason. */
  async #askAbout(
    what: 'decrypt' | 'rewrap',
    body: object,
  ): Promise<TransitAnswer | Exclude<UnwrapOutcome, { kind: 'open' }>> {
    const answer = await this.client.call('POST', `${this.#mount}/${what}/${this.#key}`, body);
    if (answer.status !== 400) return this.#good(answer);
    return { kind: NO_SUCH_KEY.test(answer.errors) ? 'missing-key' : 'damaged' };
  }

  #good(answer: TransitAnswer): TransitAnswer {
    if (answer.status < 300) return answer;
    answer.plaintext?.fill(0);
    const words = answer.errors === '' ? '' : `: ${answer.errors}`;
    throw new SallyportError(
      'vault.locked',
      `the key service refused to work with ${this.place} (${answer.status}${words})`,
      answer.status === 403
        ? `renew the token, and give it update on ${this.#mount}/datakey/plaintext/${this.#key}, decrypt/${this.#key} and rewrap/${this.#key}`
        : 'check the mount and the name of the key: sallyport vault status',
    );
  }

  #wrappedIn({ fields }: TransitAnswer): WrappedKey {
    const { ciphertext } = fields;
    const version = typeof ciphertext === 'string' ? CIPHERTEXT.exec(ciphertext)?.[1] : undefined;
    if (typeof ciphertext !== 'string' || version === undefined) {
      throw this.#strange('no ciphertext of the form vault:vN:…');
    }
    const wrapping = Buffer.from(ciphertext, 'latin1');
    return { format: 2, keyId: this.#idOf(Number(version)), wrapping };
  }

  #dataKeyIn({ plaintext }: TransitAnswer): Buffer {
    if (plaintext?.length === DATA_KEY_BYTES) return plaintext;
    plaintext?.fill(0);
    throw this.#strange(`no key of ${DATA_KEY_BYTES} bytes`);
  }

  #strange(what: string): SallyportError {
    const message = `the answer of the key service is not one of a transit engine: ${what}`;
    return new SallyportError('vault.locked', message, `check that ${this.place} is right`);
  }

  #keep(name: string, dataKey: Buffer): void {
    if (this.#keepMs === 0) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size >= MAX_KEPT) this.#forget(oldest);
    this.#forget(name);
    const timer = setTimeout(() => this.#forget(name), this.#keepMs);
    timer.unref();
    this.#kept.set(name, { key: new Secret('data-key', Buffer.from(dataKey)), timer });
  }

  #forget(name: string): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    this.#kept.delete(name);
    clearTimeout(kept.timer);
    kept.key[Symbol.dispose]();
  }
}

function contextOf({ kind, name, version }: SealContext): string {
  return Buffer.from(JSON.stringify(['sallyport', name, kind, version])).toString('base64');
}

function nameOf({ wrapping }: WrappedKey, context: SealContext): string {
  return createHash('sha256').update(contextOf(context)).update('.').update(wrapping).digest('hex');
}

function versionOf(keyId: string): number | null {
  const version = /:v([1-9]\d{0,8})$/.exec(keyId)?.[1];
  return version === undefined ? null : Number(version);
}

/** Between two renewals of a token that can be renewed, and after a failure, milliseconds. */
const RENEW_MS = { least: 5_000, most: 3_600_000, afterFailure: 30_000 } as const;

/** What a running bastion does so that its token lasts. */
export interface Renewing {
  close(): void;
}

/** @param tell gets one line for the log */
export function keepTokenAlive(
  client: TransitClient,
  tell: (event: 'renewed' | 'not-renewable' | 'failed', why: string) => void,
): Renewing {
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;
  let before = '';
  const say = (event: 'renewed' | 'not-renewable' | 'failed', why: string): void => {
    if (event !== before || event === 'failed') tell(event, why);
    before = event;
  };
  const renew = async (): Promise<number> => {
    try {
      const { errors, fields, status } = await client.call('POST', 'auth/token/renew-self', {});
      const seconds = Number(fields['lease_duration'] ?? 0);
      if (status < 300 && fields['renewable'] === true && seconds > 0) {
        say('renewed', `for ${seconds} s`);
        return Math.min(Math.max(seconds * 500, RENEW_MS.least), RENEW_MS.most);
      }
      if (status < 300 || status === 400) {
        say('not-renewable', errors);
        return RENEW_MS.most;
      }
      say('failed', `${status} ${errors}`);
    } catch (error) {
      say('failed', messageOf(error));
    }
    return RENEW_MS.afterFailure;
  };
  const round = async (): Promise<void> => {
    const waitMs = await renew();
    if (isClosed) return;
    timer = setTimeout(() => void round(), waitMs);
    timer.unref();
  };
  void round();
  return {
    close: () => {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
