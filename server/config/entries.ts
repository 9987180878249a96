/**
 * One source's entries, each in its shape and with its place; keys and policies are read by the rooms
 * that own them. Not caught here: what entries say about each other; see references.ts.
 */
import type { KeyEntry } from '../access/directory.ts';
import { namesEverybody, type OidcIdentity } from '../access/identity.ts';
import type { SignInSettings } from '../access/sign-in.ts';
import { requestSchema, type RequestShape } from './access-requests.ts';
import { pathText, quoted, type Path, type Problem } from './problem.ts';
import {
  authoritySchema,
  credentialSchema,
  documentSchema,
  grantSchema,
  identitySchema,
  policyNameSchema,
  principalSchema,
  shape,
  targetSchema,
  type AuthorityShape,
  type GrantShape,
  type IdentityShape,
  type PrincipalShape,
  type TargetShape,
} from './schema.ts';
import { readSignIn } from './sign-in.ts';
import type { Source } from './source.ts';
import { webhookSchema, type WebhookShape } from './webhooks.ts';

/** What the other rooms know about values in here. */
export interface Checks {
  /** Reads a public key as in `authorized_keys`, without options. */
  readonly parsePublicLine: (
    line: string,
  ) => ({ readonly kind: 'key' } & KeyEntry) | { readonly kind: 'invalid'; readonly why: string };
  /** Compiles a policy document as written. */
  readonly compilePolicy: (
    name: string,
    document: unknown,
  ) =>
    | { readonly kind: 'ok'; readonly warnings: () => readonly PolicyProblem[] }
    | { readonly kind: 'invalid'; readonly problems: readonly PolicyProblem[] };
  /** Reads a revocation list; `warning` says when it has nothing of the authority with these keys. */
  readonly readRevocations: (
    bytes: Buffer,
    authority: readonly KeyEntry[],
  ) =>
    | { readonly kind: 'list'; readonly bytes: Buffer; readonly warning: string | null }
    | { readonly kind: 'invalid'; readonly why: string };
  /** Larger lists aren't read. */
  readonly maxRevocationBytes: number;
}

export interface PolicyProblem {
  readonly path: Path;
  readonly message: string;
  readonly hint: string;
}

/** An entry and its place. */
export interface Located<T> {
  readonly entry: T;
  readonly source: Source;
  readonly path: Path;
}

/** How messages name the place of an entry. */
export function placeOf({ source, path }: Located<unknown>): string {
  if (source.placeOf !== undefined) return source.placeOf(path);
  const { file, line, column } = source.at(path, '', '');
  return `${file}:${line}:${column}`;
}

/** The entries of all sources, before references are followed. */
export interface Entries {
  readonly principals: readonly Located<
    PrincipalShape & {
      readonly parsedKeys: ParsedKeys;
      readonly identities: readonly Located<OidcIdentity>[];
    }
  >[];
  readonly authorities: readonly Located<AuthorityShape & { readonly parsedKeys: ParsedKeys }>[];
  readonly credentials: readonly Located<{ readonly name: string }>[];
  readonly targets: readonly Located<TargetShape>[];
  readonly grants: readonly Located<GrantShape>[];
  readonly signIn: readonly Located<SignInSettings>[];
  readonly requests: readonly Located<RequestShape>[];
  readonly webhooks: readonly Located<WebhookShape>[];
  readonly policies: readonly Located<{ readonly name: string; readonly document: unknown }>[];
  /** Every name that an entry claims, also of entries that are wrong elsewhere. */
  readonly claimed: Readonly<Record<NamedSection, ReadonlySet<string>>>;
}

export type ParsedKeys = readonly Located<KeyEntry>[];
export type NamedSection = 'authorities' | 'principals' | 'credentials' | 'targets' | 'policies';

/** Reads all sections; what is wrong is added to `problems` and left out of the result. */
export function readEntries(
  source: Source,
  checks: Checks,
  problems: Problem[],
  warnings: Problem[],
): Entries {
  const value = source.value ?? {};
  // Sections are read one by one even when another key is unknown, so that all mistakes show at once.
  shape(documentSchema, source, [], value, problems);
  const sections: Readonly<Record<string, unknown>> = isMapping(value) ? value : {};

  const listOf = (section: string): readonly { entry: unknown; path: Path }[] => {
    const list = sections[section];
    if (!Array.isArray(list)) return [];
    return list.map((entry: unknown, index) => ({ entry, path: [section, index] }));
  };
  const namesOf = (section: string): Set<string> =>
    new Set(
      listOf(section).flatMap(({ entry }) =>
        isMapping(entry) && typeof entry['name'] === 'string' ? [entry['name']] : [],
      ),
    );
  const read = <T>(section: string, schema: Parameters<typeof shape<T>>[0]): Located<T>[] =>
    listOf(section).flatMap(({ entry, path }) => {
      const shaped = shape(schema, source, path, entry, problems);
      return shaped === null ? [] : [{ entry: shaped, source, path }];
    });

  const targets = read<TargetShape>('targets', targetSchema);
  for (const { entry, path } of targets) checkHostKey(entry, source, path, checks, problems);
  const documents = isMapping(sections['policies']) ? sections['policies'] : {};
  return {
    principals: read<PrincipalShape>('principals', principalSchema).map((located) => ({
      ...located,
      entry: {
        ...located.entry,
        parsedKeys: readKeys(located, checks, problems),
        identities: readIdentities(located, problems),
      },
    })),
    authorities: read<AuthorityShape>('authorities', authoritySchema).map((located) => ({
      ...located,
      entry: { ...located.entry, parsedKeys: readKeys(located, checks, problems) },
    })),
    credentials: read('credentials', credentialSchema),
    targets,
    grants: read<GrantShape>('grants', grantSchema),
    signIn: readSignIn(sections, source, problems),
    requests: read<RequestShape>('requests', requestSchema),
    webhooks: read<WebhookShape>('webhooks', webhookSchema),
    policies: readPolicies(documents, source, checks, problems, warnings),
    claimed: {
      authorities: namesOf('authorities'),
      principals: namesOf('principals'),
      credentials: namesOf('credentials'),
      targets: namesOf('targets'),
      policies: new Set(Object.keys(documents)),
    },
  };
}

