/**
 * Signing in by a link, for one connection: what the client has shown, the link that waits for a person,
 * and what that person has decided. Not caught here: how many clients wait at once; the gateway counts.
 */
import { parseDestination } from '../access/destination.ts';
import type { Principal } from '../access/principal.ts';
import { presenceFault, USUAL_DEMANDS } from '../access/token-demands.ts';
import type { AuditEvent, JsonValue } from '../journal/event.ts';
import type {
  LinkDecision,
  LinkOutcome,
  Links,
  LinkSignIns,
  LinkWait,
  OpenedLink,
  PublicKey,
  ShownKey,
} from './ports.ts';

/** Keys of one client that a page lists. */
export const MAX_SHOWN_KEYS = 6;
/** Keys that aren't asked for a signature; the oldest are forgotten. */
export const MAX_UNASKED_KEYS = 10_000;

/**
 * Unknown keys of clients that have another one which counts. To sign with them may take a passphrase, and
 * nobody would have them remembered. Kept by one process, so after a start each is asked once more.
 */
export class UnaskedKeys {
  readonly #blobs = new Set<string>();

  has(blob: Buffer): boolean {
    return this.#blobs.has(blob.toString('base64'));
  }

  add(blob: Buffer): void {
    this.#blobs.add(blob.toString('base64'));
    const oldest = this.#blobs.values().next();
    if (this.#blobs.size > MAX_UNASKED_KEYS && oldest.done !== true) {
      this.#blobs.delete(oldest.value);
    }
  }
}

/** What a person has confirmed. */
export type ConfirmedLink = Extract<LinkDecision, { kind: 'confirmed' }>;

export class LinkSignIn {
  readonly #links: Links;
  readonly #unasked: UnaskedKeys;
  readonly #source: string;
  readonly #shown: ShownKey[] = [];
  /** Blobs of those keys, base64, that have signed for this connection. */
  readonly #proven = new Set<string>();
  #link: OpenedLink | null = null;
  #confirmed: ConfirmedLink | null = null;
  #refusedBy: string | null = null;

  constructor(links: Links, unasked: UnaskedKeys, source: string) {
    this.#links = links;
    this.#unasked = unasked;
    this.#source = source;
  }

  /** Null before a person has signed in. */
  get confirmed(): ConfirmedLink | null {
    return this.#confirmed;
  }

  isOffered(userName: string): boolean {
    return this.#links.isOn && parseDestination(userName).kind === 'destination';
  }

