/**
 * How people sign in with an issuer of OpenID Connect: which roles and groups its groups stand for, and who
 * is taken in without being named. Pure. Not caught here: whether the claims are genuine; http/oidc.ts
 * verifies them first.
 */
import { NAME } from './destination.ts';
import { hasVerifiedEmail, isLike, type Claims } from './identity.ts';
import { ROLES, type Role } from './principal.ts';

/** `signIn:` of the configuration. */
export interface SignInSettings {
  /** `iss`, exactly. */
  readonly issuer: string;
  readonly clientId: string;
  /** What the button says behind "Sign in with"; null = the issuer's host. */
  readonly title: string | null;
  readonly scopes: readonly string[];
  /** The claim that lists somebody's groups; null = groups count for nothing. */
  readonly groupsClaim: string | null;
  /** Roles by group of the issuer. */
  readonly roles: Readonly<Record<string, readonly Role[]>>;
  /** Who is taken in without being named; null = nobody. */
  readonly create: CreateRule | null;
  /** Whether signing out here also ends the session at the issuer. */
  readonly logout: boolean;
}

/** All that is given must hold; of a list, one entry. */
export interface CreateRule {
  /** What stands behind the @ of a verified address. */
  readonly emailDomains: readonly string[];
  readonly groups: readonly string[];
  /** `*` stands for any characters. */
  readonly claims: Readonly<Record<string, string>>;
  /** The claim that names the new principal; of an e-mail address, what stands in front of the @. */
  readonly name: string;
}

/** Groups of somebody that are looked at; the rest of a longer list counts for nothing. */
export const MAX_GROUPS = 1000;
/** Groups that a principal may get from the issuer. */
export const MAX_ISSUER_GROUPS = 200;
const MAX_GROUP_CHARACTERS = 512;

/** The groups that the issuer names: a list, or one text. */
export function groupsIn(settings: Pick<SignInSettings, 'groupsClaim'>, claims: Claims): string[] {
  if (settings.groupsClaim === null) return [];
  const said = claims[settings.groupsClaim];
  const list: readonly unknown[] = Array.isArray(said) ? said.slice(0, MAX_GROUPS) : [said];
  const texts = list.filter((one): one is string => typeof one === 'string');
  return [...new Set(texts)].filter((one) => one !== '' && one.length <= MAX_GROUP_CHARACTERS);
}

/** The roles that these groups give. */
export function rolesOf(
  settings: Pick<SignInSettings, 'roles'>,
  groups: readonly string[],
): readonly Role[] {
  const given = new Set(
    groups.flatMap((group) =>
      Object.hasOwn(settings.roles, group) ? (settings.roles[group] ?? []) : [],
    ),
  );
  return ROLES.filter((role) => given.has(role));
}

/** Those groups of the issuer that can be groups here: the names that grants can select. */
export function groupNames(groups: readonly string[]): readonly string[] {
  return groups
    .filter((group) => NAME.test(group))
    .toSorted()
    .slice(0, MAX_ISSUER_GROUPS);
}

/** Why the rule doesn't take somebody in; null = it does. */
export function createFault(
  rule: CreateRule,
  claims: Claims,
  groups: readonly string[],
): string | null {
  const { email } = claims;
  if (rule.emailDomains.length > 0) {
    if (typeof email !== 'string' || !hasVerifiedEmail(claims, email)) {
      return 'the issuer names no verified e-mail address';
    }
    const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
    if (!rule.emailDomains.some((one) => one.toLowerCase() === domain)) {
      return 'the e-mail address is in none of the domains that are taken in';
    }
  }
  if (rule.groups.length > 0 && !rule.groups.some((one) => groups.includes(one))) {
    return 'the issuer names none of the groups that are taken in';
  }
  for (const [name, wanted] of Object.entries(rule.claims)) {
    if (!isLike(wanted, claims[name])) return `the claim ${name} is not one that is taken in`;
  }
  return null;
}

/** A rule that takes everybody in whom the issuer knows. */
export function takesEverybody({ claims, emailDomains, groups }: CreateRule): boolean {
  const isOpen = (pattern: string): boolean => /^\**$/.test(pattern);
  return emailDomains.length === 0 && groups.length === 0 && Object.values(claims).every(isOpen);
}

/**
 * What a new principal is called, in small letters; null = the claim gives no name that can be used. Of an
 * address only a verified one counts, else people could choose whom the record names.
 */
export function nameIn(rule: Pick<CreateRule, 'name'>, claims: Claims): string | null {
  const said = claims[rule.name];
  if (typeof said !== 'string') return null;
  if (rule.name === 'email' && !hasVerifiedEmail(claims, said)) return null;
  const at = rule.name === 'email' ? said.lastIndexOf('@') : -1;
  const name = (at === -1 ? said : said.slice(0, at)).toLowerCase();
  return NAME.test(name) ? name : null;
}

/** Where people go after signing in when they came for nothing else. */
export const FRONT_PAGE = '/sessions';
const MAX_RETURN_CHARACTERS = 2000;
/** Pages that sign in or out are no place to return to. */
const NO_RETURN = /^\/(login|sign-in|sign-out|setup|api)(\/|\?|#|$)/;

/** The path of our own that `wish` names; anything else, foreign addresses above all, is the front page. */
export function returnPath(wish: unknown): string {
  if (typeof wish !== 'string' || wish.length > MAX_RETURN_CHARACTERS) return FRONT_PAGE;
  // Browsers take a backslash for a slash, and leave tabs and line breaks out before they look.
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(wish) || wish.includes('\\')) return FRONT_PAGE;
  const base = 'http://own.invalid';
  if (!URL.canParse(wish, base)) return FRONT_PAGE;
  const { hash, origin, pathname, search } = new URL(wish, base);
  const path = pathname + search + hash;
  // Dots may have brought two slashes to the front.
  if (origin !== base || path.startsWith('//') || NO_RETURN.test(path)) return FRONT_PAGE;
  return path;
}
