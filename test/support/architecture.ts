/**
 * Checks source texts against the house rules in layers.ts. Pure: paths and texts in, violations out.
 * Not caught here: a module name that is computed, except that computing one is itself a violation.
 */
import { posix } from 'node:path';
import {
  BANNED_NAMES,
  DRIVER_OWNERS,
  DRIVERS_LIKE_PROGRAMS,
  LAYERS,
  LONG_FILES,
  MAX_LINES,
  PROCESS_OWNERS,
  PURE_EXCEPTIONS,
  PURE_NODE_MODULES,
  type Layer,
} from './layers.ts';

/** Text by path from the repository's root, with `/`. */
export type Sources = ReadonlyMap<string, string>;

interface Import {
  readonly from: string;
  /** Erased before it runs. */
  readonly isTypeOnly: boolean;
}

/** @returns one line per violation, `path: what is wrong`, in path order */
export function violationsIn(sources: Sources): string[] {
  const found: string[] = [];
  for (const [path, text] of sources) {
    const complain = (what: string): void => {
      found.push(`${path}: ${what}`);
    };
    checkForm(path, text, complain);
    if (path.startsWith('test/')) continue;
    checkProcess(path, text, complain);
    checkDrivers(path, text, complain);
    checkWalls(path, text, sources, complain);
  }
  for (const cycle of runtimeCycles(sources)) found.push(`${cycle[0]}: cycle ${cycle.join(' → ')}`);
  found.push(...unlistedMigrations(sources));
  for (const path of Object.keys(LONG_FILES)) {
    const text = sources.get(path);
    if (text !== undefined && lineCount(text) <= MAX_LINES) {
      found.push(`${path}: no longer needs its exception`);
    }
  }
  return found.sort();
}

type Complain = (what: string) => void;

function checkForm(path: string, text: string, complain: Complain): void {
  const lines = lineCount(text);
  if (lines > MAX_LINES && LONG_FILES[path] === undefined) {
    complain(`${lines} lines, more than ${MAX_LINES}`);
  }
  if (BANNED_NAMES.test(path)) complain('its name says nothing');
  const name = posix.basename(path);
  if (!/^(\d{4}_[a-z0-9_]+|[a-z0-9]+(-[a-z0-9]+)*)(\.test|\.d)?\.(ts|tsx|mts|mjs)$/.test(name)) {
    complain('its name is not in kebab-case');
  }
  if (/^export default\b|^export \{[^}]*\bas default\b/m.test(text))
    complain('has a default export');
}