  /**
   * Whether an unknown key is asked for its signature, because a person may want it remembered. A security
   * token isn't: somebody would have to touch it at each connection, for nothing in most.
   */
  isAsked(userName: string, key: PublicKey): boolean {
    const isToken = key.algorithm.startsWith('sk-');
    if (key.certificate !== undefined || isToken || this.#unasked.has(key.blob)) return false;
    return this.#links.remembers && this.isOffered(userName);
  }

  /** The client came in by another key: those that it showed before are not asked again. */
  cameInOtherwise(): void {
    for (const { blob } of this.#shown) this.#unasked.add(blob);
  }

  /** The client showed a key that nobody has. Certificates are none that could be remembered. */
  showed(key: PublicKey, isProven: boolean): void {
    if (key.certificate !== undefined) return;
    const { algorithm, blob, fingerprint } = key;
    const isKnown = this.#shown.some((one) => one.blob.equals(blob));
    if (!isKnown && this.#shown.length >= MAX_SHOWN_KEYS) return;
    if (!isKnown) this.#shown.push({ algorithm, blob: Buffer.from(blob), fingerprint });
    if (isProven && hasPresence(key)) this.#proven.add(blob.toString('base64'));
  }

  async begin(userName: string): Promise<LinkWait> {
    const parsed = parseDestination(userName);
    const { login, target } =
      parsed.kind === 'destination' ? parsed.destination : { login: null, target: userName };
    const keys = this.#shown.map((key) => ({ ...key, isProven: this.#isProven(key) }));
    const link = await this.#links.open({ source: this.#source, userName, target, login, keys });
    this.#link = link;
    const giveUp = new AbortController();
    return {
      text: linkText(link),
      lifeMs: link.lifeMs,
      outcome: this.#links.decision(link.id, giveUp.signal).then((one) => this.#decided(one)),
      withdraw: () => giveUp.abort(),
    };
  }

  /** The key that is to be remembered; null = none is, or it has not been proven. */
  get provenKey(): ShownKey | null {
    const fingerprint = this.#confirmed?.remember?.fingerprint;
    const wanted = this.#shown.find((one) => one.fingerprint === fingerprint);
    return wanted !== undefined && this.#isProven(wanted) ? wanted : null;
  }

  /** What a row of the journal says of the link; nothing when there was none. */
  journalled(): { readonly [name: string]: JsonValue } {
    if (this.#link === null) return {};
    const browser = this.#confirmed?.browser;
    return {
      method: 'keyboard-interactive',
      link: this.#link.id,
      shownKeys: this.#shown.map(({ fingerprint }) => fingerprint),
      ...(browser === undefined ? {} : { browser }),
      ...(this.#refusedBy === null ? {} : { refusedBy: this.#refusedBy }),
    };
  }

  /**
   * Registers the proven key for as long as the person wants.
   * @returns until when; null = it can't be remembered
   */
  async remember(principal: Principal, key: ShownKey): Promise<string | null> {
    const lifeMs = this.#confirmed?.remember?.lifeMs;
    if (lifeMs === undefined) return null;
    const event: AuditEvent = {
      type: 'key.registered',
      principal: principal.name,
      source: this.#source,
      session: null,
      target: null,
      data: { ...this.journalled(), key: key.fingerprint, lifeMs },
    };
    const wish = { principalId: principal.id, key, lifeMs, from: this.#source };
    return this.#links.remember(wish, event);
  }

  #isProven({ blob }: ShownKey): boolean {
    return this.#proven.has(blob.toString('base64'));
  }

  #decided(decision: LinkDecision): LinkOutcome {
    if (decision.kind === 'withdrawn') return { kind: 'withdrawn' };
    if (decision.kind !== 'confirmed') {
      this.#refusedBy = decision.kind === 'refused' ? decision.by : null;
      return { kind: 'refused', why: refusalText(decision) };
    }
    this.#confirmed = decision;
    return { kind: 'signed-in' };
  }
}

/** Whoever lets somebody in by a link; a part of SignIn. */
interface Linked {
  readonly link: LinkSignIn | null;
  linked(userName: string): Promise<boolean>;
}

/**
 * What the SSH layer asks. `comeIn` looks whether what lets somebody in still counts afterwards.
 * @returns undefined = there are no links
 */
export function linkSignIns(
  signIn: Linked,
  comeIn: (prove: () => Promise<boolean>) => Promise<boolean>,
): LinkSignIns | undefined {
  const { link } = signIn;
  if (link === null) return undefined;
  return {
    isOffered: (userName) => link.isOffered(userName),
    begin: (userName) => link.begin(userName),
    enter: (userName) => comeIn(() => signIn.linked(userName)),
  };
}

/** A signature of a security token counts with a touch, as those of registered keys do. */
function hasPresence({ presence }: PublicKey): boolean {
  return presence === undefined || presenceFault(USUAL_DEMANDS, presence) === null;
}

/** OpenSSH shows up to 1,023 characters of it. */
function linkText({ code, lifeMs, url }: OpenedLink): string {
  const minutes = Math.round(lifeMs / 60_000);
  return [
    '',
    'sallyport: no key of yours is known here, or none any more. Sign in in a browser, within ' +
      `${minutes} minutes:`,
    '',
    `    ${url}`,
    '',
    `and type this code there:  ${code}`,
    '',
    'Never send the link or the code to anybody. Waiting; Ctrl-C gives up.',
    '',
  ].join('\n');
}

function refusalText(
  decision: Exclude<LinkDecision, { kind: 'confirmed' } | { kind: 'withdrawn' }>,
): string {
  switch (decision.kind) {
    case 'refused':
      return decision.by === null
        ? 'a wrong code was typed too often, so the link is void; connect again for a new one'
        : 'somebody says in the browser that this sign-in is not theirs';
    case 'shut-out':
      return 'whoever signed in in the browser may not come in by ssh; ask an admin';
    case 'expired':
      return 'nobody signed in in the browser in time; connect again for a new link';
  }
}
