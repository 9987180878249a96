/**
 * What `ssh BASTION ssh-config` prints: a block of ~/.ssh/config for every target that somebody may reach,
 * and the lines of ~/.ssh/known_hosts by which their host keys are believed. Pure text.
 * Not caught here: whether the bastion is reached at the place that it was told.
 */

/** Where and by which keys clients know the bastion. */
export interface BastionIdentity {
  /** Its host key, `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** Public half of what signs the host keys inside jumps. */
  readonly hostAuthority: string;
}

export interface BastionPlace {
  readonly host: string;
  readonly port: number;
}

export interface ReachableTarget {
  readonly name: string;
  /** At least one; the first is the default. */
  readonly logins: readonly string[];
}

/** The port that goes without saying. */
const SSH_PORT = 22;

/** `bastion.example`, `bastion.example:2222`, `[2001:db8::1]:2222`; null = none of these. */
export function readPlace(text: string, port: number): BastionPlace | null {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || host.startsWith('-')) return null;
  const known = digits === undefined ? port : Number(digits);
  return known >= 1 && known <= 65_535 ? { host, port: known } : null;
}

/** Lines of known_hosts: the bastion's own keys, and who signs for the targets behind it. */
export function knownHostsLines(
  identity: BastionIdentity,
  place: BastionPlace,
  targets: readonly ReachableTarget[],
): string[] {
  return [
    `${knownName(place)} ${identity.hostKey}`,
    `@cert-authority ${targets.map(({ name }) => name).join(',')} ${identity.hostAuthority}`,
  ];
}

/** Lines of an ssh_config. @param userName what to call oneself at the bastion */
export function sshConfigLines(
  identity: BastionIdentity,
  place: BastionPlace,
  userName: string,
  targets: readonly ReachableTarget[],
): string[] {
  const { host, port } = place;
  const name = ['sallyport', host, ...(port === SSH_PORT ? [] : [port])].join('-');
  // Colons would part host and port.
  const alias = name.replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  const here = `ssh ${port === SSH_PORT ? '' : `-p ${port} `}${userName}@${host} ssh-config`;
  const [first] = targets;
  const example = first?.name ?? 'TARGET';
  return [
    '',
    `# Sallyport: the hosts that ${userName} may reach through ${host}, by their names: ssh ${example}`,
    '# Put this at the end of ~/.ssh/config, and do it again when there are new ones:',
    `#   ${here} >> ~/.ssh/config`,
    '# The bastion was reached at this address just now; if you know it by another one:',
    `#   ${here} bastion.example:${port} >> ~/.ssh/config`,
    '#',
    '# OpenSSH 8.5 and later learn the host keys from the lines below. For older ones, and to have them',
    '# where they usually are, put what follows into ~/.ssh/known_hosts as well:',
    `#   ${here} known_hosts >> ~/.ssh/known_hosts`,
    ...knownHostsLines(identity, place, targets).map((line) => `#     ${line}`),
    '',
    'Host *',
    '  IgnoreUnknown KnownHostsCommand',
    '',
    `Host ${alias}`,
    `  HostName ${host}`,
    `  Port ${port}`,
    `  User ${userName}`,
    '  # IdentityFile ~/.ssh/id_ed25519    # if ssh does not find the key that the bastion knows',
    knownHosts(`${knownName(place)} ${identity.hostKey}`),
    ...targets.flatMap(({ name, logins }) => [
      '',
      ...(logins.length > 1
        ? [`# Logins: ${logins.join(', ')}; for instance ssh ${logins[1]}@${name}`]
        : []),
      `Host ${name}`,
      `  HostName ${name}`,
      `  Port ${SSH_PORT}`,
      `  User ${logins[0]}`,
      `  ProxyJump ${alias}`,
      knownHosts(`@cert-authority ${name} ${identity.hostAuthority}`),
    ]),
  ];
}

/** A name as known_hosts has it. */
function knownName({ host, port }: BastionPlace): string {
  return port === SSH_PORT ? host : `[${host}]:${port}`;
}

/** Has ssh read a line as if it stood in known_hosts. */
function knownHosts(line: string): string {
  return `  KnownHostsCommand /bin/echo "${line}"`;
}
