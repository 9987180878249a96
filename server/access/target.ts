/** A registered host, as the directory knows it. Pure data. */
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The pinned host key, `ssh-ed25519 AAAA…`; null = not pinned yet, which refuses every connection. */
  readonly hostKey: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly logins: readonly TargetLogin[];
}

export interface TargetLogin {
  /** Account on the target. */
  readonly name: string;
  /** Name of the credential in the vault that opens it. */
  readonly credential: string;
}

/** Whether a selector (`web1`, `label:env=prod`) names this target. */
export function selects(selector: string, target: Target): boolean {
  if (!selector.startsWith('label:')) return selector === target.name;
  const [key = '', value] = selector.slice('label:'.length).split('=', 2);
  return value === undefined ? key in target.labels : target.labels[key] === value;
}
