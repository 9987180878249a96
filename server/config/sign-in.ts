/**
 * `signIn:`, how people sign in with an issuer, and what `oidc:` of principals means for it.
 * Not caught here: whether the issuer answers, and what its groups are called.
 */
import { z } from 'zod';
import type { OidcIdentity } from '../access/identity.ts';
import { ROLES } from '../access/principal.ts';
import { takesEverybody, type SignInSettings } from '../access/sign-in.ts';
import type { Entries, Located } from './entries.ts';
import { pathText, quoted, type Path, type Problem } from './problem.ts';
import { checked, claim, issuer, shape } from './schema.ts';
import type { Source } from './source.ts';

const text = checked((value) =>
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused here
  /^[^\u0000-\u001f\u007f]{1,256}$/.test(value) ? null : 'write 1 to 256 characters on one line',
);
const scope = checked((value) =>
  /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/.test(value) ? null : 'write one scope, without spaces',
);
const domain = checked((value) =>
  /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(value)
    ? null
    : 'write what stands behind the @, for instance acme.example',
);

const signInSchema = z.strictObject({
  issuer,
  clientId: text,
  title: text.optional(),
  scopes: z.array(scope).default(['openid', 'profile', 'email']),
  groupsClaim: text.optional(),
  roles: z.record(z.string(), z.array(z.enum(ROLES))).default({}),
  create: z
    .strictObject({
      emailDomains: z.array(domain).default([]),
      groups: z.array(text).default([]),
      claims: z.record(z.string(), claim).default({}),
      name: text.default('email'),
    })
    .optional(),
  logout: z.boolean().default(false),
});

/** The section of one source; more than one is for `checkSignIn` to find. */
export function readSignIn(
  sections: Readonly<Record<string, unknown>>,
  source: Source,
  problems: Problem[],
): Located<SignInSettings>[] {
  const value = sections['signIn'];
  if (value === undefined || value === null) return [];
  const path = ['signIn'];
  const read = shape(signInSchema, source, path, value, problems);
  if (read === null) return [];
  const { create, groupsClaim = null, title = null, ...rest } = read;
  const at = (place: Path, message: string, hint: string): void => {
    problems.push(source.at(place, `${pathText(place)} ${message}`, hint));
  };
  if (!rest.scopes.includes('openid')) {
    at([...path, 'scopes'], 'lacks "openid"', 'add it: without it no issuer says who somebody is');
  }
  const needsGroups = Object.keys(rest.roles).length > 0 || (create?.groups.length ?? 0) > 0;
  if (needsGroups && groupsClaim === null) {
    at(path, 'names groups, and no groupsClaim', 'add "groupsClaim: …", often groups');
  }
  if (create !== undefined && takesEverybody(create)) {
    const hint = 'give emailDomains, groups, or claims that only your people have';
    at([...path, 'create'], 'lets everybody in whom the issuer knows', hint);
  }
  const entry = { ...rest, groupsClaim, title, create: create ?? null };
  return [{ entry, source, path }];
}

/** What the section and the principals' `oidc:` say about each other. */
export function checkSignIn(entries: Entries, problems: Problem[], warnings: Problem[]): void {
  const [first, second] = entries.signIn;
  if (second !== undefined) {
    const hint = 'people sign in with one issuer; remove one of them';
    problems.push(second.source.at(second.path, 'signIn is in another file already', hint));
  }
  for (const { entry, source } of entries.principals) {
    for (const identity of entry.identities) {
      const fault = faultIn(entry.kind, identity, first?.entry);
      if (fault === null) continue;
      const message = `${pathText(identity.path)} lets nobody in: ${fault.message}`;
      warnings.push(source.at(identity.path, message, fault.hint));
    }
  }
  if (first === undefined || first.entry.create !== null) return;
  const isNamed = entries.principals.some(
    ({ entry }) =>
      entry.kind === 'human' &&
      entry.identities.some((identity) => faultIn('human', identity, first.entry) === null),
  );
  if (isNamed) return;
  const message = 'signIn lets nobody in: no principal has an oidc for it, and there is no create';
  const hint = 'add "oidc: {email: …}" to people, or "create: {emailDomains: […]}"';
  warnings.push(first.source.at(first.path, message, hint));
}

type Fault = { readonly message: string; readonly hint: string } | null;

/** Why an identity opens nothing; with an issuer and an audience of its own it is one for tokens. */
function faultIn(
  kind: 'human' | 'agent',
  { entry }: Located<OidcIdentity>,
  signIn: SignInSettings | undefined,
): Fault {
  const { audience, issuer: named } = entry;
  if (named !== null && audience !== null) return null;
  if (kind === 'agent') {
    const hint = 'add issuer and audience: an agent comes with a token of its issuer';
    return { message: "agents don't sign in in the browser", hint };
  }
  if (signIn === undefined) {
    const hint = 'add signIn: {issuer: …, clientId: …}, in this file or in one that is applied';
    return { message: 'there is no signIn', hint };
  }
  if (named !== null && named !== signIn.issuer) {
    const hint = `people sign in with ${quoted(signIn.issuer)}; leave the issuer out`;
    return { message: `people don't sign in with ${quoted(named)}`, hint };
  }
  if (audience !== null && audience !== signIn.clientId) {
    const hint = 'leave the audience out: it is the clientId of signIn';
    return { message: `tokens for signing in are for ${quoted(signIn.clientId)}`, hint };
  }
  return null;
}
