/** The parts of the README that are checked against reality. Pure. */

/** The text below a `## heading`, up to the next heading of that rank; null when there is none. */
function sectionOf(readme: string, heading: string): string | null {
  const start = readme.search(new RegExp(`^## ${heading}\\s*$`, 'm'));
  if (start < 0) return null;
  const body = readme.slice(start).replace(/^.*\n/, '');
  const end = body.search(/^## /m);
  return end < 0 ? body : body.slice(0, end);
}

/**
 * The paths that the fenced block below `## File map` names: one per line, the first word, nested by
 * indentation; folders end with `/`.
 */
export function fileMapOf(readme: string): string[] | null {
  const [, block] = /^```[^\n]*\n([\s\S]*?)^```/m.exec(sectionOf(readme, 'File map') ?? '') ?? [];
  if (block === undefined) return null;
  const paths: string[] = [];
  const above: { indent: number; path: string }[] = [];
  for (const line of block.split('\n')) {
    const [, spaces = '', word] = /^(\s*)([\w.@-]+(?:\/[\w.@-]+)*\/?)(?=\s|$)/.exec(line) ?? [];
    if (word === undefined) continue;
    while ((above.at(-1)?.indent ?? -1) >= spaces.length) above.pop();
    const path = `${above.at(-1)?.path ?? ''}${word}`;
    paths.push(path);
    if (word.endsWith('/')) above.push({ indent: spaces.length, path });
  }
  return paths;
}

/** The codes in the first column of the table below `## Errors`. */
export function errorTableOf(readme: string): string[] | null {
  const section = sectionOf(readme, 'Errors');
  return section === null
    ? null
    : [...section.matchAll(/^\|\s*`([\w.-]+)`\s*\|/gm)].map(([, code = '']) => code);
}

/** How the file map and the folders differ, one line each. */
export function fileMapDifferences(
  map: readonly string[],
  folders: readonly string[],
  exists: (path: string) => boolean,
): string[] {
  return [
    ...folders.filter((folder) => !map.includes(folder)).map((one) => `${one} is not in the map`),
    ...map.filter((path) => !exists(path)).map((path) => `${path} is in the map and nowhere else`),
  ];
}
