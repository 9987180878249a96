/**
 * Which principal an outside issuer's token speaks for, and which run and task it vouches for. Not caught
 * here: whether the token is genuine; http/issuers.ts verifies it first.
 */

/** One way in which an issuer names a principal; `oidc:` of the configuration. */
export interface OidcIdentity {
  /** `iss`, exactly; null = the issuer that people sign in with. */
  readonly issuer: string | null;
  /** `sub`; `*` stands for any characters. null = any, where an e-mail address or claims decide. */
  readonly subject: string | null;
  /** What `aud` must have; null = the client id that people sign in with. */
  readonly audience: string | null;
  /** A verified e-mail address, compared without case. */
  readonly email: string | null;
  /** Further claims; `*` stands for any characters. */
  readonly claims: Readonly<Record<string, string>>;
  /** Names of the claims that identify run and task; null = those that are known of the issuer. */
  readonly run: string | null;
  readonly task: string | null;
}

export type Claims = Readonly<Record<string, unknown>>;

export interface NamedIdentity {
  readonly principal: string;
  readonly identity: OidcIdentity;
}

export type IdentityOutcome =
  | { readonly kind: 'named'; readonly named: NamedIdentity }
  | { readonly kind: 'unknown' }
  /** More than one principal fits, so nobody is meant. */
  | { readonly kind: 'ambiguous'; readonly principals: readonly string[] };

/** The one principal that the claims of a verified token speak for. */
export function principalOfClaims(
  identities: readonly NamedIdentity[],
  claims: Claims,
): IdentityOutcome {
  const fitting = identities.filter(({ identity }) => fits(identity, claims));
  const principals = [...new Set(fitting.map(({ principal }) => principal))];
  const [named] = fitting;
  if (named === undefined) return { kind: 'unknown' };
  return principals.length === 1 ? { kind: 'named', named } : { kind: 'ambiguous', principals };
}

/** Whether an identity names nobody in particular: every subject of the issuer would be this principal. */
export function namesEverybody({ claims, email, subject }: OidcIdentity): boolean {
  const isOpen = (pattern: string | null): boolean => pattern === null || /^\**$/.test(pattern);
  return email === null && isOpen(subject) && Object.values(claims).every(isOpen);
}

function fits(identity: OidcIdentity, claims: Claims): boolean {
  const { audience, email, issuer, subject } = identity;
  if (issuer !== null && claims['iss'] !== issuer) return false;
  if (audience !== null && !audiencesOf(claims).includes(audience)) return false;
  if (subject !== null && !isLike(subject, claims['sub'])) return false;
  if (email !== null && !hasVerifiedEmail(claims, email)) return false;
  return Object.entries(identity.claims).every(([name, wanted]) => isLike(wanted, claims[name]));
}

/** RFC 7519 section 4.1.3: one audience or several. */
export function audiencesOf(claims: Claims): readonly string[] {
  const { aud } = claims;
  const list: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return list.filter((one) => typeof one === 'string');
}

/** Whether this is the address, and the issuer has verified it; else it is what somebody has typed there. */
export function hasVerifiedEmail(claims: Claims, email: string): boolean {
  const said = claims['email'];
  if (typeof said !== 'string' || claims['email_verified'] !== true) return false;
  return said.toLowerCase() === email.toLowerCase();
}

/** Whether a claim says what the pattern does; `*` stands for any characters. */
export function isLike(pattern: string, value: unknown): boolean {
  const text = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
  if (typeof text !== 'string') return false;
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (text.length < first.length + last.length) return false;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** What an issuer vouches for beside who somebody is. */
export interface VouchedRun {
  readonly run: string | null;
  readonly task: string | null;
}

/**
 * Run and task as issuers name them: GitHub Actions (a rerun of the same run is another one), GitLab,
 * Kubernetes, and else claims of these names. A claim that names neither leaves null.
 */
export function vouchedRun(identity: OidcIdentity, claims: Claims): VouchedRun {
  return {
    run: identity.run === null ? knownRun(claims) : clean(claims[identity.run]),
    task: identity.task === null ? knownTask(claims) : clean(claims[identity.task]),
  };
}

function knownRun(claims: Claims): string | null {
  const run = clean(claims['run_id']);
  const attempt = clean(claims['run_attempt']);
  if (run !== null) return attempt === null ? run : clean(`${run}.${attempt}`);
  return clean(claims['job_id']) ?? clean(claims['pipeline_id']) ?? clean(podOf(claims)['uid']);
}

function knownTask(claims: Claims): string | null {
  const named = ['task_id', 'job_workflow_ref', 'workflow', 'ci_config_ref_uri'];
  for (const name of named) {
    const task = clean(claims[name]);
    if (task !== null) return task;
  }
  return clean(podOf(claims)['name']);
}

function podOf(claims: Claims): Claims {
  const { pod } = objectOf(claims['kubernetes.io']);
  return objectOf(pod);
}

function objectOf(value: unknown): Claims {
  return typeof value === 'object' && value !== null ? (value as Claims) : {};
}

/** Longest run or task; see destination.ts for their letters. */
const MAX_RUN_CHARACTERS = 128;

/** The value in the letters that runs and tasks have; null for none. */
function clean(value: unknown): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const text = String(value).replace(/[^A-Za-z0-9._:/-]+/g, '-');
  return text === '' ? null : text.slice(0, MAX_RUN_CHARACTERS);
}
