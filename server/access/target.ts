/**
 * What the bastion does with the marks that a target's shell prints around prompts and commands (OSC 133
 * and 633): nothing; reads those that come; or has the login shell print them too.
 */
export const SHELL_INTEGRATIONS = ['off', 'observe', 'inject'] as const;
export type ShellIntegration = (typeof SHELL_INTEGRATIONS)[number];

/** A registered host, as the directory knows it. Pure data. */
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The pinned host key, `ssh-ed25519 AAAA…`; null = not pinned yet, which refuses every connection. */
  readonly hostKey: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly shellIntegration: ShellIntegration;
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
