import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, it } from 'mocha';
import { ERROR_CODES } from '../server/errors.ts';
import { importsOf, violationsIn } from './support/architecture.ts';
import { DRIVER_OWNERS, MAX_LINES } from './support/layers.ts';
import { errorTableOf, fileMapDifferences, fileMapOf } from './support/readme.ts';

const ROOT = join(import.meta.dirname, '..');
/** Near the real numbers: a checker that sees nothing finds nothing. */
const FEWEST_FILES = { server: 190, web: 14, migrations: 5, test: 95 };
const FEWEST_IMPORTS = 1200;

function pathsUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(tsx?|mts|mjs)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** Folders directly under `folder` that hold a file, at any depth. */
function foldersUnder(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, entry.parentPath).split(sep))
    .filter((parts) => parts.length > 1);
  return [...new Set(files.map(([top, name]) => `${top}/${name}/`))].sort();
}

function readRoot(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8');
}

function check(sources: Record<string, string>): string[] {
  return violationsIn(new Map(Object.entries(sources)));
}

describe('the architecture', () => {
  const folders = Object.keys(FEWEST_FILES) as (keyof typeof FEWEST_FILES)[];
  const sources = new Map(
    folders.flatMap(pathsUnder).map((path) => [path, readRoot(path)] as const),
  );

  it('has no violation', () => {
    assert.deepEqual(violationsIn(sources), []);
  });

  for (const folder of folders) {
    it(`was checked in at least ${FEWEST_FILES[folder]} files under ${folder}`, () => {
      const seen = [...sources.keys()].filter((path) => path.startsWith(`${folder}/`));
      assert.ok(seen.length >= FEWEST_FILES[folder], `${seen.length} files`);
    });
  }

  it(`was checked in at least ${FEWEST_IMPORTS} imports`, () => {
    const imports = [...sources.values()].flatMap(importsOf);
    assert.ok(imports.length >= FEWEST_IMPORTS, `${imports.length} imports`);
  });

  it('gives every dependency an owner', () => {
    const { dependencies, optionalDependencies } = JSON.parse(readRoot('package.json')) as Record<
      string,
      Record<string, string>
    >;
    assert.deepEqual(
      Object.keys({ ...dependencies, ...optionalDependencies }).sort(),
      Object.keys(DRIVER_OWNERS).sort(),
    );
  });
});

