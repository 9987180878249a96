/**
 * Names of programs and of their subcommands that mean the same, as data: `nc.openbsd`, `python3.11`,
 * `kubectl delete ns`. Not caught here: names that only a site gives (links, aliases in configuration).
 */

/** Other names under which systems install a program. */
const INSTALLED_AS: Readonly<Record<string, string>> = {
  nc: 'nc.openbsd nc.traditional',
  vim: 'vim.basic vim.tiny vim.nox vim.gtk3',
  rename: 'file-rename prename',
  iptables: 'iptables-legacy iptables-nft',
  ip6tables: 'ip6tables-legacy ip6tables-nft',
  'iptables-restore': 'iptables-legacy-restore iptables-nft-restore',
  mysql: 'mariadb',
  mysqladmin: 'mariadb-admin',
  mysqldump: 'mariadb-dump',
  node: 'nodejs',
  awk: 'gawk mawk nawk original-awk',
  telnet: 'telnet.netkit inetutils-telnet',
  ftp: 'tnftp netkit-ftp inetutils-ftp',
  mail: 'mail.mailutils bsd-mailx s-nail',
  sendmail: 'sendmail.postfix',
  rm: 'grm',
  cp: 'gcp',
  mv: 'gmv',
  tar: 'gtar',
  find: 'gfind',
  sed: 'gsed',
  dd: 'gdd',
  chmod: 'gchmod',
  chown: 'gchown',
  shred: 'gshred',
  truncate: 'gtruncate',
};

const KNOWN_AS = new Map(
  Object.entries(INSTALLED_AS).flatMap(([name, others]) =>
    others.split(' ').map((other) => [other, name] as const),
  ),
);

/** Programs that are installed with their version in the name. */
const VERSIONED: ReadonlySet<string> = new Set(
  (
    'python pip perl ruby irb gem php lua luajit tclsh wish gcc g++ cpp clang clang++ guile ghc ocaml ksh node npm java ' +
    'ping traceroute openssl psql pg_dump pg_restore docker-compose bash kubectl helm terraform'
  ).split(' '),
);

/** Every name by which a rule may know a program, its own first: `python3.11`, `python3`, `python`. */
export function programNames(name: string): readonly string[] {
  const known = KNOWN_AS.get(name);
  const version = /^(.*?[A-Za-z+])([-.]?)(\d+)(\.[\d.]+)?$/.exec(name);
  const base = version?.[1] ?? '';
  if (version === null || !VERSIONED.has(base)) return known === undefined ? [name] : [name, known];
  const major = `${base}${version[2] ?? ''}${version[3] ?? ''}`;
  return [...new Set([name, major, base])];
}

/** `receive-pack` of `git-receive-pack`, or of a pattern for it; null for any other name. */
export function verbInName(name: string): string | null {
  return /^git-([\w{},-]+)$/.exec(name)?.[1] ?? null;
}

/** Programs whose first operand is a subcommand, so that `x exec` can't mean `x logs exec`. */
export const SUBCOMMAND_PROGRAMS: ReadonlySet<string> = new Set(
  (
    'kubectl oc docker podman nerdctl docker-compose crictl helm git hg svn systemctl loginctl service journalctl apt ' +
    'apt-get dnf yum zypper pacman snap flatpak brew npm pnpm yarn pip cargo go terraform tofu pulumi vagrant aws gcloud ' +
    'az virsh qm pct lxc redis-cli mysqladmin supervisorctl ip nmcli ufw firewall-cmd openssl rclone zfs zpool lvm btrfs ' +
    'nft gh glab heroku argocd flux vault consul nomad etcdctl hostnamectl timedatectl cryptsetup'
  ).split(' '),
);

