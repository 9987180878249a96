/**
 * Which options of a program take a value as a word of their own, as data: without it nobody can tell
 * `kubectl get pods -n exec` from `kubectl exec`. Sources: the programs' manuals (GNU coreutils 9,
 * util-linux 2.38, sudo 1.9, kubectl 1.30, docker 27, git 2.45, …).
 */

export interface OptionGrammar {
  /** Letters of short options that take a value. */
  readonly short: string;
  /** Letters that take a value with some subcommands only: the next word may be one. */
  readonly sometimes: string;
  /** Names of long options that take a value, without dashes. */
  readonly long: ReadonlySet<string>;
  /** All other long options, for programs that accept abbreviated ones; missing = not known. */
  readonly flags?: ReadonlySet<string>;
  /** Long options with one dash that take a value, as programs in Go have them. */
  readonly single?: ReadonlySet<string>;
  /** Long options that take two values. */
  readonly pairs?: ReadonlySet<string>;
}

/**
 * `letters`, `letters?letters that do sometimes`, each perhaps followed by `: long names` and, when long
 * options may be abbreviated, by another `: long names without a value of their own`.
 */
function grammar(text: string): OptionGrammar {
  const [letters = '', long = '', flags] = text.split(':');
  const [short = '', sometimes = ''] = letters.trim().split('?');
  const read: OptionGrammar = { short, sometimes, long: names(long) };
  return flags === undefined ? read : { ...read, flags: names(`${flags} help version`) };
}

function names(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/).filter(Boolean));
}

/** The whole name of a long option, as getopt_long understands an abbreviated one. */
export function wholeName(name: string, grammar: OptionGrammar | null): string {
  const flags = grammar?.flags;
  if (grammar === null || flags === undefined) return name;
  if (grammar.long.has(name) || flags.has(name)) return name;
  const fits = [...grammar.long, ...flags].filter((one) => one.startsWith(name));
  return fits.length === 1 ? (fits[0] ?? name) : name;
}

/** Options without values only. */
export const NO_VALUES: OptionGrammar = { short: '', sometimes: '', long: new Set() };

