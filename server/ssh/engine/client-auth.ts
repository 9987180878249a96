/**
 * Authentication towards a target, RFC 4252: one key or one password, in as few round trips as the
 * protocol allows. A target that asks for more, or in another order, is refused.
 */
import type { KeyObject } from 'node:crypto';
import { signData } from './signature.ts';
import type { Stage, Transport } from './transport.ts';
import { peerText } from './unit.ts';
import {
  encodeFields,
  encodePacket,
  MalformedPacket,
  MESSAGE,
  type Field,
  type PacketReader,
} from './wire.ts';

/** Questions of one keyboard-interactive request, and requests, that are answered. */
const MAX_PROMPTS = 8;
const MAX_INFO_REQUESTS = 4;
/** Banners that are read over. */
const MAX_BANNERS = 16;

export type ClientCredential =
  | {
      readonly kind: 'key';
      /** Of the blob: that of a certificate, where the blob is one. */
      readonly type: string;
      /** Algorithm of the signature where it isn't the type's own name: a certificate's key signs. */
      readonly signsAs?: string;
      readonly key: KeyObject;
      readonly blob: Buffer;
    }
  | { readonly kind: 'password'; readonly password: Buffer };

export interface ClientAuthOptions {
  readonly login: string;
  /** Asked for when the target is ready to hear it; a rejection ends the connection. */
  readonly credential: () => Promise<ClientCredential>;
  readonly onSuccess: () => Stage;
  readonly onRefused: (why: string) => void;
  readonly onEnded: (why: string) => void;
}

export class ClientAuth implements Stage {
  readonly #transport: Transport;
  readonly #options: ClientAuthOptions;
  #credential: ClientCredential | null = null;
  #method: 'publickey' | 'password' | 'keyboard-interactive' | null = null;
  #infoRequests = 0;
  #banners = 0;

  constructor(transport: Transport, options: ClientAuthOptions) {
    this.#transport = transport;
    this.#options = options;
    transport.send(encodePacket(MESSAGE.SERVICE_REQUEST, 'ssh-userauth'));
  }

  receive(type: number, reader: PacketReader): void {
    switch (type) {
      case MESSAGE.SERVICE_ACCEPT:
        if (this.#method !== null) break;
        this.#method = 'publickey';
        this.#begin().catch((thrown: unknown) => this.#refused(String(thrown)));
        return;
      case MESSAGE.USERAUTH_BANNER:
        this.#banners += 1;
        if (this.#banners > MAX_BANNERS) break;
        return;
      case MESSAGE.USERAUTH_SUCCESS:
        if (this.#credential === null) break;
        this.#forget();
        this.#transport.authenticated(this.#options.onSuccess());
        return;
      case MESSAGE.USERAUTH_FAILURE:
        return this.#failed(reader.string(), reader.boolean());
      case MESSAGE.USERAUTH_INFO_REQUEST:
        if (this.#method !== 'keyboard-interactive') break;
        return this.#answer(reader);
    }
    this.#transport.fail(`unexpected packet of type ${type} during authentication`);
  }

  ended(why: string): void {
    this.#forget();
    this.#options.onEnded(why);
  }

  async #begin(): Promise<void> {
    const credential = await this.#options.credential();
    this.#credential = credential;
    if (this.#transport.isEnded) return this.#forget();
    if (credential.kind === 'password') {
      this.#method = 'password';
      this.#send('password', false, credential.password);
      return;
    }
    const { type, signsAs, key, blob } = credential;
    const offered = this.#transport.serverSignatures;
    const algorithm =
      type !== 'ssh-rsa'
        ? type
        : offered?.includes('rsa-sha2-256') === true && !offered.includes('rsa-sha2-512')
          ? 'rsa-sha2-256'
          : 'rsa-sha2-512';
    const request = encodePacket(
      MESSAGE.USERAUTH_REQUEST,
      this.#options.login,
      'ssh-connection',
      'publickey',
      true,
      algorithm,
      blob,
    );
    const signed = Buffer.concat([encodeFields([this.#transport.sessionId]), request]);
    const signature = encodeFields([signData(key, signsAs ?? algorithm, signed)]);
    this.#transport.send(Buffer.concat([request, signature]));
  }

  #failed(methods: Buffer, isPartial: boolean): void {
    const names = methods.toString('latin1').split(',');
    const password = this.#credential?.kind === 'password';
    // Targets that ask PAM know passwords only by this name.
    if (password && this.#method === 'password' && names.includes('keyboard-interactive')) {
      this.#method = 'keyboard-interactive';
      return this.#send('keyboard-interactive', '', '');
    }
    const shown = peerText(methods).replaceAll(',', ', ');
    this.#refused(isPartial ? `it asks for more: ${shown}` : `it accepts ${shown}`);
  }

  #answer(reader: PacketReader): void {
    this.#infoRequests += 1;
    reader.string();
    reader.string();
    reader.string();
    const count = reader.uint32();
    if (count > MAX_PROMPTS || this.#infoRequests > MAX_INFO_REQUESTS) {
      return this.#transport.fail('too many questions');
    }
    const answers: Buffer[] = [];
    for (let left = count; left > 0; left -= 1) {
      reader.string();
      const echo = reader.boolean();
      const password = this.#credential?.kind === 'password' ? this.#credential.password : null;
      if (password === null) throw new MalformedPacket('nothing to answer with');
      // A visible answer is never the password.
      answers.push(echo ? Buffer.alloc(0) : password);
    }
    this.#sendOnce(encodePacket(MESSAGE.USERAUTH_INFO_RESPONSE, count, ...answers));
  }

  #send(method: string, ...fields: Field[]): void {
    const { login } = this.#options;
    this.#sendOnce(
      encodePacket(MESSAGE.USERAUTH_REQUEST, login, 'ssh-connection', method, ...fields),
    );
  }

  /** The transport has copied it when this returns; a password is in it. */
  #sendOnce(payload: Buffer): void {
    this.#transport.send(payload);
    payload.fill(0);
  }

  #refused(why: string): void {
    this.#forget();
    this.#options.onRefused(why);
  }

  #forget(): void {
    if (this.#credential?.kind === 'password') this.#credential.password.fill(0);
    this.#credential = null;
  }
}