function readKeys(
  { entry, source, path }: Located<{ readonly keys: readonly string[] }>,
  checks: Checks,
  problems: Problem[],
): Located<KeyEntry>[] {
  return entry.keys.flatMap((line, index): Located<KeyEntry>[] => {
    const place = [...path, 'keys', index];
    const outcome = checks.parsePublicLine(line);
    if (outcome.kind === 'invalid') {
      problems.push(keyProblem(source, place, line, outcome.why));
      return [];
    }
    const { kind: _, ...key } = outcome;
    return [{ entry: key, source, path: place }];
  });
}

/** `oidc` is one identity or a list of them. */
function readIdentities(
  { entry, source, path }: Located<PrincipalShape>,
  problems: Problem[],
): Located<OidcIdentity>[] {
  const { oidc } = entry;
  if (oidc === undefined) return [];
  const base = [...path, 'oidc'];
  const all: readonly (readonly [unknown, Path])[] = Array.isArray(oidc)
    ? oidc.map((one: unknown, index) => [one, [...base, index]] as const)
    : [[oidc, base]];
  return all.flatMap(([one, place]): Located<OidcIdentity>[] => {
    const read = shape<IdentityShape>(identitySchema, source, place, one, problems);
    if (read === null) return [];
    const { issuer = null, subject = null, audience = null, email = null } = read;
    const { claims, run = null, task = null } = read;
    const identity = { issuer, subject, audience, email, claims, run, task };
    if (email === null && entry.kind === 'agent') {
      for (const name of ['issuer', 'audience'] as const) {
        if (identity[name] !== null) continue;
        const hint = `add "${name}: …": a program comes with a token of its own issuer`;
        problems.push(source.at(place, `${pathText([...place, name])} is missing`, hint));
      }
    }
    if (namesEverybody(identity)) {
      const message = `${pathText(place)} lets everybody in whom the issuer knows`;
      problems.push(source.at(place, message, 'name a subject, or claims that only this one has'));
    }
    return [{ entry: identity, source, path: place }];
  });
}

function checkHostKey(
  entry: TargetShape,
  source: Source,
  path: Path,
  checks: Checks,
  problems: Problem[],
): void {
  if (entry.hostKey === undefined) return;
  const outcome = checks.parsePublicLine(entry.hostKey);
  if (outcome.kind === 'key' && outcome.demands === undefined) return;
  const why = outcome.kind === 'key' ? 'no host has a security token' : outcome.why;
  problems.push(keyProblem(source, [...path, 'hostKey'], entry.hostKey, why));
}

// The line itself is never shown: it may be a private key that was pasted by mistake.
function keyProblem(source: Source, path: Path, line: string, why: string): Problem {
  if (line.includes('PRIVATE KEY')) {
    return source.at(
      path,
      `${pathText(path)} is a private key`,
      'take it out, and replace the key pair if others could read this file',
    );
  }
  return source.at(
    path,
    `${pathText(path)} is no public key: ${why}`,
    'write one line of a .pub file, such as "ssh-ed25519 AAAA… name"',
  );
}

function readPolicies(
  documents: Readonly<Record<string, unknown>>,
  source: Source,
  checks: Checks,
  problems: Problem[],
  warnings: Problem[],
): Entries['policies'] {
  return Object.entries(documents).flatMap(([name, document]) => {
    const path = ['policies', name];
    const nameProblems: Problem[] = [];
    shape(policyNameSchema, source, path, name, nameProblems);
    for (const { hint } of nameProblems) {
      problems.push(source.atKey(path, `the policy name ${quoted(name)} can't be used`, hint));
    }
    const outcome = checks.compilePolicy(name, document);
    if (outcome.kind === 'invalid') {
      for (const { path: inner, message, hint } of outcome.problems) {
        // At the key, which is right for values that are wrong and for keys that are unknown.
        problems.push(source.atKey([...path, ...inner], message, hint));
      }
    } else {
      for (const { path: inner, message, hint } of outcome.warnings()) {
        warnings.push(source.at([...path, ...inner], message, hint));
      }
    }
    if (nameProblems.length > 0 || outcome.kind === 'invalid') return [];
    return [{ entry: { name, document }, source, path }];
  });
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
