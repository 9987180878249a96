/**
 * Authentication of a client, RFC 4252: public keys, plain or certified, and behind them a link for people.
 * A bare offer is answered but proves nothing; a request with a signature counts only after it was verified
 * over this connection. The judge may ask an unknown key for its signature too, so that a person can have it
 * remembered: OpenSSH gives each key one chance, before it turns to the link.
 */
import { certificateAlgorithm, isCertificateName, readCertificate } from './certificate.ts';
import { MAX_AUTH_REQUESTS, MAX_PENDING_REQUESTS } from './limits.ts';
import { LinkExchange } from './link-exchange.ts';
import { fingerprintOf, keyTypeOf, readBlob, verifySignature } from './signature.ts';
import { DISCONNECT_REASON, type Stage, type Transport } from './transport.ts';
import { printable } from '../../printable.ts';
import type { LinkSignIns, PublicKey } from '../../session/ports.ts';
import { encodeFields, encodePacket, exactText, MESSAGE, PacketReader } from './wire.ts';

/** Who decides about keys; a part of ConnectionHandler. */
export interface KeyJudge {
  offered(userName: string, key: PublicKey): Promise<boolean>;
  proven(userName: string, key: PublicKey): Promise<boolean>;
  /** Something was shown that can't be judged; `shown` = the fingerprint of a key. */
  refused?(userName: string, why: string, shown: string | null): void;
}

/** Places for clients that wait for a person, which are few; and who hears of what was refused. */
export interface WaitingPlaces {
  /** Takes a place; false = there is none. Otherwise `leave` must follow once. */
  enter(): boolean;
  leave(): void;
  /** The client has shown a key that counts for nothing. */
  refused(): void;
}

export interface ServerAuthOptions {
  readonly judge: KeyJudge;
  /** Signing in by a link; left out = nobody does. */
  readonly links?: LinkSignIns | undefined;
  readonly waits?: WaitingPlaces | undefined;
  /** Lets a client in without proof, by its user name: it has proved itself further out. Null = never. */
  readonly enter: ((userName: string) => Promise<boolean>) | null;
  /** Requests that may fail on one connection. */
  readonly maxAttempts: number;
  readonly maxUserNameBytes: number;
  /** The stage after success. */
  readonly onSuccess: () => Stage;
  /** The judge threw: nobody can be let in, and the client is told so. */
  readonly onError: (thrown: unknown) => void;
}

interface AuthRequest {
  readonly userName: string;
  readonly method: string;
  readonly algorithm: string;
  readonly blob: Buffer;
  /** null = a bare offer. */
  readonly signature: Buffer | null;
  /** What the signature covers. */
  readonly signed: Buffer;
}

type Verdict =
  | 'accepted'
  | 'offer-accepted'
  | 'refused'
  /** The client has turned to something else. */
  | 'withdrawn';
const EMPTY = Buffer.alloc(0);
const INTERACTIVE = 'keyboard-interactive';
const SHUT_OUT_TEXT = 'whoever signed in in the browser may not come in any more; ask an admin';
const BUSY_TEXT =
  'sallyport: too many sign-ins wait for a browser already; finish those, or try again in a minute.\n';

export class ServerAuth implements Stage {
  readonly #transport: Transport;
  readonly #options: ServerAuthOptions;
  readonly #pending: AuthRequest[] = [];
  #serviceAccepted = false;
  #userName: string | null = null;
  #isBusy = false;
  #requests = 0;
  #failures = 0;
  #isDone = false;
  #exchange: LinkExchange | null = null;
  /** A connection gets one link. */
  #hadLink = false;

