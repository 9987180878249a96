/**
 * Identities of issuers that are given twice. Not caught here: two that are written differently and fit the
 * same account; it fits nobody then.
 */
import type { OidcIdentity } from '../access/identity.ts';
import { placeOf, type Entries, type Located } from './entries.ts';
import { pathText, quoted, type Problem } from './problem.ts';

/** One account for two principals would leave open who somebody is. */
export function checkIdentitiesUnique(entries: Entries, problems: Problem[]): void {
  const signIn = entries.signIn[0]?.entry;
  const seen = new Map<string, { readonly owner: string; readonly first: Located<unknown> }>();
  for (const { entry } of entries.principals) {
    for (const located of entry.identities) {
      const identity = located.entry;
      const key = keyOf({
        ...identity,
        issuer: identity.issuer ?? signIn?.issuer ?? null,
        audience: identity.audience ?? signIn?.clientId ?? null,
      });
      const known = seen.get(key);
      if (known === undefined) seen.set(key, { owner: entry.name, first: located });
      else {
        const message = `${pathText(located.path)}: this identity already names ${quoted(known.owner)} at ${placeOf(known.first)}`;
        const hint = 'an identity names exactly one principal, once';
        problems.push(located.source.at(located.path, message, hint));
      }
    }
  }
}

function keyOf({ audience, claims, email, issuer, subject }: OidcIdentity): string {
  const sorted = Object.entries(claims).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([issuer, subject, audience, email?.toLowerCase() ?? null, sorted]);
}