const TABLE: Readonly<Record<string, string>> = {
  sudo: 'ugCDTRprhtU: user group chdir prompt host role type close-from chroot other-user command-timeout: askpass bell background edit set-home login non-interactive list remove-timestamp reset-timestamp preserve-env preserve-groups stdin shell validate no-update',
  doas: 'uCa',
  pkexec: ': user',
  run0: 'ugDE: user group nice unit property description slice chdir setenv background machine: no-ask-password slice-inherit via-shell pty pipe',
  env: 'uCSa: unset chdir split-string argv0: ignore-environment null block-signal default-signal ignore-signal list-signal-handling debug',
  nohup: '',
  setsid: ': : ctty fork wait',
  time: 'fo: format output',
  nice: 'n: adjustment:',
  ionice: 'cnpPu: class classdata pid pgid uid: ignore',
  stdbuf: 'ioe: input output error:',
  timeout: 'ks: kill-after signal: preserve-status foreground verbose',
  taskset: ': : all-tasks pid cpu-list',
  chrt: 'TPD: sched-runtime sched-period sched-deadline: batch deadline fifo idle other rr reset-on-fork all-tasks max pid verbose',
  chroot: ': userspec groups: skip-chdir',
  unshare:
    'RwSG: root wd setuid setgid propagation setgroups map-user map-group map-users map-groups monotonic boottime: mount uts ipc net pid user cgroup time fork map-root-user map-current-user map-auto kill-child mount-proc keep-caps',
  nsenter:
    'tSGWN: target setuid setgid wdns: all mount uts ipc net pid cgroup user time preserve-credentials root wd no-fork follow-context',
  setarch:
    ': : 32bit fdpic-funcptrs short-inode addr-compat-layout addr-no-randomize whole-seconds sticky-timeouts read-implies-exec mmap-page-zero 3gb 4gb uname-2.6 verbose list',
  prlimit:
    'po: pid output: noheadings raw verbose core data nice fsize sigpending memlock rss nofile msgqueue rtprio stack cpu nproc as locks rttime',
  setpriv:
    ': reuid regid ruid euid rgid egid groups inh-caps ambient-caps bounding-set securebits pdeathsig selinux-label apparmor-profile: dump nnp no-new-privs clear-groups keep-groups init-groups reset-env',
  strace:
    'oeEpPsuabIOSUX: output trace expr attach string-limit user env detach-on interruptible signal status trace-path columns abbrev verbose raw read write quiet kvm decode-pids const-print-style summary-syscall-overhead summary-sort-by summary-columns',
  ltrace: 'oeEpsuaAlnxF: output',
  flock:
    'wE: timeout conflict-exit-code wait: shared exclusive unlock nonblock nb close command no-fork verbose',
  script:
    'cEmoBIOT: command echo log-io log-in log-out log-timing output-limit logging-format: timing append return flush force quiet',
  watch:
    'nq: interval equexit: beep color differences errexit chgexit precise no-title no-wrap exec no-color no-linewrap',
  xargs:
    'InPLsdEa: max-args max-procs delimiter arg-file max-lines max-chars process-slot-var: null eof replace interactive no-run-if-empty show-limits verbose exit open-tty',
  parallel:
    'jSNnLPaId: block recstart recend header shellquote-level nice limit halt jobs colsep joblog arg-file max-args delay timeout retries sshlogin tagstring tmpdir results workdir basefile env load memfree',
  'systemd-run':
    'pHMEu: property unit description slice uid gid setenv machine host on-active on-boot on-calendar on-startup on-unit-active on-unit-inactive working-directory timer-property path-property socket-property service-type nice background job-mode expand-environment: no-ask-password user system scope slice-inherit no-block remain-after-exit wait send-sighup same-dir pty pipe quiet collect shell on-timezone-change on-clock-change ignore-failure',
  'systemd-inhibit': ': what who why mode: no-pager no-legend list',
  'systemd-cat': 'tp: identifier priority stderr-priority level-prefix:',
  'start-stop-daemon':
    'xapncugrPsdRkONI: exec startas pidfile name chuid user group retry nicelevel chdir umask signal output procsched iosched chroot notify-timeout pid ppid: start stop status background notify-await no-close make-pidfile remove-pidfile test oknodo quiet verbose',
  su: 'cgGsw: command session-command group supp-group shell whitelist-environment: preserve-environment login fast pty',
  runuser:
    'cgGsuw: command session-command group supp-group shell user whitelist-environment: preserve-environment login fast pty',
  ssh: 'BbcDEeFIiJLlmOoPpQRSWw',
  autossh: 'BbcDEeFIiJLlmOoPpQRSWwM',
  scp: 'cDFiJloPSX',
  sftp: 'BbcDFiJloPRSsX',
  mosh: 'p: client server ssh port predict family experimental-remote-ip',
  rsync:
    'efBTM: rsh rsync-path exclude include exclude-from include-from files-from filter port bwlimit log-file out-format chmod chown partial-dir backup-dir suffix temp-dir compare-dest copy-dest link-dest timeout contimeout password-file config dparam write-batch only-write-batch read-batch usermap groupmap checksum-choice compress-choice skip-compress copy-as remote-option stop-after stop-at early-input max-alloc checksum-seed log-format log-file-format outbuf max-size min-size max-delete info debug modify-window block-size compress-level sockopts address protocol iconv',
  kubectl:
    'nscoklvL?fp: namespace context kubeconfig cluster user server token container selector filename output image as as-group as-uid request-timeout cache-dir certificate-authority client-certificate client-key profile profile-output tls-server-name v vmodule pod-running-timeout target type patch template field-selector sort-by env labels overrides restart port replicas timeout grace-period tail since since-time field-manager chunk-size custom custom-columns from-literal from-file annotations command-image copy-to set-image',
  docker:
    'HcuewvpmhL?lnfat: host config context log-level tlscacert tlscert tlskey user env env-file workdir detach-keys volume publish name network mount label cpus memory entrypoint hostname platform restart add-host cap-add cap-drop device dns ulimit log-driver log-opt security-opt shm-size stop-signal stop-timeout tmpfs userns uts volumes-from volume-driver pid ipc gpus expose link ip mac-address pull cgroupns cidfile health-cmd isolation runtime file project-name project-directory profile filter format tail since until tag build-arg target cache-from progress output secret ssh',
  crictl: 'r?it: runtime-endpoint image-endpoint timeout config',
  nerdctl:
    'Hnacuewvpmlf: address namespace host config context env env-file user workdir volume publish name network mount label cpus memory entrypoint hostname platform restart device dns log-driver runtime snapshotter cni-path data-root pull',
  'docker-compose':
    'fpeuwv: file project-name project-directory profile env-file user workdir volume env index entrypoint name',
  git: 'Cc: git-dir work-tree namespace super-prefix exec-path config-env list-cmds attr-source',
  systemctl:
    'HMtnops: host machine type state property lines output signal kill-whom kill-who root image what job-mode preset-mode when check-inhibitors message timestamp',
  loginctl: 'HMpnosl: host machine property lines output signal kill-whom',
  journalctl:
    'DMnopucSUtgF: directory machine lines output priority unit user-unit since until identifier grep field cursor root image file boot facility',
  shutdown: '',
  reboot: '',
  halt: '',
  poweroff: '',
  init: 't',
  telinit: 't',
  psql: 'cdfhpUvLoPRFTq: command dbname file host port username variable set log-file output pset record-separator field-separator table-attr',
  mysql:
    'ehuPDS: execute host user port database socket protocol default-character-set ssl-ca ssl-cert ssl-key defaults-file defaults-extra-file defaults-group-suffix delimiter init-command prompt pager tee plugin-dir max-allowed-packet connect-timeout ssl-mode',
  mysqladmin:
    'huPScwi: host user port socket count wait sleep protocol defaults-file defaults-extra-file connect-timeout',
  dropdb: 'hpU: host port username maintenance-db',
  createdb: 'hpUDEOTl: host port username owner encoding template locale tablespace',
  'clickhouse-client':
    'qdhu: query queries-file database host port user password format config-file',
  sqlcmd: 'SUPQqidov: server user query input-file database-name output-file',
  usql: 'cfovPT: command file out set pset',
  sqlite3: ': cmd init separator nullvalue newline',
  mongosh: ': eval host port username password authenticationDatabase file',
  'redis-cli': 'hpasnurDdiX: user pass eval',
  npm: 'wC: prefix workspace registry tag loglevel userconfig',
  rm: ': : force interactive one-file-system no-preserve-root preserve-root recursive dir verbose',
  mv: 'tS: target-directory suffix',
  cp: 'tS: target-directory suffix no-preserve sparse',
  ln: 'tS: target-directory suffix',
  install: 'tSmog: target-directory suffix mode owner group',
  mkdir: 'm: mode',
  touch: 'tdr: date reference time',
  shred: 'ns: iterations size random-source',
  truncate: 'sr: size reference',
  chmod: ': reference',
  chown: ': reference from',
  tar: 'fCTXbgHILNKV: file directory files-from exclude exclude-from blocking-factor listed-incremental format use-compress-program owner group mode mtime to-command checkpoint-action transform xform strip-components rsh-command newer add-file one-top-level record-size volno-file index-file level warning sort suffix',
  zip: 'xibtn: exclude include',
  unzip: 'dxP',
  gzip: 'S: suffix',
  grep: 'efmABCdD: regexp file max-count after-context before-context context include exclude exclude-from exclude-dir label binary-files devices directories',
  rg: 'efgtTmABCMEjr: regexp file glob type type-not max-count after-context before-context context max-columns encoding threads replace iglob sort max-depth max-filesize pre pre-glob ignore-file',
  sed: 'efl: expression file line-length',
  awk: 'Ffv: field-separator assign file include load exec',
  head: 'nc: lines bytes',
  tail: 'ncs: lines bytes sleep-interval pid max-unchanged-stats',
  cut: 'dfcb: delimiter fields characters bytes output-delimiter',
  sort: 'ktoST: key field-separator output buffer-size temporary-directory parallel batch-size files0-from compress-program random-source',
  uniq: 'fsw: skip-fields skip-chars check-chars',
  nl: 'bdfhilnsvw: body-numbering section-delimiter',
  tr: '',
  wc: ': files0-from',
  od: 'AjNtS: address-radix skip-bytes read-bytes format',
  xxd: 'clsog: cols len seek',
  split: 'abCln: suffix-length bytes line-bytes lines number filter additional-suffix',
  diff: 'UCIFDxXW: unified context ignore-matching-lines show-function-line ifdef label exclude exclude-from width line-format old-line-format new-line-format unchanged-line-format',
  date: 'dfrs: date file reference set',
  curl: 'HdoXuAebcFTKmxrCYyzwUtQPDE: header data data-raw data-binary data-urlencode output request user user-agent referer cookie cookie-jar form upload-file config max-time connect-timeout proxy range write-out cacert cert key resolve retry url json output-dir interface limit-rate',
  wget: 'OPoaitTwQUeBI: output-document directory-prefix output-file append-output input-file tries timeout wait quota user-agent execute base header post-data post-file user password',
  openssl: '',
  find: '',
  ps: 'opuUgGtCq: format pid user ppid sort',
  kill: 'sn: signal',
  less: 'bhjkoOpPtTxyz',
  vim: 'cSsTuUwWir: cmd servername',
  make: 'fCIjloW: file directory include-dir jobs load-average old-file what-if eval makefile assume-old',
  python3: 'cmWX: check-hash-based-pycs',
  perl: 'eEIMm',
  ruby: 'eICrE',
  node: 'eprC: eval print require import input-type conditions loader',
  tmux: 'cfLSTst',
  screen: 'cehpsStTx',
  rclone:
    ': config log-file log-level transfers checkers include exclude filter max-age min-age bwlimit backup-dir suffix',
  aws: ': region profile output endpoint-url query include exclude',
};

/** Programs that read their options like another one. */
const SAME: Readonly<Record<string, string>> = {
  podman: 'docker',
  oc: 'kubectl',
  mariadb: 'mysql',
  mycli: 'mysql',
  'mariadb-admin': 'mysqladmin',
  clickhouse: 'clickhouse-client',
  pgcli: 'psql',
  egrep: 'grep',
  fgrep: 'grep',
  zgrep: 'grep',
  gawk: 'awk',
  mawk: 'awk',
  nawk: 'awk',
  python: 'python3',
  python2: 'python3',
  nodejs: 'node',
  vi: 'vim',
  ex: 'vim',
  view: 'vim',
  nvim: 'vim',
  gmake: 'make',
  rsh: 'ssh',
  linux32: 'setarch',
  linux64: 'setarch',
  bsdtar: 'tar',
  sem: 'parallel',
};

const GRAMMARS = new Map(Object.entries(TABLE).map(([name, text]) => [name, grammar(text)]));

/** Options that take a value; null = the program isn't in the table, so any option might. */
export function optionGrammar(program: string): OptionGrammar | null {
  return GRAMMARS.get(SAME[program] ?? program) ?? null;
}