/** Words of a call that mean the same, one set a line. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  kubectl: [
    'pod pods po',
    'namespace namespaces ns',
    'deployment deployments deploy deployment.apps deployments.apps',
    'service services svc',
    'node nodes no',
    'secret secrets',
    'configmap configmaps cm',
    'persistentvolume persistentvolumes pv',
    'persistentvolumeclaim persistentvolumeclaims pvc',
    'statefulset statefulsets sts statefulset.apps statefulsets.apps',
    'daemonset daemonsets ds daemonset.apps daemonsets.apps',
    'replicaset replicasets rs',
    'job jobs',
    'cronjob cronjobs cj',
    'ingress ingresses ing',
    'serviceaccount serviceaccounts sa',
    'clusterrole clusterroles',
    'clusterrolebinding clusterrolebindings',
    'role roles',
    'rolebinding rolebindings',
    'customresourcedefinition customresourcedefinitions crd crds',
    'networkpolicy networkpolicies netpol',
    'storageclass storageclasses sc',
    'horizontalpodautoscaler horizontalpodautoscalers hpa',
    'poddisruptionbudget poddisruptionbudgets pdb',
    'resourcequota resourcequotas quota',
    'limitrange limitranges limits',
    'event events ev',
    'endpoints ep',
  ],
  helm: ['uninstall delete del un', 'upgrade up', 'list ls'],
  npm: [
    'install i in ins inst insta instal isnt isnta isntal isntall add',
    'uninstall unlink remove rm r un',
    'run run-script rum urn',
    'exec x',
    'publish pub',
    'test tst t',
  ],
  git: ['stage add'],
  zypper: ['remove rm', 'install in', 'update up'],
  dnf: ['remove erase rm', 'install in localinstall', 'upgrade update up'],
  svn: ['delete del remove rm', 'commit ci', 'checkout co', 'update up'],
};

const SAME: Readonly<Record<string, string>> = {
  oc: 'kubectl',
  podman: 'docker',
  nerdctl: 'docker',
  yum: 'dnf',
};

/** Programs that take any beginning of a subcommand's name. */
const ABBREVIATING: ReadonlySet<string> = new Set([
  'ip',
  'nmcli',
  'tc',
  'bridge',
  'mysqladmin',
  'hg',
]);
/** Programs whose commands may be written in any case. */
const CASELESS: ReadonlySet<string> = new Set(['redis-cli', 'mysqladmin']);

export function isCaseless(program: string): boolean {
  return CASELESS.has(program);
}

/** Every spelling of a literal word of a call, itself first. */
export function operandSpellings(program: string, word: string): readonly string[] {
  const name = SAME[program] ?? program;
  if (name === 'systemctl') {
    const unit = word.replace(/\.service$/, '');
    return unit.includes('.') ? [word] : [...new Set([word, unit, `${unit}.service`])];
  }
  const set = SYNONYMS[name]?.find((one) => one.split(' ').includes(word))?.split(' ') ?? [];
  const all = [word, ...set.filter((one) => one !== word)];
  if (!ABBREVIATING.has(name)) return all;
  return [
    ...new Set(all.flatMap((one) => Array.from(one, (_, at) => one.slice(0, one.length - at)))),
  ];
}

/** Subcommands of docker that stand below `container` and `image` as well as by themselves. */
const CONTAINER_VERBS: ReadonlySet<string> = new Set(
  'attach commit cp create diff exec export inspect kill logs pause port rename restart rm run start stats stop top unpause update wait'.split(
    ' ',
  ),
);
const IMAGE_VERBS: Readonly<Record<string, string>> = {
  rm: 'rmi',
  remove: 'rmi',
  ls: 'images',
  list: 'images',
  build: 'build',
  history: 'history',
  import: 'import',
  load: 'load',
  pull: 'pull',
  push: 'push',
  save: 'save',
  tag: 'tag',
};

/**
 * The short way to say what the first two operands say: `docker container rm` is `docker rm`.
 * @returns null when they say it already
 */
export function shorterVerb(program: string, first: string, second: string): string | null {
  if ((SAME[program] ?? program) !== 'docker') return null;
  if (first === 'image') return IMAGE_VERBS[second] ?? null;
  if (first !== 'container') return null;
  if (second === 'remove') return 'rm';
  if (second === 'ls' || second === 'list') return 'ps';
  return CONTAINER_VERBS.has(second) ? second : null;
}

/**
 * `ns/prod` and `pods,ns` of kubectl, and `isolate rescue` of systemctl, as what they stand for; null = the
 * word stands for itself.
 */
export function splitOperand(
  program: string,
  verb: string,
  word: string,
): readonly string[] | null {
  if (program === 'systemctl') {
    return verb === 'isolate' && word !== verb && /^[\w@-]+$/.test(word)
      ? [`${word}.target`]
      : null;
  }
  if ((SAME[program] ?? program) !== 'kubectl' || verb === 'cp' || verb === 'config') return null;
  if (!/^[a-z][a-z.,]*(\/[\w.*?-]+)?$/.test(word) || !/[,/]/.test(word)) return null;
  return word.split(/[,/]/).filter(Boolean);
}