  constructor(transport: Transport, options: ServerAuthOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  receive(type: number, reader: PacketReader): void {
    if (type === MESSAGE.SERVICE_REQUEST && !this.#serviceAccepted) this.#service(reader);
    else if (type === MESSAGE.USERAUTH_REQUEST && this.#serviceAccepted) this.#request(reader);
    else if (type === MESSAGE.USERAUTH_INFO_RESPONSE && this.#exchange !== null)
      this.#exchange.answer(reader);
    else this.#transport.fail(`packet of type ${type} before authentication`);
  }

  ended(): void {
    this.#isDone = true;
    this.#exchange?.withdraw();
  }

  #service(reader: PacketReader): void {
    if (reader.name() !== 'ssh-userauth') {
      return this.#transport.fail('unknown service', DISCONNECT_REASON.serviceNotAvailable);
    }
    this.#serviceAccepted = true;
    this.#transport.send(encodePacket(MESSAGE.SERVICE_ACCEPT, 'ssh-userauth'));
  }

  #request(reader: PacketReader): void {
    const rawName = reader.string();
    const service = reader.name();
    const method = reader.name();
    const userName = exactText(rawName);
    if (service !== 'ssh-connection') {
      return this.#transport.fail('unknown service', DISCONNECT_REASON.serviceNotAvailable);
    }
    if (userName === null || rawName.length > this.#options.maxUserNameBytes) {
      return this.#transport.fail('the user name is too long or not valid UTF-8');
    }
    if (this.#userName !== null && this.#userName !== userName) {
      return this.#transport.fail('the user name changed during authentication');
    }
    this.#userName = userName;
    this.#requests += 1;
    // RFC 4252 section 5.1: a new request takes back the one that is being answered.
    this.#exchange?.withdraw();
    if (this.#requests > MAX_AUTH_REQUESTS || this.#pending.length >= MAX_PENDING_REQUESTS) {
      return this.#tooMany();
    }
    this.#pending.push(
      method === 'publickey'
        ? this.#readKeyRequest(userName, reader)
        : { userName, method, algorithm: '', blob: EMPTY, signature: null, signed: EMPTY },
    );
    if (!this.#isBusy) void this.#work();
  }

  #readKeyRequest(userName: string, reader: PacketReader): AuthRequest {
    const hasSignature = reader.boolean();
    const algorithm = reader.name();
    const blob = Buffer.from(reader.string());
    // RFC 4252 section 7: the signature covers the session id and the request up to itself.
    const signed = encodeFields([this.#transport.sessionId]);
    const request = Buffer.concat([
      Buffer.of(MESSAGE.USERAUTH_REQUEST),
      encodeFields([userName, 'ssh-connection', 'publickey', true, algorithm, blob]),
    ]);
    return {
      userName,
      method: 'publickey',
      algorithm,
      blob,
      signature: hasSignature ? Buffer.from(reader.string()) : null,
      signed: Buffer.concat([signed, request]),
    };
  }

  /** Judges the waiting requests one after the other. */
  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
      const isBounded = next.method !== 'none' && !this.#mayUseLink(next);
      if (isBounded && this.#failures >= this.#options.maxAttempts) {
        this.#tooMany();
        return;
      }
      const verdict = await this.#judge(next);
      if (this.#isDone || this.#transport.isEnded) return;
      if (verdict === 'accepted') {
        this.#isDone = true;
        this.#transport.send(encodePacket(MESSAGE.USERAUTH_SUCCESS));
        this.#transport.authenticated(this.#options.onSuccess());
        return;
      }
      if (verdict === 'offer-accepted') {
        this.#transport.send(encodePacket(MESSAGE.USERAUTH_PK_OK, next.algorithm, next.blob));
        continue;
      }
      if (verdict === 'withdrawn') continue;
      if (next.method !== 'none') this.#refused(next.method);
      const methods = this.#methods(next.userName);
      this.#transport.send(encodePacket(MESSAGE.USERAUTH_FAILURE, methods, false));
    }
    this.#isBusy = false;
  }

  /** What a client may try next. Whoever has shown too many keys is sent to the link, if there is one. */
  #methods(userName: string): string {
    const hasLink = this.#offersLink(userName);
    const hasKeys = this.#failures < this.#options.maxAttempts || !hasLink;
    return [...(hasKeys ? ['publickey'] : []), ...(hasLink ? [INTERACTIVE] : [])].join();
  }

  #offersLink(userName: string): boolean {
    const { links, waits } = this.#options;
    return waits !== undefined && !this.#hadLink && links?.isOffered(userName) === true;
  }

