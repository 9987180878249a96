/**
 * Clients of databases, as data: which SQL text they are given, by option, by operand or on standard
 * input. Not caught here: the SQL itself; option files and start-up files of the clients; and script
 * files that this session didn't write, which are uncertain.
 */
import type { OptionGrammar } from '../option-table.ts';
import { leading, readOptions, type ReadOption, type ReadOptions } from '../options.ts';
import { fileInput } from '../redirect.ts';
import { subshell, type Call, type Output, type Program } from '../runner.ts';
import { exactText, literal, whyUnknown, type Word } from '../word.ts';

/** What an option's value is; options that the table doesn't name mean nothing here. */
type Role =
  /** SQL text; afterwards standard input isn't read. */
  | 'sql'
  /** SQL text beside what else is read. */
  | 'first'
  /** A file of SQL. */
  | 'file'
  /** A file of SQL beside what else is read. */
  | 'firstFile'
  /** `NAME=VALUE`, put into the text. */
  | 'variable'
  /** What ends a statement. */
  | 'delimiter'
  /** A command that gets the results. */
  | 'pager'
  /** A file or `|command` that gets the results. */
  | 'output'
  /** A command line. */
  | 'command'
  /** It shows something and ends. */
  | 'ends';

interface Client {
  readonly grammar: OptionGrammar;
  readonly roles: ReadonlyMap<string, Role>;
  /** Long options have one dash. */
  readonly single: boolean;
  /** Operands from this one on are SQL; null = none is. */
  readonly operand: number | null;
  /** First operands one of which must be there for the client to read SQL. */
  readonly subcommands: readonly string[] | null;
  /** Options one of which must be there for it to be SQL. */
  readonly needs: readonly string[];
  /** `-p` may have its value only in the same word. */
  readonly attachedPassword: boolean;
  /** Operands that begin with `@` are files of SQL. */
  readonly scripts: boolean;
}

/**
 * Name, then `key: values`: `short` letters and `long` names that take a value, `flags` the long ones that
 * don't, the roles, and how operands are read.
 */
