/**
 * How the client of one connection proves who it is, and what that proof allows: a registered key, a
 * certificate of a trusted authority, a person in a browser, or the connection that this one is inside of.
 */
import type { Attribution } from '../access/attribution.ts';
import type { Principal } from '../access/principal.ts';
import { presenceFault } from '../access/token-demands.ts';
import { messageOf } from '../errors.ts';
import type { AuditEvent, JsonValue } from '../journal/event.ts';
import type { Logger } from '../log.ts';
import type { Clock } from '../clock.ts';
import { LinkSignIn, UnaskedKeys } from './link-sign-in.ts';
import type {
  Attributions,
  CertificateFacts,
  Certificates,
  ChannelRequest,
  ConnectionPermits,
  Directory,
  Journal,
  Links,
  PublicKey,
  Standings,
} from './ports.ts';

/** Refused keys that are kept for the journal, per connection. */
const MAX_REFUSED_KEYS = 6;
const MAX_JOURNALLED_CHARACTERS = 200;
/** What a key that stands in the configuration allows; grants say the rest. */
const EVERYTHING: ConnectionPermits = {
  pty: true,
  portForwarding: true,
  agentForwarding: true,
  x11Forwarding: true,
};
const ORIGINAL_COMMAND = 'SSH_ORIGINAL_COMMAND';
/** How certificates that only let files pass say it; OpenSSH's server has it built in. */
const FORCED_SFTP = /^internal-sftp( |$)/;

/** Who has authenticated, what they typed, and what their proof allows. */
export interface Peer {
  readonly principal: Principal;
  readonly userName: string;
  /** What the key was registered for. */
  readonly known: Attribution | null;
  /** Runs in place of whatever they ask for; null = nothing is forced. */
  readonly forceCommand: Buffer | null;
  readonly permits: ConnectionPermits;
}

export interface SignInDependencies {
  readonly directory: Directory;
  readonly attributions: Attributions;
  readonly certificates: Certificates;
  readonly standings: Standings;
  /** Left out = nobody signs in by a link. */
  readonly links?: Links;
  /** Of this process; left out = every key is asked. */
  readonly unasked?: UnaskedKeys;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly logger: Logger;
}

export class SignIn {
  readonly #dependencies: SignInDependencies;
  readonly #source: string;
  readonly #refusedKeys: JsonValue[] = [];
  /** Fingerprints and reasons: a key that is offered and then signs is one. */
  readonly #refusals = new Set<string>();
  #peer: Peer | null = null;
  /** What the peer came in with; null inside a jump. No key: a person in a browser, alone. */
  #proof: { readonly key: PublicKey | null; readonly atMs: number } | null = null;
  /** Null = there are no links. */
  readonly link: LinkSignIn | null;

  constructor(dependencies: SignInDependencies, source: string) {
    this.#dependencies = dependencies;
    this.#source = source;
    const { links, unasked = new UnaskedKeys() } = dependencies;
    this.link = links === undefined ? null : new LinkSignIn(links, unasked, source);
  }

  /** Null before anybody has authenticated. */
  get peer(): Peer | null {
    return this.#peer;
  }

  get permits(): ConnectionPermits {
    return this.#peer?.permits ?? EVERYTHING;
  }

  async offered(userName: string, key: PublicKey): Promise<boolean> {
    if ((await this.#judge(userName, key)) !== null) return true;
    this.link?.showed(key, false);
    return this.link?.isAsked(userName, key) ?? false;
  }

  async proven(userName: string, key: PublicKey): Promise<boolean> {
    const atMs = this.#dependencies.clock.nowMs();
    const judged = await this.#judge(userName, key);
    if (judged === null) {
      this.link?.showed(key, true);
      return false;
    }
    this.link?.cameInOtherwise();
    const { data, ...peer } = judged;
    await this.#succeeded(peer.principal, {
      ...data,
      key: key.fingerprint,
      userName: clip(userName),
    });
    this.#proof = { key, atMs };
    this.#peer = { ...peer, userName };
    return true;
  }

