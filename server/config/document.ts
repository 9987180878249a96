/**
 * The configuration as code: YAML sources become one directory document, or every mistake in them.
 * Not caught here: a configuration that is valid and grants more than its author meant.
 */
import type {
  DirectoryDocument,
  GrantEntry,
  PrincipalEntry,
  TargetEntry,
} from '../access/directory.ts';
import { requestEntries } from './access-requests.ts';
import { readAddress } from './address.ts';
import { authorityEntries, revocationFiles, type RevocationFile } from './authorities.ts';
import { readEntries, type Checks, type Entries, type NamedSection } from './entries.ts';
import { inReadingOrder, type Problem } from './problem.ts';
import { checkReferences } from './references.ts';
import { readSource, type Source } from './source.ts';
import { webhookEntries } from './webhooks.ts';

export type DocumentOutcome =
  | {
      readonly kind: 'ok';
      readonly document: DirectoryDocument;
      /** What is valid but has no effect yet, or less than it seems. */
      readonly warnings: readonly Problem[];
      /** What the document still lacks; see `withRevocations`. */
      readonly revocations: readonly RevocationFile[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

/**
 * Reads configuration texts as one document; lists append, policies add up.
 * @param texts in the order in which they count; `file` is how messages name them
 */
export function readDocument(
  texts: readonly { readonly file: string; readonly text: string }[],
  checks: Checks,
): DocumentOutcome {
  return documentFrom(
    texts.map(({ file, text }) => readSource(file, text)),
    checks,
  );
}

/** The same of sources that are read already. */
export function documentFrom(sources: readonly Source[], checks: Checks): DocumentOutcome {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const parts = sources.map((source) => {
    problems.push(...source.problems);
    return readEntries(source, checks, problems, warnings);
  });
  const entries = joined(parts);
  checkReferences(entries, problems, warnings);
  if (problems.length > 0) return { kind: 'invalid', problems: inReadingOrder(problems) };
  return {
    kind: 'ok',
    document: documentOf(entries),
    warnings: inReadingOrder(warnings),
    revocations: revocationFiles(entries),
  };
}

function joined(parts: readonly Entries[]): Entries {
  const claimed = (section: NamedSection): ReadonlySet<string> =>
    new Set(parts.flatMap((part) => [...part.claimed[section]]));
  return {
    principals: parts.flatMap((part) => part.principals),
    authorities: parts.flatMap((part) => part.authorities),
    credentials: parts.flatMap((part) => part.credentials),
    targets: parts.flatMap((part) => part.targets),
    grants: parts.flatMap((part) => part.grants),
    signIn: parts.flatMap((part) => part.signIn),
    requests: parts.flatMap((part) => part.requests),
    webhooks: parts.flatMap((part) => part.webhooks),
    policies: parts.flatMap((part) => part.policies),
    claimed: {
      authorities: claimed('authorities'),
      principals: claimed('principals'),
      credentials: claimed('credentials'),
      targets: claimed('targets'),
      policies: claimed('policies'),
    },
  };
}

function documentOf(entries: Entries): DirectoryDocument {
  return {
    principals: entries.principals.map(({ entry }): PrincipalEntry => {
      const { name, kind, roles, groups, owner, parsedKeys, identities, certificates } = entry;
      const keys = parsedKeys.map((key) => key.entry);
      const oidc = identities.map((identity) => identity.entry);
      return { name, kind, roles, groups, owner: owner ?? null, keys, oidc, certificates };
    }),
    authorities: authorityEntries(entries),
    credentials: entries.credentials.map(({ entry }) => ({ name: entry.name })),
    targets: entries.targets.map(({ entry }): TargetEntry => {
      const read = readAddress(entry.address, '');
      // The schema has already refused any other address.
      const { host, port } =
        read.kind === 'address' ? read.address : { host: entry.address, port: 22 };
      const { name, labels, shellIntegration, logins } = entry;
      const hostKey = entry.hostKey ?? null;
      return { name, host, port, hostKey, labels, shellIntegration, logins };
    }),
    grants: entries.grants.map(({ entry }): GrantEntry => ({
      ...entry,
      keepDays: entry.keepDays ?? null,
      recording: entry.recording,
    })),
    ...(entries.signIn[0] !== undefined && { signIn: entries.signIn[0].entry }),
    requests: requestEntries(entries),
    webhooks: webhookEntries(entries),
    policies: Object.fromEntries(entries.policies.map(({ entry }) => [entry.name, entry.document])),
  };
}