const TABLE = `
psql short: cdfhpUvLoPRFT; long: command dbname file host port username variable set log-file output pset record-separator field-separator table-attr init-command; flags: list version no-psqlrc single-transaction help echo-all echo-errors echo-queries echo-hidden no-readline quiet single-step single-line no-align csv html tuples-only expanded field-separator-zero record-separator-zero no-password password; sql: -c --command; first: --init-command; file: -f --file; variable: -v --set --variable; output: -o --output; ends: -l --list -V --version -? --help
mysql short: ehuPDS; long: execute host user port database socket protocol default-character-set character-sets-dir ssl-ca ssl-cert ssl-key ssl-capath ssl-cipher ssl-mode tls-version defaults-file defaults-extra-file defaults-group-suffix delimiter init-command prompt pager tee plugin-dir default-auth max-allowed-packet net-buffer-length connect-timeout select-limit max-join-size login-path; flags: batch auto-rehash no-auto-rehash column-names skip-column-names column-type-info comments compress connect-expired-password debug force html xml ignore-spaces line-numbers skip-line-numbers local-infile named-commands no-beep one-database password print-defaults print-query-on-error quick raw reconnect safe-updates sandbox secure-auth show-warnings sigint-ignore silent skip-reconnect ssl ssl-verify-server-cert table unbuffered verbose version vertical wait help no-defaults abort-source-on-error binary-mode binary-as-hex; sql: -e --execute; first: --init-command --init-command-add; delimiter: --delimiter; pager: --pager; output: --tee; ends: --help -? -V --version --print-defaults; password: attached
mysqlsh short: efhuPDSp; long: execute file host user port schema socket uri; sql: -e --execute; file: -f --file; needs: --sql --sqlc --sqlx; ends: --help --version; password: attached
mysqlslap short: qhuPSciFx; long: query create create-schema pre-query post-query pre-system post-system host user port socket concurrency iterations delimiter engine; sql: -q --query --create; first: --pre-query --post-query; command: --pre-system --post-system; ends: --help --version; password: attached
clickhouse-client short: qdhu; long: query queries queries-file database host port user password format config-file config output-format input-format; flags: multiquery multiline secure time progress vertical; sql: -q --query --queries; file: --queries-file; operand: 0; ends: --help -V --version
sqlcmd short: SUPQqidovhsWwyYltLmbmH; long: server user-name user query initial-query input-file database-name output-file variables; sql: -Q -q --query --initial-query; file: -i --input-file; variable: -v --variables; ends: -? --help --version
osql short: SUPQqidosw; long: ; sql: -Q -q; file: -i; ends: -? -L
tsql short: HSpUPDIJ; long: ; ends: -? -C -L
isql short: SUPDi; long: ; file: -i; ends: --version
usql short: cfovPT; long: command file out set variable pset; sql: -c --command; file: -f --file; variable: -v --set --variable; output: -o --out; ends: --help --version -V
sqlite3 single: yes; long: cmd init separator nullvalue newline maxsize mmap nonce vfs; pairs: lookaside pagecache; first: -cmd; firstFile: -init; operand: 1; ends: -help -version -?
duckdb single: yes; long: cmd init separator nullvalue newline c s f storage-version; first: -cmd; firstFile: -init; sql: -c -s; file: -f; operand: 1; ends: -help -version
litecli short: eDR; long: execute database prompt logfile; sql: -e --execute; ends: --help --version -V
cockroach short: efdupP; long: execute file database url user host port watch set format; sql: -e --execute; file: -f --file; subcommands: sql demo; ends: --help --version
dolt short: qfrd; long: query file result-format use-db; sql: -q --query; file: -f --file; subcommands: sql; ends: --help
cqlsh short: efkup; long: execute file keyspace username password; sql: -e --execute; file: -f --file; ends: --help --version
impala-shell short: qfidu; long: query query_file impalad database user var; sql: -q --query; file: -f --query_file; variable: --var; ends: --help --version -h -v
hive short: efid; long: database define hiveconf hivevar; sql: -e; file: -f; firstFile: -i; variable: --hivevar --define -d; ends: -H --help
beeline short: efunpdi; long: hivevar hiveconf; sql: -e; file: -f; firstFile: -i; variable: --hivevar; ends: --help
spark-sql short: efidS; long: database master conf name jars hivevar hiveconf define; sql: -e; file: -f; firstFile: -i; variable: --hivevar --define -d; ends: --help --version
trino short: f; long: execute file server catalog schema user session output-format; sql: --execute; file: -f --file; ends: --help --version
snowsql short: qfaudswrDoc; long: query filename accountname username dbname schemaname warehouse rolename variable option connection; sql: -q --query; file: -f --filename; variable: -D --variable; ends: --help --version -v
snow short: qfcD; long: query filename connection variable; sql: -q --query; file: -f --filename; variable: -D --variable; subcommands: sql; ends: --help
bq short: ; long: project_id dataset_id location format max_rows destination_table job_id; operand: 1; subcommands: query; ends: --help
db2 short: fdlrz; long: ; file: -f; operand: 0; ends: ?
mclient short: dhpusftiXE; long: database host port user statement format; sql: -s --statement; ends: --help --version
influx single: yes; long: execute host port database username password precision format; sql: -execute; ends: -help -version
sqlplus short: CMR; long: ; scripts: yes; ends: -H -V
`;

const SAME: Readonly<Record<string, string>> = {
  pgcli: 'psql',
  gsql: 'psql',
  vsql: 'psql',
  ysqlsh: 'psql',
  nzsql: 'psql',
  'edb-psql': 'psql',
  mariadb: 'mysql',
  mycli: 'mysql',
  'mariadb-slap': 'mysqlslap',
  clickhouse: 'clickhouse-client',
  'clickhouse-local': 'clickhouse-client',
  chc: 'clickhouse-client',
  sqlite: 'sqlite3',
  impala: 'impala-shell',
  presto: 'trino',
  bsqldb: 'isql',
  'isql-fb': 'isql',
  iusql: 'isql',
};

const ROLES: readonly Role[] = [
  'sql',
  'first',
  'file',
  'firstFile',
  'variable',
  'delimiter',
  'pager',
  'output',
  'command',
  'ends',
];

