/**
 * Rule packs that policies name with `use:`, as data of the same form as a policy's own rules. Not
 * caught here: what a site holds dear beyond a common Linux host.
 */
import type { RuleDocument } from './document.ts';

const POWER: readonly RuleDocument[] = [
  {
    name: 'power',
    action: 'hold',
    match: {
      command: [
        'shutdown',
        'reboot',
        'halt',
        'poweroff',
        'init 0',
        'init 6',
        'telinit 0',
        'telinit 6',
        'systemctl poweroff',
        'systemctl reboot',
        'systemctl halt',
        'systemctl kexec',
        'systemctl soft-reboot',
        'systemctl suspend',
        'systemctl hibernate',
        'systemctl hybrid-sleep',
        'systemctl suspend-then-hibernate',
        'systemctl rescue',
        'systemctl emergency',
        'systemctl isolate *.target',
        'systemctl start {poweroff,reboot,halt,kexec,rescue,emergency}.target',
        'loginctl poweroff',
        'loginctl reboot',
        'loginctl halt',
        'kexec -e',
        'dbus-send *org.freedesktop.login1.Manager.*',
        'busctl *org.freedesktop.login1.Manager *',
      ].flatMap(alternatives),
    },
    reason: 'it stops the host',
  },
  {
    name: 'power-kernel',
    action: 'hold',
    match: { path: ['/proc/sysrq-trigger', '/proc/sys/kernel/sysrq'], access: ['write'] },
    reason: 'it stops the host',
  },
];

/** `{a,b}` in data of this file. */
function alternatives(text: string): string[] {
  const match = /^(.*)\{(.*)\}(.*)$/.exec(text);
  if (match === null) return [text];
  return (match[2] ?? '').split(',').map((one) => `${match[1]}${one}${match[3]}`);
}

const CREDENTIALS: readonly RuleDocument[] = [
  {
    name: 'credentials',
    action: 'deny',
    match: {
      path: [
        '/etc/shadow',
        '/etc/shadow-',
        '/etc/gshadow',
        '/etc/gshadow-',
        '/etc/ssh/ssh_host_*_key',
        '/etc/ssl/private/**',
        '/etc/krb5.keytab',
        '/root/.ssh/id_{rsa,dsa,ecdsa,ed25519,ecdsa_sk,ed25519_sk}',
        '/home/*/.ssh/id_{rsa,dsa,ecdsa,ed25519,ecdsa_sk,ed25519_sk}',
        '/root/.gnupg/private-keys*/**',
        '/home/*/.gnupg/private-keys*/**',
        '/root/.aws/credentials',
        '/home/*/.aws/credentials',
        '/root/.kube/config',
        '/home/*/.kube/config',
        '/root/.docker/config.json',
        '/home/*/.docker/config.json',
        '/root/.netrc',
        '/home/*/.netrc',
        '/root/.pgpass',
        '/home/*/.pgpass',
        '/root/.git-credentials',
        '/home/*/.git-credentials',
        '/root/.vault-token',
        '/home/*/.vault-token',
        '/etc/kubernetes/admin.conf',
        '/var/run/secrets/kubernetes.io/**',
        '/run/secrets/**',
      ].flatMap(alternatives),
      access: ['read'],
    },
    reason: 'it reads credentials',
  },
];

