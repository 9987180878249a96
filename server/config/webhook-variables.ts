/** Variables of the environment that webhooks may read: none of those by which the bastion itself is opened. */
export const WEBHOOK_VARIABLE = /^SALLYPORT_WEBHOOK_[A-Z0-9_]{1,100}$/;

/** Those that are set, by name. @param env as `process.env` */
export function webhookVariables(
  env: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  const found = Object.entries(env).filter(([name]) => WEBHOOK_VARIABLE.test(name));
  return new Map(found.map(([name, value = '']) => [name, value.trim()]));
}
