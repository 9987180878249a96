/** Changes of the directory as the command line shows them. */
import type { DirectoryChange, DirectoryDocument } from '../access/directory.ts';
import type { DirectoryVersions, VersionView } from '../store/directory-versions.ts';
import type { WrittenDirectory } from '../store/directory-written.ts';

const SIGNS = { added: '+', changed: '~', removed: '-' } as const;
/** Names that are listed; the rest is counted. */
const MAX_LISTED = 20;

/** A change, and the change over the API that it would undo. */
export interface ShownChange extends DirectoryChange {
  readonly takesBack?: Pick<VersionView, 'version' | 'principal' | 'at'>;
}

/** Finds out which of them undo what somebody has changed over the API; only a dry run asks. */
export async function withTakenBack(
  versions: Pick<DirectoryVersions, 'lastOf'>,
  changes: readonly DirectoryChange[],
  dryRun: boolean,
): Promise<readonly ShownChange[]> {
  if (!dryRun) return changes;
  const shown: ShownChange[] = [];
  for (const change of changes) {
    const last = await versions.lastOf(change);
    if (last?.via !== 'api') shown.push(change);
    else {
      const { at, principal, version } = last;
      shown.push({ ...change, takesBack: { version, principal, at } });
    }
  }
  return shown;
}

/** @param version null = it isn't said */
export function changesText(
  changes: readonly ShownChange[],
  dryRun: boolean,
  version: number | null,
): string {
  if (changes.length === 0) return 'nothing to change\n';
  const lines = changes.flatMap(({ change, lines = [], name, object, takesBack }) => [
    `${SIGNS[change]} ${object} ${name}`,
    ...lines.map((line) => `    ${line}`),
    ...(takesBack === undefined ? [] : [`    takes back ${takenBack(takesBack)}`]),
  ]);
  const total = `${changes.length} ${dryRun ? 'would change' : 'changed'}`;
  const said = dryRun || version === null ? total : `${total}; this is version ${version}`;
  return `${lines.join('\n')}\n${said}\n`;
}

function takenBack({ at, principal, version }: NonNullable<ShownChange['takesBack']>): string {
  return `version ${version}, which ${principal ?? 'somebody'} made over the API at ${at}`;
}

/** What the directory has and the document doesn't name; grants are always a set. */
export function notNamed(
  document: DirectoryDocument,
  written: WrittenDirectory,
): readonly string[] {
  const sections = [
    ['authority', written.authorities, document.authorities ?? []],
    ['principal', written.principals, document.principals],
    ['credential', written.credentials, document.credentials],
    ['target', written.targets, document.targets],
    ['webhook', written.webhooks, document.webhooks ?? []],
    [
      'policy',
      Object.keys(written.policies).map((name) => ({ name })),
      Object.keys(document.policies).map((name) => ({ name })),
    ],
  ] as const;
  return sections.flatMap(([object, there, named]) => {
    const names = new Set(named.map(({ name }) => name));
    return there
      .map((entry) => String(entry['name']))
      .filter((name) => !names.has(name))
      .map((name) => `${object} ${name}`);
  });
}

export function stayingText(staying: readonly string[]): string {
  if (staying.length === 0) return '';
  const more = staying.length - MAX_LISTED;
  const listed = staying.slice(0, MAX_LISTED).join(', ');
  const rest = more > 0 ? ` and ${more} more` : '';
  return `not in it, and staying without --prune: ${listed}${rest}\n`;
}
