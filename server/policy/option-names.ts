/**
 * Which spellings of an option mean the same, and which words say as much as an option does. Not caught
 * here: programs that the tables don't name; their options mean what they are spelt.
 */
import type { ReadOptions } from '../shell/options.ts';
import { exactText, isUnknown, type Word } from '../shell/word.ts';
import { OPTION_SYNONYMS } from './option-synonyms.ts';

/** Programs that take the options of another one. */
const SAME: Readonly<Record<string, string>> = {
  podman: 'docker',
  nerdctl: 'docker',
  'docker-compose': 'docker compose',
  oc: 'kubectl',
  egrep: 'grep',
  fgrep: 'grep',
  zgrep: 'grep',
  gawk: 'awk',
  bsdtar: 'tar',
  yum: 'dnf',
  ip6tables: 'iptables',
  bunzip2: 'bzip2',
  gunzip: 'gzip',
  gmake: 'make',
  halt: 'reboot',
  poweroff: 'reboot',
  aptitude: 'apt-get',
  apt: 'apt-get',
};

interface Spellings {
  readonly sets: readonly (readonly string[])[];
  readonly names: ReadonlySet<string>;
}

const TABLE = readTable(OPTION_SYNONYMS);

function readTable(text: string): ReadonlyMap<string, Spellings> {
  const table = new Map<string, Spellings>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon < 0) continue;
    const sets = line
      .slice(colon + 2)
      .split(' | ')
      .map((set) => set.split(' '));
    const entry = { sets, names: new Set(sets.flat()) };
    for (const name of line.slice(0, colon).split(', ')) table.set(name, entry);
  }
  return table;
}

/** The lines of the table that speak about a call, the most special one first. */
function linesFor(program: string, operands: readonly string[]): readonly Spellings[] {
  const name = SAME[program] ?? program;
  const [first = '', second = ''] = operands;
  return [`${name} ${first} ${second}`, `${name} ${first}`, name].flatMap(
    (key) => TABLE.get(key) ?? [],
  );
}

/**
 * Every spelling of an option, itself first.
 * @param operands the first words of the call that are no options: its subcommands
 */
export function spellings(
  program: string,
  operands: readonly string[],
  option: string,
): readonly string[] {
  for (const { sets } of linesFor(program, operands)) {
    const set = sets.find((names) => names.includes(option));
    if (set !== undefined) return [option, ...set.filter((name) => name !== option)];
  }
  return [option];
}

/** Whether the options of the program are known well enough to tell a full name from a shortened one. */
export function isOptionName(
  program: string,
  operands: readonly string[],
  option: string,
): boolean {
  return linesFor(program, operands).some(({ names }) => names.has(option));
}

export function hasKnownOptions(program: string): boolean {
  return TABLE.has(SAME[program] ?? program);
}

/** What says the same as an option: other options all together, or an operand. */
export interface Equivalent {
  readonly options: readonly string[];
  /** A glob; null = no operand is needed. */
  readonly operand: string | null;
}

const EQUIVALENTS: Readonly<Record<string, readonly Equivalent[]>> = {
  'git push --force': [
    { options: [], operand: '+**' },
    { options: ['--mirror'], operand: null },
  ],
  'git push --delete': [{ options: [], operand: ':?**' }],
  'git branch -D': [{ options: ['--delete', '--force'], operand: null }],
  'git branch -M': [{ options: ['--move', '--force'], operand: null }],
  'cp --recursive': [{ options: ['--archive'], operand: null }],
  'rsync --recursive': [{ options: ['--archive'], operand: null }],
  'grep --recursive': [{ options: ['--dereference-recursive'], operand: null }],
  'wget --recursive': [{ options: ['--mirror'], operand: null }],
};

/** @param names every spelling of the option */
export function equivalents(
  program: string,
  operands: readonly string[],
  names: readonly string[],
): readonly Equivalent[] {
  const name = SAME[program] ?? program;
  return names.flatMap((option) => [
    ...(EQUIVALENTS[`${name} ${option}`] ?? []),
    ...(EQUIVALENTS[`${name} ${operands[0] ?? ''} ${option}`] ?? []),
  ]);
}

/** Programs whose options are whole words behind one dash, or two if they like: `-delete`, `-force`. */
const SINGLE_DASH: ReadonlySet<string> = new Set(
  (
    'find gfind openssl java javac keytool terraform tofu terragrunt vault consul nomad packer boundary ffmpeg ffprobe ' +
    'convert magick gcc g++ cc clang ld go gofmt prometheus alertmanager zpool qemu-system-x86_64 qemu-img xrandr xset ' +
    'dbus-monitor Xorg chromium mplayer nvidia-smi ipmitool stress-ng'
  ).split(' '),
);

export function isSingleDash(program: string): boolean {
  return SINGLE_DASH.has(program);
}

