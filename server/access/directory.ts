/**
 * The directory as configuration says it: who there is, what can be reached, who may reach it and
 * under which policy. Pure data, already validated. Not caught here: references to names that don't exist.
 */
import type { RequestRule } from './access-request.ts';
import type { OidcIdentity } from './identity.ts';
import type { SignInSettings } from './sign-in.ts';
import type { GrantRule } from './grant.ts';
import type { PrincipalKind, Role } from './principal.ts';
import type { ShellIntegration } from './target.ts';
import type { TokenDemands } from './token-demands.ts';

export interface DirectoryDocument {
  readonly principals: readonly PrincipalEntry[];
  readonly credentials: readonly { readonly name: string }[];
  readonly targets: readonly TargetEntry[];
  readonly grants: readonly GrantEntry[];
  /** Policy documents by name, as written; compiled by policy/. */
  readonly policies: Readonly<Record<string, unknown>>;
  /** Who may certify principals; left out = nobody. */
  readonly authorities?: readonly AuthorityEntry[];
  /** How people sign in with an issuer; left out = as it was. */
  readonly signIn?: SignInSettings;
  /** What may be asked for; left out = nothing. */
  readonly requests?: readonly RequestEntry[];
  /** Who is told of events; left out = nobody. */
  readonly webhooks?: readonly WebhookEntry[];
}

export type RequestEntry = Omit<RequestRule, 'id'>;

export const WEBHOOK_FORMATS = ['json', 'slack', 'teams'] as const;

export interface WebhookEntry {
  readonly name: string;
  /** `https://…`, or `env:NAME` where the address is itself a secret. */
  readonly url: string;
  /** Names of events; `approval.*` and `*` stand for several. */
  readonly events: readonly string[];
  readonly format: (typeof WEBHOOK_FORMATS)[number];
  /** Variables of the environment that hold the keys by which messages are signed; the first is the newest. */
  readonly secretEnv: readonly string[];
  /** It may be at a private address, and without TLS. */
  readonly private: boolean;
}

export interface AuthorityEntry {
  readonly name: string;
  readonly keys: readonly KeyEntry[];
  /** A revocation list as its file has it; null = nothing is revoked. */
  readonly revocations: Buffer | null;
}

/** Names in the certificates of an authority that stand for a principal. */
export interface CertificateNames {
  readonly authority: string;
  readonly principals: readonly string[];
}

export interface PrincipalEntry {
  readonly name: string;
  readonly kind: PrincipalKind;
  readonly roles: readonly Role[];
  readonly groups: readonly string[];
  /** Name of the human who answers for an agent. */
  readonly owner: string | null;
  readonly keys: readonly KeyEntry[];
  /** How issuers of tokens name it. */
  readonly oidc: readonly OidcIdentity[];
  /** How authorities name it; left out = not at all. */
  readonly certificates?: readonly CertificateNames[];
}

export interface KeyEntry {
  readonly algorithm: string;
  /** RFC 4253 section 6.6 encoding. */
  readonly blob: Buffer;
  /** `SHA256:…` as OpenSSH prints it. */
  readonly fingerprint: string;
  readonly comment: string;
  /** Set for the key of a security token alone. */
  readonly demands?: TokenDemands;
}

export interface TargetEntry {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `ssh-ed25519 AAAA…`, or null when it isn't pinned yet. */
  readonly hostKey: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly shellIntegration: ShellIntegration;
  readonly logins: readonly { readonly name: string; readonly credential: string }[];
}

export type GrantEntry = Omit<GrantRule, 'id' | 'access'>;

/** What applying a document did, or would do, one entry per object. */
export interface DirectoryChange {
  readonly object:
    | 'authority'
    | 'principal'
    | 'credential'
    | 'target'
    | 'grant'
    | 'policy'
    | 'request'
    | 'webhook'
    | 'sign-in';
  readonly name: string;
  readonly change: 'added' | 'changed' | 'removed';
  /** What it is about, for people; left out = not looked into. */
  readonly lines?: readonly string[];
}
