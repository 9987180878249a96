/**
 * Grants: the rule that gives access, and the proof that it was consulted.
 * Not caught here: a rule that is wider than its author meant; `check` is where that is shown.
 */
import { namesPlace, type ForwardPlace } from './forward.ts';
import { isNamedBy, type Principal } from './principal.ts';
import { selects, type Target, type TargetLogin } from './target.ts';

export const CHANNEL_KINDS = ['shell', 'exec', 'sftp', 'scp'] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];
/** What a session carries; a forward is granted by where it leads, not by its kind. */
export type SessionKind = ChannelKind | 'forward';

/** What file transfers may do: anything, only read, or only add and change files. */
export const FILE_ACCESSES = ['full', 'read-only', 'upload-only'] as const;
export type FileAccess = (typeof FILE_ACCESSES)[number];

/**
 * When output may be delivered: once it is on this machine's disk; once the database has it too; at once,
 * with the disk a named moment behind; and, for a break-glass grant, as `strict` but also if it can't be
 * recorded at all.
 */
export const RECORDING_MODES = ['strict', 'strict-remote', 'balanced', 'continue'] as const;
export type RecordingMode = (typeof RECORDING_MODES)[number];

/** One entry of `grants:` in the configuration. */
export interface GrantRule {
  readonly id: string;
  readonly principals: readonly string[];
  readonly targets: readonly string[];
  readonly logins: readonly string[];
  readonly channels: readonly ChannelKind[];
  /** Name of the policy that judges the commands. */
  readonly policy: string;
  /** Days that a recording is kept; null = for ever. */
  readonly keepDays: number | null;
  readonly recording: RecordingMode;
  readonly files: FileAccess;
  /** Whether the contents of transferred files are kept as well, sealed. */
  readonly keepFiles: boolean;
  /** Where forwards may lead, `HOST:PORT` as the target resolves it, or what forward.ts names. */
  readonly forward: readonly string[];
  /** Set where somebody asked for it and got it for a time; left out = it stands in the configuration. */
  readonly access?: GrantedAccess;
}

/** What a grant for a time comes from, and how long it lasts. */
export interface GrantedAccess {
  /** Id of the request. */
  readonly request: string;
  readonly approvedBy: readonly string[];
  /** ISO 8601. */
  readonly endsAt: string;
  /** How much of its time was left when it was read, milliseconds. */
  readonly leftMs: number;
}

/** What a grant says that says nothing of it. */
export const GRANT_DEFAULTS = {
  keepDays: null,
  recording: 'strict',
  files: 'full',
  keepFiles: false,
  forward: [],
} as const;

/**
 * Proof that a principal may open one kind of channel to a target as a login. Only `authorise` makes
 * one; dialling and opening a credential ask for it.
 */
export class Grant {
  readonly principal: Principal;
  readonly target: Target;
  readonly login: TargetLogin;
  readonly kind: SessionKind;
  readonly rule: GrantRule;
  // A private field makes the type nominal: no object literal can stand in for a Grant.
  readonly #proof = true;

  private constructor(
    principal: Principal,
    target: Target,
    login: TargetLogin,
    kind: SessionKind,
    rule: GrantRule,
  ) {
    this.principal = principal;
    this.target = target;
    this.login = login;
    this.kind = kind;
    this.rule = rule;
    Object.freeze(this);
  }

  /** True for every Grant; a forged object throws. */
  get isProof(): boolean {
    return this.#proof;
  }

  /** See `authorise`, which is the exported name. */
  static authorise(
    this: void,
    principal: Principal,
    target: Target,
    loginName: string | null,
    kind: ChannelKind,
    rules: readonly GrantRule[],
  ): GrantOutcome {
    const covers = (rule: GrantRule): boolean => rule.channels.includes(kind);
    return Grant.#authorise(principal, target, loginName, kind, rules, covers);
  }

  /** See `authoriseForward`, which is the exported name. */
  static authoriseForward(
    this: void,
    principal: Principal,
    target: Target,
    loginName: string | null,
    place: ForwardPlace,
    rules: readonly GrantRule[],
  ): GrantOutcome {
    const covers = (rule: GrantRule): boolean =>
      rule.forward.some((entry) => namesPlace(entry, place));
    return Grant.#authorise(principal, target, loginName, 'forward', rules, covers);
  }

  static #authorise(
    principal: Principal,
    target: Target,
    loginName: string | null,
    kind: SessionKind,
    rules: readonly GrantRule[],
    covers: (rule: GrantRule) => boolean,
  ): GrantOutcome {
    const fitting = rules.filter(
      (rule) =>
        rule.principals.some((selector) => isNamedBy(principal, selector)) &&
        rule.targets.some((selector) => selects(selector, target)),
    );
    const reachable = target.logins.filter((login) =>
      fitting.some((rule) => rule.logins.includes(login.name)),
    );
    const login =
      loginName === null ? reachable[0] : reachable.find((one) => one.name === loginName);
    if (login === undefined) return { kind: 'refused', why: 'no-grant' };
    if (loginName === null && reachable.length > 1) {
      return { kind: 'refused', why: 'login-ambiguous', logins: reachable.map((one) => one.name) };
    }
    const rule = fitting.find((one) => one.logins.includes(login.name) && covers(one));
    if (rule === undefined) return { kind: 'refused', why: 'channel-kind' };
    return { kind: 'granted', grant: new Grant(principal, target, login, kind, rule) };
  }
}

export type GrantOutcome =
  | { readonly kind: 'granted'; readonly grant: Grant }
  | { readonly kind: 'refused'; readonly why: 'no-grant' | 'channel-kind' }
  | {
      readonly kind: 'refused';
      readonly why: 'login-ambiguous';
      readonly logins: readonly string[];
    };

/**
 * Decides whether `principal` may open a channel of `kind` to `target`.
 * @param loginName account asked for, or null for the only one that the grants allow
 * @param rules all grant rules of the directory; the first that fits wins
 */
export const authorise = Grant.authorise;

/**
 * Decides whether `principal` may have a forward to `place` through `target`: some grant rule that fits
 * must name the place.
 */
export const authoriseForward = Grant.authoriseForward;