/** Programs whose options may stand glued to their values with `=`: `-n=prod`. */
const EQUALS_VALUES: ReadonlySet<string> = new Set(
  'kubectl oc helm docker podman nerdctl docker-compose gh glab argocd flux istioctl k9s minikube kind crictl'.split(
    ' ',
  ),
);

export function takesEqualsValues(program: string): boolean {
  return EQUALS_VALUES.has(program);
}

/** Letters that take no value with a subcommand, though they do with others of the program. */
const PLAIN_LETTERS: Readonly<Record<string, string>> = {
  'docker rm': 'flv',
  'docker rmi': 'f',
  'docker exec': 'dit',
  'docker logs': 'ft',
  'docker ps': 'alqs',
  'docker run': 'ditP',
  'kubectl logs': 'fp',
};

export function plainLetters(program: string, subcommand: string): string {
  return PLAIN_LETTERS[`${SAME[program] ?? program} ${subcommand}`] ?? '';
}

/** Programs whose first word may be options without a dash: `tar xf a.tar`, `ps aux`. */
export const DASHLESS_PROGRAMS: ReadonlySet<string> = new Set(['tar', 'bsdtar', 'ps', 'ar']);

/** How many operands may stand before words are no options of the program any more. */
const LAST_OPERANDS: ReadonlyMap<string, number> = new Map(
  [
    'sudo doas env nohup nice ionice stdbuf time setsid strace ltrace xargs watch parallel unshare nsenter setpriv systemd-run npx 0',
    'sh bash dash zsh ksh mksh ash fish python python2 python3 perl ruby node nodejs lua php tclsh java 0',
    'timeout chroot flock taskset chrt runuser ssh autossh mosh 1',
    'docker run 2',
    'docker exec 2',
    'docker create 2',
    'podman run 2',
    'podman exec 2',
    'podman create 2',
  ].flatMap((line): (readonly [string, number])[] => {
    const words = line.split(' ');
    const count = Number(words.pop());
    return count === 2 ? [[words.join(' '), count]] : words.map((name) => [name, count]);
  }),
);

/** @returns the number of operands after which options end; null = options may stand anywhere */
export function lastOptionOperand(program: string, subcommand: string): number | null {
  return LAST_OPERANDS.get(program) ?? LAST_OPERANDS.get(`${program} ${subcommand}`) ?? null;
}

/** Options with which a program only prints something and ends, whatever else its words say. */
const INFORMING: readonly string[] = ['--help', '--version'];
/** Short spellings, where they mean that and nothing else with any subcommand. */
const INFORMING_SHORT: Readonly<Record<string, readonly string[]>> = {
  kubectl: ['-h'],
  oc: ['-h'],
  helm: ['-h'],
  systemctl: ['-h'],
  loginctl: ['-h'],
  dropdb: ['-?'],
  createdb: ['-?'],
  psql: ['-?', '-V'],
  mysql: ['-?', '-V'],
  mariadb: ['-?', '-V'],
  mysqladmin: ['-?', '-V'],
  'mariadb-admin': ['-?', '-V'],
};

function informs(program: string, option: string): boolean {
  return INFORMING.includes(option) || INFORMING_SHORT[program]?.includes(option) === true;
}

const INFORMED_PROGRAMS: ReadonlySet<string> = new Set(
  (
    'shutdown reboot halt poweroff init telinit systemctl loginctl rm mv cp ln rmdir unlink shred truncate tee chmod ' +
    'chown kubectl oc dropdb createdb mysqladmin psql mysql mkfs wipefs useradd userdel usermod passwd iptables nft tar ' +
    'rsync curl wget nc ncat nmap crontab mount umount dd install touch mkdir docker podman helm mariadb mariadb-admin'
  ).split(' '),
);

/** Whether a call with these options does nothing that a rule is about. */
export function onlyInformsWords(program: string, options: readonly string[]): boolean {
  return INFORMED_PROGRAMS.has(program) && options.some((option) => informs(program, option));
}

/**
 * `shutdown --help`, `shutdown -c` (cancels): nothing happens that a rule is about. Behind an option or a
 * word that isn't known, `--help` may be that one's value: `curl -A --help -T FILE` sends the file.
 */
export function onlyInforms(program: string, words: readonly Word[], read: ReadOptions): boolean {
  if (program === 'shutdown' && words.length === 1 && exactText(words[0] ?? []) === '-c')
    return true;
  if (!INFORMED_PROGRAMS.has(program)) return false;
  return read.options.some(({ name, value, index }) => {
    if (value !== null || !informs(program, name)) return false;
    const before = words.slice(0, index);
    return !before.some(isUnknown) && exactText(before.at(-1) ?? [])?.startsWith('-') !== true;
  });
}
