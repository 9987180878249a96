/**
 * Authentication of a client, RFC 4252: public keys only, plain or certified. A bare offer is answered but
 * proves nothing; a request with a signature counts only after it was verified over this connection.
 */
import { certificateAlgorithm, isCertificateName, readCertificate } from './certificate.ts';
import { MAX_AUTH_REQUESTS, MAX_PENDING_REQUESTS } from './limits.ts';
import { fingerprintOf, keyTypeOf, readBlob, verifySignature } from './signature.ts';
import { DISCONNECT_REASON, type Stage, type Transport } from './transport.ts';
import type { PublicKey } from '../../session/ports.ts';
import { encodeFields, encodePacket, exactText, MESSAGE, PacketReader } from './wire.ts';

/** Who decides about keys; a part of ConnectionHandler. */
export interface KeyJudge {
  offered(userName: string, key: PublicKey): Promise<boolean>;
  proven(userName: string, key: PublicKey): Promise<boolean>;
}

export interface ServerAuthOptions {
  readonly judge: KeyJudge;
  /** Lets a client in without proof, by its user name: it has proved itself further out. Null = never. */
  readonly enter: ((userName: string) => Promise<boolean>) | null;
  /** Requests that may fail on one connection. */
  readonly maxAttempts: number;
  readonly maxUserNameBytes: number;
  /** The stage after success. */
  readonly onSuccess: () => Stage;
  readonly onEnded: (why: string) => void;
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

type Verdict = 'accepted' | 'offer-accepted' | 'refused';
const EMPTY = Buffer.alloc(0);

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

  constructor(transport: Transport, options: ServerAuthOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  receive(type: number, reader: PacketReader): void {
    if (type === MESSAGE.SERVICE_REQUEST && !this.#serviceAccepted) this.#service(reader);
    else if (type === MESSAGE.USERAUTH_REQUEST && this.#serviceAccepted) this.#request(reader);
    else this.#transport.fail(`packet of type ${type} before authentication`);
  }

  ended(why: string): void {
    this.#isDone = true;
    this.#options.onEnded(why);
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
      if (next.method !== 'none' && this.#failures >= this.#options.maxAttempts) {
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
      if (next.method !== 'none') this.#failures += 1;
      this.#transport.send(encodePacket(MESSAGE.USERAUTH_FAILURE, 'publickey', false));
    }
    this.#isBusy = false;
  }

  async #judge(request: AuthRequest): Promise<Verdict> {
    const { enter } = this.#options;
    if (enter !== null) {
      // Proved further out; what is shown here adds nothing, and a client may insist on showing something.
      const isBareOffer = request.method === 'publickey' && request.signature === null;
      return isBareOffer ? 'offer-accepted' : this.#enter(enter, request.userName);
    }
    if (request.method !== 'publickey') return 'refused';
    const { signature, userName } = request;
    const shown = readShown(request);
    if (shown === null) return 'refused';
    const { key, algorithm } = shown;
    try {
      if (signature === null) {
        return (await this.#options.judge.offered(userName, key)) ? 'offer-accepted' : 'refused';
      }
      if (!verifySignature(key.blob, algorithm, request.signed, signature)) return 'refused';
      const proven = { ...key, ...presenceOf(algorithm, signature) };
      return (await this.#options.judge.proven(userName, proven)) ? 'accepted' : 'refused';
    } catch (thrown) {
      return this.#unable(thrown);
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

  #tooMany(): void {
    this.#transport.close('too many authentication failures', DISCONNECT_REASON.noMoreAuthMethods);
  }
}

/** The key that a request shows, and the algorithm that its signature must have; null = none that counts. */
function readShown({
  algorithm,
  blob,
}: AuthRequest): { readonly key: PublicKey; readonly algorithm: string } | null {
  if (isCertificateName(algorithm)) {
    const expected = certificateAlgorithm(algorithm);
    const outcome = readCertificate(blob);
    if (outcome.kind === 'invalid' || outcome.certificate.type !== expected?.type) return null;
    const { key, keyType } = outcome.certificate;
    const fingerprint = fingerprintOf(key);
    return {
      key: { algorithm: keyType, blob: key, fingerprint, certificate: blob },
      algorithm: expected.signature,
    };
  }
  const outcome = readBlob(blob);
  if (outcome.kind === 'invalid' || keyTypeOf(algorithm) !== outcome.type) return null;
  return { key: { algorithm: outcome.type, blob, fingerprint: fingerprintOf(blob) }, algorithm };
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