describe('the README', () => {
  const readme = existsSync(join(ROOT, 'README.md')) ? readRoot('README.md') : '';

  it('maps every folder of the house, and nothing that is not there', () => {
    const map = fileMapOf(readme);
    assert.ok(map !== null, 'README.md has no fenced block below "## File map"');
    const real = [...foldersUnder('server'), ...foldersUnder('web')];
    assert.deepEqual(
      fileMapDifferences(map, real, (path) => existsSync(join(ROOT, path))),
      [],
    );
  });

  it('lists every error code and no other', () => {
    const table = errorTableOf(readme);
    assert.ok(table !== null, 'README.md has no "## Errors"');
    assert.deepEqual([...table].sort(), [...ERROR_CODES].sort());
  });

  it('leads to every chapter from its contents', () => {
    const contents = /^\*\*Contents\.\*\*[^]*?\n\n/m.exec(readme)?.[0] ?? '';
    const linked = Array.from(contents.matchAll(/\]\(#([^)]*)\)/g), ([, anchor]) => anchor);
    const chapters = Array.from(readme.matchAll(/^## (.*)$/gm), ([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
    const unlisted = ['style', 'licence'];
    assert.deepEqual(new Set(linked), new Set(chapters.filter((one) => !unlisted.includes(one))));
  });
});

const OK = '/** Fine. */\nexport const A = 1;\n';

describe('the architecture checker', () => {
  const planted: readonly [name: string, sources: Record<string, string>, expected: string[]][] = [
    [
      'a wall between adapters',
      { 'server/ssh/a.ts': "import { A } from '../store/b.ts';", 'server/store/b.ts': OK },
      ['server/ssh/a.ts: imports server/store/b.ts'],
    ],
    [
      'types across a wall',
      { 'server/http/a.ts': "import type { A } from '../ssh/b.ts';", 'server/ssh/b.ts': OK },
      ['server/http/a.ts: imports types of server/ssh/b.ts'],
    ],
    [
      'a value from the ports, which are for types',
      {
        'server/ssh/a.ts': "import { A } from '../session/ports.ts';",
        'server/session/ports.ts': OK,
      },
      ['server/ssh/a.ts: imports server/session/ports.ts'],
    ],
    [
      'a grammar that knows the domain, over several lines',
      {
        'server/shell/a.ts': "/** A. */\nimport {\n  A,\n  B,\n} from '../policy/b.ts';",
        'server/policy/b.ts': OK,
      },
      ['server/shell/a.ts: imports server/policy/b.ts'],
    ],
    [
      'a domain folder that knows another, by re-export',
      {
        'server/access/a.ts': "/** A. */\nexport * from '../journal/b.ts';",
        'server/journal/b.ts': OK,
      },
      ['server/access/a.ts: imports server/journal/b.ts'],
    ],
    [
      'a page that calls the server, and one by a dynamic import',
      {
        'web/pages/a.tsx': "import { A } from '../../server/http/b.ts';",
        'web/pages/c.tsx': "const b = await import('../../server/http/b.ts');",
        'server/http/b.ts': OK,
      },
      ['web/pages/a.tsx: imports server/http/b.ts', 'web/pages/c.tsx: imports server/http/b.ts'],
    ],
    [
      'assembly imported from below',
      { 'server/session/a.ts': "import '../main.ts';", 'server/main.ts': OK },
      ['server/session/a.ts: imports server/main.ts'],
    ],
    [
      'a folder without a place in the house',
      { 'server/plugins/a.ts': OK },
      ['server/plugins/a.ts: belongs to no layer'],
    ],
    [
      'an import of what is not there',
      { 'server/http/a.ts': "import { A } from './gone.ts';" },
      ['server/http/a.ts: imports ./gone.ts, which is not there'],
    ],
    [
      'a driver outside its owner, however it is named',
      {
        'server/http/a.ts': "import { Client } from 'ssh2';",
        'server/http/b.ts': "const path = require.resolve('knex/lib/x.js');",
        'server/terminal/c.ts': "/** C. */\nimport type { Terminal } from '@xterm/headless';",
      },
      [
        'server/http/a.ts: names the package ssh2',
        'server/http/b.ts: names the package knex',
        'server/terminal/c.ts: names the package @xterm/headless',
      ],
    ],
    [
      'a package that nobody owns',
      { 'server/http/a.ts': "import x from 'left-pad/x';" },
      ['server/http/a.ts: imports left-pad, which has no owner'],
    ],
    [
      'a computed import',
      { 'server/http/a.ts': 'const x = await import(name);' },
      ['server/http/a.ts: imports a computed name'],
    ],
    [
      'a clock, chance, files and a missing comment in pure code',
      {
        'server/policy/a.ts': '/** A. */\nconst x = Date.now();',
        'server/policy/b.ts': '/** B. */\nconst x = Math.random();',
        'server/policy/c.ts': "/** C. */\nimport { readFileSync } from 'node:fs';",
        'server/policy/d.ts': 'export const D = 1;',
        'server/policy/e.ts': "/** E. */\nimport { createHash } from 'node:crypto';",
      },
      [
        'server/policy/a.ts: is pure and uses Date.now',
        'server/policy/b.ts: is pure and uses Math.random',
        'server/policy/c.ts: is pure and imports node:fs',
        'server/policy/d.ts: does not start with a comment on what it is for',
        'server/policy/e.ts: is pure and imports node:crypto',
      ],
    ],
    [
      'the environment and the exit status outside assembly',
      {
        'server/http/a.ts': "const x = process.env['X'];",
        'server/http/b.ts': 'process.exit(1);',
        'server/http/c.ts': 'process.exitCode = 1;',
        'server/http/d.ts': "import { env } from 'node:process';",
        'server/main.ts': 'process.exitCode = 1;',
      },
      [
        'server/http/a.ts: touches process.env',
        'server/http/b.ts: touches process.exit',
        'server/http/c.ts: touches process.exitCode',
        'server/http/d.ts: imports node:process',
      ],
    ],
    [
      'a cycle at run time',
      {
        'server/http/a.ts': "import './b.ts';",
        'server/http/b.ts': "import { C } from './c.ts';",
        'server/http/c.ts': "export { A } from './a.ts';",
      },
      [
        'server/http/a.ts: cycle server/http/a.ts → server/http/b.ts → server/http/c.ts → server/http/a.ts',
      ],
    ],
    [
      'a file that is too long',
      { 'server/http/a.ts': '\n'.repeat(MAX_LINES + 1) },
      [`server/http/a.ts: ${MAX_LINES + 1} lines, more than ${MAX_LINES}`],
    ],
    [
      'names that say nothing, and names in another case',
      { 'server/http/helpers.ts': OK, 'test/utils/a.test.ts': OK, 'server/http/hostKey.ts': OK },
      [
        'server/http/helpers.ts: its name says nothing',
        'server/http/hostKey.ts: its name is not in kebab-case',
        'test/utils/a.test.ts: its name says nothing',
      ],
    ],
    [
      'default exports',
      { 'web/a.ts': 'export default 1;', 'web/b.ts': 'const x = 1;\nexport { x as default };' },
      ['web/a.ts: has a default export', 'web/b.ts: has a default export'],
    ],
    [
      'a migration that is not listed',
      {
        'migrations/0001_a.ts': OK,
        'migrations/0002_b.ts': OK,
        'migrations/index.ts':
          "import * as a from './0001_a.ts';\nconst x = [{ name: '0001_a', a }];",
      },
      ['migrations/0002_b.ts: is not in migrations/index.ts'],
    ],
  ];
  for (const [name, sources, expected] of planted) {
    it(`finds ${name}`, () => assert.deepEqual(check(sources), expected));
  }

  it('lets pass what the walls allow', () => {
    assert.deepEqual(
      check({
        'server/errors.ts': OK,
        'server/shell/a.ts': "/** Not process.env. */\nimport { A } from '../errors.ts';",
        'server/policy/b.ts': "/** B. */\nimport { A } from '../shell/a.ts';",
        'server/session/ports.ts': "import type { B } from '../policy/b.ts';",
        'server/ssh/d.ts':
          "import type { P } from '../session/ports.ts';\nimport { Client } from 'ssh2';",
        'server/context.ts': "import { D } from './ssh/d.ts';",
        'server/http/e.ts': "import type { F } from './f.ts';",
        'server/http/f.ts': "import { E } from './e.ts';",
        'web/a.tsx': "import type { E } from '../server/http/e.ts';",
      }),
      [],
    );
  });

  it('reads the README’s file map and error table', () => {
    const readme = [
      '# X',
      '## File map',
      '```',
      'server/      what runs',
      '  ssh/       the engine',
      '    engine/  hardening',
      '  gone/',
      'web/',
      '```',
      '## Errors',
      '| code | meaning |',
      '|---|---|',
      '| `a.b` | x |',
      '## Next',
      '| `not.this` | x |',
    ].join('\n');
    const map = fileMapOf(readme);
    assert.deepEqual(map, ['server/', 'server/ssh/', 'server/ssh/engine/', 'server/gone/', 'web/']);
    assert.deepEqual(errorTableOf(readme), ['a.b']);
    assert.deepEqual(
      fileMapDifferences(
        map ?? [],
        ['server/ssh/', 'server/new/'],
        (one) => one !== 'server/gone/',
      ),
      ['server/new/ is not in the map', 'server/gone/ is in the map and nowhere else'],
    );
    assert.equal(fileMapOf('# X'), null);
    assert.equal(errorTableOf('# X'), null);
  });
});