  /** Lets the person in who has signed in by the link. False = they may not come in any more. */
  async linked(userName: string): Promise<boolean> {
    const { link } = this;
    const confirmed = link?.confirmed ?? null;
    if (link === null || confirmed === null) return false;
    const key = link.provenKey;
    const { clock, standings } = this.#dependencies;
    const atMs = clock.nowMs();
    const principal = await standings.principalNow(confirmed.principal.id, null);
    if (principal === null) return false;
    const until = key === null ? null : await link.remember(principal, key);
    const remembered = until === null ? null : key;
    await this.#succeeded(principal, {
      ...link.journalled(),
      key: remembered?.fingerprint ?? null,
      rememberedUntil: until,
      userName: clip(userName),
    });
    this.#proof = { key: remembered, atMs };
    this.#peer = { principal, known: null, forceCommand: null, permits: EVERYTHING, userName };
    return true;
  }

  /** Lets the peer of the outer connection in, as the login that `userName` names on the target. */
  async enter(userName: string, outer: Peer, host: string, target: string): Promise<boolean> {
    await this.#succeeded(outer.principal, { method: 'jump', userName: clip(userName), host });
    const [login = '', ...claims] = userName.split('+');
    this.#peer = { ...outer, userName: [`${login}@${target}`, ...claims].join('+') };
    return true;
  }

  /** The peer's principal as it is now; null = what it came in with opens nothing any more. */
  async principalNow(): Promise<Principal | null> {
    const { certificates, standings } = this.#dependencies;
    if (this.#proof === null || this.#peer === null) return null;
    const { key, atMs } = this.#proof;
    const { id } = this.#peer.principal;
    if (key === null) return standings.principalNow(id, null);
    if (key.certificate === undefined) return standings.principalNow(id, key.blob);
    const verdict = await certificates.judge(key, this.#source, atMs);
    if (verdict.kind === 'refused' || verdict.principal.id !== id) return null;
    return standings.principalNow(id, null);
  }

  /** What counts for new channels from here on. */
  changed(principal: Principal): void {
    if (this.#peer !== null) this.#peer = { ...this.#peer, principal };
  }

  /** The connection has ended: says so if nobody ever came in. */
  ended(why: string): void {
    const link = this.link?.journalled() ?? {};
    const hasTried = this.#refusedKeys.length > 0 || 'link' in link;
    if (this.#peer !== null || !hasTried) return;
    this.#append({
      type: 'auth.failed',
      principal: null,
      session: null,
      target: null,
      data: { why: clip(why), refusedKeys: this.#refusedKeys, ...link },
    }).catch((error: unknown) => {
      this.#dependencies.logger.error('auth.failed not journalled', { why: messageOf(error) });
    });
  }

  async #judge(
    userName: string,
    key: PublicKey,
  ): Promise<(Omit<Peer, 'userName'> & { readonly data: AuditEvent['data'] }) | null> {
    const { attributions, certificates, directory } = this.#dependencies;
    if (key.certificate !== undefined) {
      const verdict = await certificates.judge(key, this.#source);
      if (verdict.kind === 'refused') {
        this.#refused(userName, key, verdict.why, verdict.facts);
        return null;
      }
      const { facts, forceCommand, permits, principal } = verdict;
      return {
        principal,
        known: null,
        forceCommand,
        permits,
        data: { method: 'certificate', ...journalled(facts) },
      };
    }
    const [principal, known] = await Promise.all([
      directory.principalByKey(key.blob),
      attributions.attributionOfKey(key.blob),
    ]);
    if (principal === null) {
      this.#refused(userName, key, 'nobody has this key', null);
      return null;
    }
    if (key.presence !== undefined) {
      const fault = presenceFault(await directory.demandsOfKey(key.blob), key.presence);
      if (fault !== null) {
        this.#refused(userName, key, fault, null);
        return null;
      }
    }
    const data = { method: 'publickey' };
    return { principal, known, forceCommand: null, permits: EVERYTHING, data };
  }

  /** Something was shown that nobody can judge; `shown` = the fingerprint of a key, if it was one. */
  refused(userName: string, why: string, shown: string | null): void {
    this.#keep(userName, why, shown, null);
  }

  #refused(userName: string, key: PublicKey, why: string, facts: CertificateFacts | null): void {
    this.#keep(userName, why, key.fingerprint, facts);
  }

  #keep(
    userName: string,
    why: string,
    fingerprint: string | null,
    facts: CertificateFacts | null,
  ): void {
    const isKnown = this.#refusals.has(`${fingerprint ?? ''} ${why}`);
    if (isKnown || this.#refusedKeys.length >= MAX_REFUSED_KEYS) return;
    this.#refusals.add(`${fingerprint ?? ''} ${why}`);
    this.#refusedKeys.push({
      userName: clip(userName),
      fingerprint,
      why: clip(why),
      ...(facts === null ? {} : { certificate: journalled(facts) }),
    });
  }

  #succeeded(principal: Principal, data: AuditEvent['data']): Promise<void> {
    const event = { principal: principal.name, session: null, target: null, data };
    return this.#append({ type: 'auth.succeeded', ...event });
  }

  #append(event: Omit<AuditEvent, 'source'>): Promise<void> {
    return this.#dependencies.journal.append({ ...event, source: this.#source });
  }
}

/**
 * The request that is served: what the client asked for, or what its certificate has in place of that. Then
 * what it asked for goes into the environment, where a target that accepts it finds it; nobody else may
 * have put it there.
 */
export function servedRequest(
  request: ChannelRequest,
  forceCommand: Buffer | null,
): ChannelRequest {
  const others = request.env.filter(({ name }) => name !== ORIGINAL_COMMAND);
  if (forceCommand === null) return { ...request, env: others };
  const original = request.command?.toString('utf8') ?? null;
  const env = original === null ? others : [...others, { name: ORIGINAL_COMMAND, value: original }];
  return FORCED_SFTP.test(forceCommand.toString('latin1'))
    ? { ...request, kind: 'subsystem', command: Buffer.from('sftp'), env }
    : { ...request, kind: 'exec', command: forceCommand, env };
}

function journalled({ authority, keyId, serial }: CertificateFacts): { [name: string]: JsonValue } {
  return { authority, keyId: clip(keyId), serial };
}

/** As much of what a client typed as the journal and notices keep. */
export function clip(text: string): string {
  return text.slice(0, MAX_JOURNALLED_CHARACTERS).toWellFormed();
}
