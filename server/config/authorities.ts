/**
 * Certificate authorities of the configuration: their keys, whom their certificates name, and the files
 * that say which certificates are revoked.
 * Not caught here: a revocation list that is older than what it should say.
 */
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { AuthorityEntry, DirectoryDocument } from '../access/directory.ts';
import { messageOf } from '../errors.ts';
import type { Checks, Entries, Located } from './entries.ts';
import { pathText, quoted, type Problem } from './problem.ts';

/** A revocation list that has to be read before the document is complete. */
export interface RevocationFile {
  readonly authority: string;
  /** Absolute, or as the reader's own folder has it; or the list itself. */
  readonly list: string | Buffer;
  readonly place: Located<unknown>;
}

/** The authorities, still without their revocation lists. */
export function authorityEntries({ authorities }: Entries): AuthorityEntry[] {
  return authorities.map(({ entry }) => ({
    name: entry.name,
    keys: entry.parsedKeys.map((key) => key.entry),
    revocations: null,
  }));
}

/** The revocation lists that the configuration names; their paths begin where its file is. */
export function revocationFiles({ authorities }: Entries): RevocationFile[] {
  return authorities.flatMap(({ entry, source, path }): RevocationFile[] => {
    const { name: authority, revoked, revokedList } = entry;
    if (revokedList !== undefined) {
      const place = { entry, source, path: [...path, 'revokedList'] };
      return [{ authority, list: Buffer.from(revokedList, 'base64'), place }];
    }
    if (revoked === undefined) return [];
    const list = resolve(dirname(source.file), revoked);
    return [{ authority, list, place: { entry, source, path: [...path, 'revoked'] } }];
  });
}

/** Reads the lists into the document; never rejects, what is wrong is added to `problems` and `warnings`. */
export async function withRevocations(
  document: DirectoryDocument,
  files: readonly RevocationFile[],
  checks: Checks,
  problems: Problem[],
  warnings: Problem[],
): Promise<DirectoryDocument> {
  const lists = new Map<string, Buffer>();
  for (const { authority, list, place } of files) {
    const keys = document.authorities?.find(({ name }) => name === authority)?.keys ?? [];
    const said = (message: string, hint: string): Problem =>
      place.source.at(place.path, `${pathText(place.path)}: ${message}`, hint);
    const what = typeof list === 'string' ? `the list ${quoted(list)}` : 'the list';
    try {
      const size = typeof list === 'string' ? (await stat(list)).size : list.length;
      const outcome =
        size > checks.maxRevocationBytes
          ? ({
              kind: 'invalid',
              why: `it has more than ${checks.maxRevocationBytes} bytes`,
            } as const)
          : checks.readRevocations(typeof list === 'string' ? await readFile(list) : list, keys);
      if (outcome.kind === 'invalid') {
        const hint = 'make it with `ssh-keygen -k`, or list public keys, one on each line';
        problems.push(said(`${what} can't be used: ${outcome.why}`, hint));
        continue;
      }
      if (outcome.warning !== null) {
        const hint = 'give `ssh-keygen -k` the public key of this authority with -s';
        warnings.push(said(outcome.warning, hint));
      }
      lists.set(authority, outcome.bytes);
    } catch (thrown) {
      const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT';
      const why = missing ? 'there is no such file' : messageOf(thrown);
      const hint = missing ? 'correct the path; it begins where this file is' : 'make it readable';
      problems.push(said(`${what} can't be read: ${why}`, hint));
    }
  }
  return {
    ...document,
    authorities: (document.authorities ?? []).map((one) => ({
      ...one,
      revocations: lists.get(one.name) ?? null,
    })),
  };
}

/** What authorities and the names in their certificates say about each other. */
export function checkAuthorities(entries: Entries, problems: Problem[], warnings: Problem[]): void {
  const owners = new Map<string, Located<{ readonly name: string }>>();
  for (const located of entries.authorities) {
    if (located.entry.revoked !== undefined && located.entry.revokedList !== undefined) {
      const message = `${pathText(located.path)} has both revoked and revokedList`;
      problems.push(located.source.at(located.path, message, 'keep one of them'));
    }
    for (const key of located.entry.parsedKeys) {
      const first = owners.get(key.entry.fingerprint);
      if (first === undefined) {
        owners.set(key.entry.fingerprint, located);
        continue;
      }
      const message = `${pathText(key.path)}: this key is listed already, for ${quoted(first.entry.name)}`;
      problems.push(key.source.at(key.path, message, 'a key belongs to one authority, once'));
    }
  }
  const named = new Map<string, string>();
  const used = new Set<string>();
  for (const { entry, source, path } of entries.principals) {
    for (const [index, { authority, principals }] of entry.certificates.entries()) {
      used.add(authority);
      for (const [place, name] of principals.entries()) {
        const at = [...path, 'certificates', index, 'principals', place];
        const key = JSON.stringify([authority, name]);
        const first = named.get(key);
        named.set(key, first ?? entry.name);
        if (first === undefined) continue;
        const message =
          first === entry.name
            ? `${pathText(at)}: ${quoted(name)} of ${quoted(authority)} is listed twice`
            : `${pathText(at)}: ${quoted(name)} of ${quoted(authority)} already names ${quoted(first)}`;
        problems.push(source.at(at, message, 'a name in certificates names exactly one principal'));
      }
    }
  }
  for (const { entry, source, path } of entries.authorities) {
    if (used.has(entry.name)) continue;
    const message = `no principal has certificates of ${quoted(entry.name)}, so nobody comes in by one`;
    const hint = `add certificates: [{authority: ${entry.name}, principals: [NAME]}] to a principal`;
    warnings.push(source.at(path, message, hint));
  }
}