function readTable(): ReadonlyMap<string, Client> {
  const clients = new Map<string, Client>();
  for (const line of TABLE.trim().split('\n')) {
    const [, name = '', rest = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
    const fields = new Map(
      rest.split(';').map((field) => {
        const [key = '', values = ''] = field.split(': ');
        return [key.trim().replace(/:$/, ''), values.trim().split(/\s+/).filter(Boolean)] as const;
      }),
    );
    const list = (key: string) => fields.get(key) ?? [];
    const roles = new Map<string, Role>();
    for (const role of ROLES) for (const option of list(role)) roles.set(option, role);
    const [operand] = list('operand');
    clients.set(name, {
      grammar: {
        short: list('short').join(''),
        sometimes: '',
        long: new Set(list('long')),
        pairs: new Set(list('pairs')),
        ...(fields.has('flags') ? { flags: new Set(list('flags')) } : {}),
      },
      roles,
      single: fields.has('single'),
      operand: operand === undefined ? null : Number(operand),
      subcommands: fields.get('subcommands') ?? null,
      needs: list('needs'),
      attachedPassword: fields.has('password'),
      scripts: fields.has('scripts'),
    });
  }
  return clients;
}

const CLIENTS = readTable();

/** Stands between texts that a client gives to the server one by one. */
const BETWEEN_TEXTS = '\0';

/** The SQL of one call. */
class Given {
  readonly #call: Call;
  readonly #texts: string[] = [];
  /** Lines of the client's own that stand before every text. */
  readonly #settings: string[] = [];
  /** The client was given what to run, so it leaves its input alone. */
  takesInput = true;

  constructor(call: Call) {
    this.#call = call;
  }

  add(text: string): void {
    if (text.includes(BETWEEN_TEXTS)) {
      this.#call.run.uncertain('the SQL has a character that ends it');
    }
    this.#texts.push(text.replaceAll(BETWEEN_TEXTS, ' '));
  }

  addWord(word: Word | null): void {
    const text = word === null ? null : exactText(word);
    if (text !== null) return this.add(text);
    const why = word === null ? 'it is missing' : (whyUnknown(word) ?? 'it is a pattern');
    this.#call.run.uncertain(`the SQL can't be known: ${why}`);
  }

  addFile(word: Word | null): void {
    if (word === null) return;
    const process = word.find((piece) => piece.kind === 'process');
    if (process?.kind === 'process' && process.reads !== null) return this.add(process.reads);
    const input =
      exactText(word) === '-' ? this.#call.frame.input : fileInput(word, this.#call.frame);
    if (input.kind === 'text') this.add(input.text);
    else if (input.kind === 'session') this.#call.run.noteSql(null);
    else this.#call.run.uncertain(`${this.#call.name} reads SQL from a file`);
  }

  /** A line for the client itself. */
  set(line: string): void {
    this.#settings.push(line);
  }

  get text(): string | null {
    if (this.#texts.length === 0 && this.#settings.length === 0) return null;
    const [first = '', ...rest] = this.#texts;
    return [[...this.#settings, first].join('\n'), ...rest].join(BETWEEN_TEXTS);
  }
}

function sqlClient(call: Call): Output {
  const client = CLIENTS.get(SAME[call.name] ?? call.name);
  if (client === undefined) return null;
  const read = client.single ? readSingle(call.words, client) : readCall(call, client);
  const roleOf = ({ name }: ReadOption) => client.roles.get(name.replaceAll('_', '-'));
  if (read.options.some((option) => roleOf(option) === 'ends')) return null;
  const operands = read.operands.map(({ word }) => word);
  const first = exactText(operands[0] ?? []);
  if (client.subcommands !== null && !client.subcommands.includes(first ?? '')) return null;
  const given = new Given(call);
  for (const option of read.options) take(option.value, roleOf(option), given, call);
  if (client.operand !== null) operandsOf(call, client, operands, given);
  if (client.scripts && operands.some((word) => leading(word).startsWith('@'))) {
    call.run.uncertain(`${call.name} reads SQL from a file`);
  }
  const needed =
    client.needs.length === 0 || read.options.some(({ name }) => client.needs.includes(name));
  if (!needed && given.text !== null) {
    call.run.uncertain(`${call.name} runs code that isn't read`);
    return null;
  }
  environment(call, read);
  const { input } = call.frame;
  if (given.takesInput) {
    if (input.kind === 'session') call.run.noteSql(null);
    else if (input.kind === 'text') given.add(input.text);
    else call.run.uncertain(`${call.name} reads SQL that can't be known`);
  }
  const { text } = given;
  if (text !== null) call.run.noteSql(text);
  return null;
}

function readCall(call: Call, client: Client): ReadOptions {
  if (!client.attachedPassword) return readOptions(call.words, client.grammar, false);
  // `-pSECRET` is a password; its letters are no options. Names may be written with `_`.
  const words = call.words.flatMap((word) => {
    const text = exactText(word);
    if (/^-p./.test(text ?? leading(word))) return [];
    const named = /^--[\w-]+/.exec(text ?? '')?.[0] ?? '';
    if (text === null || !named.includes('_')) return [word];
    return [literal(named.replaceAll('_', '-') + text.slice(named.length))];
  });
  return readOptions(words, client.grammar, false);
}

/** Long options with one dash or two, no clusters. */
function readSingle(words: readonly Word[], { grammar }: Client): ReadOptions {
  const options: ReadOption[] = [];
  const operands: { word: Word; index: number; doubtful: boolean }[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as Word;
    const text = exactText(word);
    if (text === null || !/^--?[A-Za-z?]/.test(text)) {
      operands.push({ word, index, doubtful: false });
      continue;
    }
    const name = text.replace(/^-+/, '');
    const takes = grammar.long.has(name);
    options.push({ name: `-${name}`, value: takes ? (words[index + 1] ?? null) : null, index });
    if (takes) index++;
    else if (grammar.pairs?.has(name) === true) index += 2;
  }
  return { options, operands, end: words.length };
}

function take(value: Word | null, role: Role | undefined, given: Given, call: Call): void {
  const text = value === null ? null : exactText(value);
  switch (role) {
    case 'sql':
    case 'first':
      given.addWord(value);
      if (role === 'sql') given.takesInput = false;
      return;
    case 'file':
    case 'firstFile':
      given.addFile(value);
      if (role === 'file') given.takesInput = false;
      return;
    case 'variable':
      variable(text, given, call);
      return;
    case 'delimiter':
      given.set(text === null || /\s/.test(text) ? 'delimiter' : `delimiter ${text}`);
      return;
    case 'pager':
    case 'output':
      if (text === null)
        call.run.uncertain(`what ${call.name} does with its results can't be known`);
      else if (role === 'pager' || text.startsWith('|')) {
        call.run.runText(
          `cat query-result | ${text.replace(/^\|/, '')}`,
          subshell(call.frame, call.name),
        );
      }
      return;
    case 'command':
      if (text === null) call.run.uncertain(`${call.name} runs a command that can't be known`);
      else call.run.runText(text, subshell(call.frame, call.name));
      return;
    case 'ends':
    case undefined:
  }
}

/** `-v NAME=VALUE`, as the line that psql would read for it. */
function variable(text: string | null, given: Given, call: Call): void {
  const match = /^([\w\u0080-\uffff]+)=(.*)$/s.exec(text ?? '');
  if (match === null) {
    if (text === null || !/^\w+$/.test(text))
      call.run.uncertain('variables are put into the SQL text');
    return;
  }
  const [, name = '', value = ''] = match;
  if (
    /^(?:psql|pgcli|gsql|vsql|ysqlsh|nzsql|edb-psql|usql)$/.test(call.name) &&
    !/[\n\r]/.test(value)
  ) {
    given.set(`\\set ${name} '${value.replace(/['\\]/g, '\\$&')}'`);
  } else call.run.uncertain('variables are put into the SQL text');
}

function operandsOf(call: Call, client: Client, operands: readonly Word[], given: Given): void {
  const own = operands.slice(client.operand ?? 0);
  if (call.name === 'db2') {
    const texts = own.map(exactText);
    if (own.length === 0) return;
    given.takesInput = false;
    if (texts.every((text) => text !== null)) given.add(texts.join(' '));
    else given.addWord(null);
    return;
  }
  for (const word of own) {
    const text = exactText(word);
    // Names of files, hosts and subcommands are one word; a statement never is.
    if (text !== null && !/\s|^\./.test(text) && client.operand === 0) continue;
    given.addWord(word);
    given.takesInput = false;
  }
}

/** Variables of the environment that change what the client reads. */
function environment(call: Call, read: ReadOptions): void {
  const isPsql = (SAME[call.name] ?? call.name) === 'psql';
  if (!isPsql) return;
  const { variables } = call.frame.state;
  const textOf = (name: string) => {
    const value = variables.get(name);
    return value === undefined ? '' : value.kind === 'word' ? exactText(value.word) : null;
  };
  const startUp = textOf('PSQLRC');
  const ignoresIt = read.options.some(({ name }) => name === '-X' || name === '--no-psqlrc');
  if (startUp !== '' && startUp !== '/dev/null' && !ignoresIt) {
    call.run.uncertain('$PSQLRC names a file of SQL that psql reads first');
  }
  const settings = [textOf('PGOPTIONS'), ...call.texts];
  const changed = settings.some((text) =>
    /standard_conforming_strings|backslash_quote/.test(text ?? ''),
  );
  if (changed || textOf('PGOPTIONS') === null) {
    const isStatement = read.options.some(
      ({ value }) => value !== null && /standard_conforming_strings/.test(exactText(value) ?? ''),
    );
    if (!isStatement || textOf('PGOPTIONS') !== '') {
      call.run.uncertain('the connection is given settings that change how strings are read');
    }
  }
}

export const SQL_PROGRAMS: Readonly<Record<string, Program>> = Object.fromEntries(
  [...CLIENTS.keys(), ...Object.keys(SAME)].map((name) => [name, sqlClient]),
);
