/**
 * Paths as text: made absolute and normalised without looking at a disk. Not caught here: symbolic
 * links that the target already has.
 */

/** Removes `.`, `..` and doubled slashes of an absolute or `~` path. */
function normalise(path: string): string {
  const root = path.startsWith('~') ? (path.split('/', 1)[0] ?? '~') : '';
  const parts: string[] = [];
  let above = 0;
  for (const part of path.slice(root.length).split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) above++;
  }
  // Above a home directory lies `/home` or `/`: only the marker `..` can say so.
  if (root !== '' && above > 0) parts.unshift(...Array.from({ length: above }, () => '..'));
  const rest = parts.join('/');
  if (root === '') return `/${rest}`;
  return rest === '' ? root : `${root}/${rest}`;
}

/** @returns null when the path is relative to a directory that isn't known */
export function absolutePath(path: string, directory: string | null): string | null {
  if (path.startsWith('/') || /^~[\w.-]*(\/|$)/.test(path)) return normalise(path);
  return directory === null ? null : normalise(`${directory}/${path}`);
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