function checkProcess(path: string, text: string, complain: Complain): void {
  if (isAt(path, PROCESS_OWNERS)) return;
  const touched = /\bprocess\.(env|exit|exitCode|abort)\b|\bprocess\[/.exec(withoutComments(text));
  if (touched !== null) complain(`touches ${touched[0]}`);
  if (/\b(?:from|import|require\()\s*['"](node:)?process['"]/.test(text)) {
    complain('imports node:process');
  }
}

function checkDrivers(path: string, text: string, complain: Complain): void {
  const code = withoutComments(text);
  for (const [driver, owners] of Object.entries(DRIVER_OWNERS)) {
    // A name that is a word of the trade counts where something is loaded, any other wherever it stands.
    const before = DRIVERS_LIKE_PROGRAMS.includes(driver)
      ? '(?:from|import|require|resolve)\\s*\\(?\\s*'
      : '';
    const named = new RegExp(
      `${before}['"\`]${driver.replaceAll('/', '\\/')}(\\/[^'"\`\\s]*)?['"\`]`,
    );
    if (named.test(code) && !isAt(path, owners)) complain(`names the package ${driver}`);
  }
}

function checkWalls(path: string, text: string, sources: Sources, complain: Complain): void {
  const layer = LAYERS.find(({ place }) => isAt(path, [place]));
  if (layer === undefined) return complain('belongs to no layer');
  if (layer.isPure) checkPurity(text, complain);
  if (/\bimport\(\s*[^'"`\s)]/.test(withoutComments(text))) complain('imports a computed name');
  for (const { from, isTypeOnly } of importsOf(text)) {
    const target = resolveImport(path, from);
    if (target === null) checkPackage(path, from, layer, complain);
    else if (!sources.has(target)) complain(`imports ${from}, which is not there`);
    else if (!mayImport(layer, target, isTypeOnly)) {
      complain(`imports ${isTypeOnly ? 'types of ' : ''}${target}`);
    }
  }
}

function checkPurity(text: string, complain: Complain): void {
  if (!/^\/\*\*|^\/\//.test(text)) complain('does not start with a comment on what it is for');
  const impure =
    /\b(Date\.now|new Date\(\)|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|process\.(hrtime|uptime|cwd|on|stdin|stdout|stderr|pid|nextTick)|fetch\()/.exec(
      withoutComments(text),
    );
  if (impure !== null) complain(`is pure and uses ${impure[0]}`);
}

function checkPackage(path: string, from: string, layer: Layer, complain: Complain): void {
  if (from.startsWith('node:')) {
    const allowed = [...PURE_NODE_MODULES, ...(PURE_EXCEPTIONS[path] ?? [])];
    if (layer.isPure && !allowed.includes(from)) complain(`is pure and imports ${from}`);
    return;
  }
  const [first = '', second = ''] = from.split('/');
  const name = from.startsWith('@') ? `${first}/${second}` : first;
  if (DRIVER_OWNERS[name] === undefined) complain(`imports ${name}, which has no owner`);
}

function mayImport(layer: Layer, target: string, isTypeOnly: boolean): boolean {
  const own = layer.place.endsWith('/') ? [layer.place] : [];
  return (
    isAt(target, [...own, ...layer.imports]) || (isTypeOnly && isAt(target, layer.typeImports))
  );
}

/** Whether `path` is one of the places or inside one. */
function isAt(path: string, places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place));
}

/** Static, re-exporting, side-effect and literal dynamic imports. */
export function importsOf(text: string): Import[] {
  const found: Import[] = [];
  const fromClause =
    /^\s*(?:import|export)\s+(type\s+)?(?:[\w*{][^'";]*?\s+)?from\s*['"]([^'"]+)['"]/gm;
  for (const [, type, from = ''] of text.matchAll(fromClause)) {
    found.push({ from, isTypeOnly: type !== undefined });
  }
  const bare = /^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"`]([^'"`]+)['"`]/gm;
  for (const [, static_, dynamic] of withoutComments(text).matchAll(bare)) {
    found.push({ from: static_ ?? dynamic ?? '', isTypeOnly: false });
  }
  return found;
}

function resolveImport(path: string, from: string): string | null {
  return from.startsWith('.') ? posix.join(posix.dirname(path), from) : null;
}

// A `//` counts as a comment after a space only, so that addresses in text survive.
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function lineCount(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

/** Each cycle once, as the files on it, first and last the same. */
function runtimeCycles(sources: Sources): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      cycles.push([...trail.slice(start), path]);
      return;
    }
    if (done.has(path)) return;
    for (const { from, isTypeOnly } of importsOf(sources.get(path) ?? '')) {
      const target = resolveImport(path, from);
      if (!isTypeOnly && target !== null && sources.has(target)) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of sources.keys()) visit(path, []);
  return cycles;
}

function unlistedMigrations(sources: Sources): string[] {
  const index = sources.get('migrations/index.ts') ?? '';
  return [...sources.keys()].flatMap((path) => {
    const [, name] = /^migrations\/(\d{4}_\w+)\.ts$/.exec(path) ?? [];
    if (name === undefined) return [];
    const isListed = index.includes(`'./${name}.ts'`) && index.includes(`name: '${name}'`);
    return isListed ? [] : [`${path}: is not in migrations/index.ts`];
  });
}