  #mayUseLink({ method, userName }: AuthRequest): boolean {
    return method === INTERACTIVE && this.#offersLink(userName);
  }

  async #judge(request: AuthRequest): Promise<Verdict> {
    const { enter } = this.#options;
    if (enter !== null) {
      // Proved further out; what is shown here adds nothing, and a client may insist on showing something.
      const isBareOffer = request.method === 'publickey' && request.signature === null;
      return isBareOffer ? 'offer-accepted' : this.#enter(enter, request.userName);
    }
    if (this.#mayUseLink(request)) return this.#link(request.userName);
    const { judge } = this.#options;
    const { signature, userName } = request;
    if (request.method !== 'publickey') {
      const isTry = request.method !== 'none' && request.method !== INTERACTIVE;
      if (isTry)
        judge.refused?.(userName, `by ${printable(request.method, 40)} nobody comes in`, null);
      return 'refused';
    }
    const shown = readShown(request);
    if (shown.kind === 'invalid') {
      judge.refused?.(userName, shown.why, null);
      return 'refused';
    }
    const { key, algorithm } = shown;
    try {
      if (signature === null) {
        return (await judge.offered(userName, key)) ? 'offer-accepted' : 'refused';
      }
      if (!verifySignature(key.blob, algorithm, request.signed, signature)) {
        judge.refused?.(userName, 'its signature is wrong', key.fingerprint);
        return 'refused';
      }
      const proven = { ...key, ...presenceOf(algorithm, signature) };
      return (await judge.proven(userName, proven)) ? 'accepted' : 'refused';
    } catch (thrown) {
      return this.#unable(thrown);
    }
  }

  async #link(userName: string): Promise<Verdict> {
    const { links, waits } = this.#options;
    if (links === undefined || waits === undefined) return 'refused';
    this.#hadLink = true;
    const exchange = new LinkExchange(this.#transport);
    this.#exchange = exchange;
    if (!waits.enter()) {
      const isSeen = await exchange.show(BUSY_TEXT);
      this.#exchange = null;
      return isSeen ? 'refused' : 'withdrawn';
    }
    try {
      const outcome = await exchange.run(await links.begin(userName));
      if (outcome.kind === 'withdrawn') return 'withdrawn';
      if (outcome.kind === 'signed-in' && (await links.enter(userName))) return 'accepted';
      const why = outcome.kind === 'refused' ? outcome.why : SHUT_OUT_TEXT;
      this.#transport.close(why, DISCONNECT_REASON.noMoreAuthMethods);
      return 'refused';
    } catch (thrown) {
      return this.#unable(thrown);
    } finally {
      this.#exchange = null;
      waits.leave();
    }
  }

  async #enter(enter: (userName: string) => Promise<boolean>, userName: string): Promise<Verdict> {
    try {
      return (await enter(userName)) ? 'accepted' : 'refused';
    } catch (thrown) {
      return this.#unable(thrown);
    }
  }

  /** "Permission denied" would send people looking for what is wrong with their keys. */
  #unable(thrown: unknown): Verdict {
    this.#options.onError(thrown);
    this.#transport.close(
      'the bastion cannot check keys at the moment; try again in a minute, or ask its operator',
      DISCONNECT_REASON.serviceNotAvailable,
    );
    return 'refused';
  }

  #refused(method: string): void {
    this.#failures += 1;
    // The link has bounds of its own, and people who close the page have guessed nothing.
    if (method !== INTERACTIVE) this.#options.waits?.refused();
  }

  #tooMany(): void {
    this.#transport.close('too many authentication failures', DISCONNECT_REASON.noMoreAuthMethods);
  }
}

/** The key that a request shows, and the algorithm that its signature must have. */
function readShown({ algorithm, blob }: AuthRequest): Shown | ReturnType<typeof unreadable> {
  if (isCertificateName(algorithm)) {
    const expected = certificateAlgorithm(algorithm);
    const outcome = readCertificate(blob);
    if (outcome.kind === 'invalid') return unreadable('certificate', algorithm, outcome.why);
    if (outcome.certificate.type !== expected?.type) {
      return unreadable('certificate', algorithm, 'it is of another type');
    }
    const { key, keyType } = outcome.certificate;
    const fingerprint = fingerprintOf(key);
    return {
      kind: 'key',
      key: { algorithm: keyType, blob: key, fingerprint, certificate: blob },
      algorithm: expected.signature,
    };
  }
  const outcome = readBlob(blob);
  if (outcome.kind === 'invalid') return unreadable('key', algorithm, outcome.why);
  if (keyTypeOf(algorithm) !== outcome.type) {
    return unreadable('key', algorithm, 'the algorithm is not one that is taken for it');
  }
  const key = { algorithm: outcome.type, blob, fingerprint: fingerprintOf(blob) };
  return { kind: 'key', key, algorithm };
}

interface Shown {
  readonly kind: 'key';
  readonly key: PublicKey;
  readonly algorithm: string;
}

function unreadable(
  what: string,
  algorithm: string,
  why: string,
): { readonly kind: 'invalid'; readonly why: string } {
  return {
    kind: 'invalid',
    why: `a ${what} that can't be used (${printable(algorithm, 60)}): ${why}`,
  };
}

/** Bits of a security token's flags, PROTOCOL.u2f. */
const TOUCHED = 0x01;
const VERIFIED = 0x04;

/** What a signature of a security token, already verified, says of the person; nothing for other keys. */
function presenceOf(algorithm: string, signature: Buffer): Pick<PublicKey, 'presence'> {
  if (!algorithm.startsWith('sk-')) return {};
  const reader = new PacketReader(signature);
  reader.string();
  reader.string();
  const flags = reader.byte();
  return {
    presence: { isTouched: (flags & TOUCHED) !== 0, isVerified: (flags & VERIFIED) !== 0 },
  };
}
