/**
 * Which spellings of an option mean the same, as data: `-r`, `-R`, `--recursive` of rm. Not caught
 * here: programs that the table doesn't name; their options mean what they are spelt.
 */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  rm: ['-r -R --recursive', '-f --force', '-i --interactive', '-d --dir', '-v --verbose'],
  cp: ['-r -R --recursive', '-a --archive', '-f --force', '-n --no-clobber'],
  mv: ['-f --force', '-n --no-clobber', '-t --target-directory'],
  ln: ['-s --symbolic', '-f --force'],
  chmod: ['-R --recursive'],
  chown: ['-R --recursive'],
  chgrp: ['-R --recursive'],
  git: ['-f --force', '-D --delete', '-n --dry-run', '-m --message', '-b --branch'],
  grep: ['-r --recursive', '-i --ignore-case', '-v --invert-match'],
  shutdown: ['-r --reboot', '-h -P --poweroff', '-H --halt', '-c --cancel'],
  systemctl: ['-f --force', '-H --host', '-M --machine'],
  kubectl: [
    '-n --namespace',
    '-f --filename',
    '-l --selector',
    '-c --container',
    '-A --all-namespaces',
    '-o --output',
  ],
  docker: [
    '-f --force',
    '-v --volume',
    '-u --user',
    '-e --env',
    '-d --detach',
    '-i --interactive',
    '-t --tty',
    '-p --publish',
  ],
  curl: [
    '-o --output',
    '-d --data',
    '-F --form',
    '-T --upload-file',
    '-X --request',
    '-H --header',
    '-k --insecure',
  ],
  wget: ['-O --output-document'],
  psql: ['-c --command', '-f --file', '-d --dbname', '-h --host', '-U --username'],
  mysql: ['-e --execute', '-u --user', '-h --host', '-P --port'],
  tar: [
    '-c --create',
    '-x --extract --get',
    '-t --list',
    '-f --file',
    '-C --directory',
    '-z --gzip',
  ],
  sed: ['-i --in-place', '-n --quiet --silent', '-e --expression', '-E -r --regexp-extended'],
  shred: ['-u --remove', '-z --zero', '-f --force'],
  useradd: ['-o --non-unique', '-u --uid', '-G --groups', '-m --create-home'],
  usermod: ['-a --append', '-G --groups', '-s --shell', '-L --lock'],
};

const SAME: Readonly<Record<string, string>> = {
  podman: 'docker',
  oc: 'kubectl',
  mariadb: 'mysql',
  egrep: 'grep',
};

const SETS = new Map(
  Object.entries(SYNONYMS).map(([program, sets]) => [program, sets.map((set) => set.split(' '))]),
);

/** Every spelling of an option, itself first. */
export function spellings(program: string, option: string): readonly string[] {
  const set = SETS.get(SAME[program] ?? program)?.find((names) => names.includes(option));
  return set === undefined ? [option] : [option, ...set.filter((name) => name !== option)];
}

/** Programs whose first operand is a subcommand, so that `x exec` can't mean `x logs exec`. */
export const SUBCOMMAND_PROGRAMS: ReadonlySet<string> = new Set(
  (
    'kubectl oc docker podman nerdctl helm git hg svn systemctl loginctl service journalctl apt apt-get dnf yum zypper ' +
    'pacman snap flatpak brew npm pnpm yarn pip cargo go terraform tofu pulumi vagrant aws gcloud az virsh qm pct lxc ' +
    'redis-cli mysqladmin supervisorctl ip nmcli ufw firewall-cmd openssl rclone zfs zpool lvm btrfs nft gh glab heroku'
  ).split(' '),
);

/** Options with which a program only prints something and ends, whatever else its words say. */
const INFORMING = new Set(['--help', '--version']);
const INFORMED_PROGRAMS: ReadonlySet<string> = new Set(
  (
    'shutdown reboot halt poweroff init telinit systemctl loginctl rm mv cp ln rmdir unlink shred truncate tee chmod ' +
    'chown kubectl dropdb createdb mysqladmin psql mysql mkfs wipefs useradd userdel usermod passwd iptables nft tar ' +
    'rsync curl wget nc ncat nmap crontab mount umount dd install touch mkdir'
  ).split(' '),
);

/** `shutdown --help`, `shutdown -c` (cancels): nothing happens that a rule is about. */
export function onlyInforms(program: string, words: readonly (string | null)[]): boolean {
  if (program === 'shutdown' && words.length === 1 && words[0] === '-c') return true;
  if (!INFORMED_PROGRAMS.has(program)) return false;
  const end = words.indexOf('--');
  return words
    .slice(0, end < 0 ? undefined : end)
    .some((word) => word !== null && INFORMING.has(word));
}