const WIPE: readonly RuleDocument[] = [
  {
    name: 'wipe',
    action: 'deny',
    match: {
      path: [
        '/',
        '/{bin,boot,dev,etc,home,lib,lib64,opt,proc,root,run,sbin,srv,sys,usr,var}',
        '/{bin,boot,etc,lib,lib64,sbin,usr}/**',
        '/var/{lib,log,spool,mail,backups,www}',
        '/var/lib/{dpkg,apt,rpm,docker,containerd,postgresql,mysql,etcd,kubelet,systemd}',
        '/var/lib/{dpkg,rpm,postgresql,mysql,etcd}/**',
        '/home/*',
      ].flatMap(alternatives),
      access: ['delete'],
    },
    reason: 'it deletes what the system or its users need',
  },
  {
    name: 'wipe-disk',
    action: 'deny',
    match: {
      path: [
        '/dev/sd*',
        '/dev/hd*',
        '/dev/vd*',
        '/dev/xvd*',
        '/dev/nvme*',
        '/dev/mmcblk*',
        '/dev/disk/**',
        '/dev/mapper/*',
        '/dev/dm-*',
        '/dev/md*',
      ],
      access: ['write', 'delete'],
    },
    reason: 'it overwrites a disk',
  },
];

const EXFILTRATION: readonly RuleDocument[] = [
  {
    name: 'exfiltration',
    action: 'hold',
    match: {
      command: [
        'curl -T *',
        'curl --data-binary *',
        'curl -F *',
        'wget --post-file *',
        'wget --body-file *',
        'scp * *:*',
        'rsync * *:*',
        'rclone copy *',
        'rclone sync *',
        'rclone move *',
        'nc *',
        'ncat *',
        'netcat *',
        'socat *',
        'telnet *',
        'ftp *',
        'tftp *',
        'aws s3 cp *',
        'aws s3 sync *',
        'gsutil cp *',
      ],
    },
    reason: 'it can carry data away',
  },
  {
    name: 'exfiltration-device',
    action: 'hold',
    match: { path: ['/dev/tcp/**', '/dev/udp/**'] },
    reason: 'it can carry data away',
  },
];

const PERSISTENCE: readonly RuleDocument[] = [
  {
    name: 'persistence',
    action: 'hold',
    match: {
      path: [
        '/etc/crontab',
        '/etc/cron.*/**',
        '/var/spool/cron/**',
        '/etc/systemd/system/**',
        '/usr/lib/systemd/system/**',
        '/lib/systemd/system/**',
        '/etc/init.d/**',
        '/etc/rc.local',
        '/etc/profile',
        '/etc/profile.d/**',
        '/etc/bash.bashrc',
        '/etc/environment',
        '/etc/ld.so.preload',
        '/etc/ld.so.conf.d/**',
        '/etc/pam.d/**',
        '/etc/sudoers',
        '/etc/sudoers.d/**',
        '/etc/passwd',
        '/etc/shadow',
        '/etc/group',
        '/etc/ssh/sshd_config',
        '/etc/ssh/sshd_config.d/**',
        '/root/.ssh/**',
        '/home/*/.ssh/**',
        '/root/.bashrc',
        '/root/.profile',
        '/root/.bash_profile',
        '/root/.zshrc',
        '/home/*/.bashrc',
        '/home/*/.profile',
        '/home/*/.bash_profile',
        '/home/*/.zshrc',
        '/home/*/.config/systemd/**',
        '/home/*/.config/autostart/**',
      ],
      access: ['write', 'delete'],
    },
    reason: 'it changes what runs later, or who may come in',
  },
  {
    name: 'persistence-tools',
    action: 'hold',
    match: {
      command: [
        'crontab',
        'at',
        'batch',
        'useradd',
        'adduser',
        'usermod',
        'groupmod',
        'passwd *',
        'chpasswd',
        'visudo',
        'systemctl enable *',
        'systemctl link *',
        'systemctl edit *',
        'update-rc.d *',
        'chkconfig *',
        'ssh-copy-id *',
        'setcap *',
        'chattr *',
        'insmod *',
        'modprobe *',
      ],
    },
    reason: 'it changes what runs later, or who may come in',
  },
];

export const PACKS: ReadonlyMap<string, readonly RuleDocument[]> = new Map([
  ['power', POWER],
  ['credentials', CREDENTIALS],
  ['wipe', WIPE],
  ['exfiltration', EXFILTRATION],
  ['persistence', PERSISTENCE],
]);
