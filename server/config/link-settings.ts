/** Whether people sign in to ssh by a link, and how long what they confirm counts. */

export const LINK_MODES = ['auto', 'on', 'off'] as const;
export type LinkMode = (typeof LINK_MODES)[number];

export interface LinkSettings {
  /** Whether clients without a key that counts get a link; `auto`: while people can sign in at an issuer. */
  readonly mode: LinkMode;
  /** How long a key may be remembered, and what `sallyport login` gets may count; 0 = no key is remembered. */
  readonly rememberMs: number;
}

export const LINK_NAMES = ['SALLYPORT_SSH_LINKS', 'SALLYPORT_REMEMBER_KEYS'] as const;
export type LinkName = (typeof LINK_NAMES)[number];

const HOUR_MS = 3_600_000;
export const DEFAULT_REMEMBER_MS = 12 * HOUR_MS;
const MAX_REMEMBER_MS = 30 * 24 * HOUR_MS;
const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: HOUR_MS, d: 24 * HOUR_MS };

/** @param complain notes a mistake; gives null */
export function readLinkSettings(
  given: (name: LinkName) => string | null,
  complain: (name: LinkName, message: string, hint: string) => null,
): LinkSettings {
  const links = given('SALLYPORT_SSH_LINKS') ?? 'auto';
  const mode = LINK_MODES.find((one) => one === links);
  if (mode === undefined) {
    complain('SALLYPORT_SSH_LINKS', `is ${JSON.stringify(links)}`, 'use auto, on or off');
  }
  return {
    mode: mode ?? 'off',
    rememberMs: readLife(given('SALLYPORT_REMEMBER_KEYS'), complain),
  };
}

function readLife(
  value: string | null,
  complain: (name: LinkName, message: string, hint: string) => null,
): number {
  if (value === null) return DEFAULT_REMEMBER_MS;
  const [, digits = '', unit = ''] = /^(\d{1,5})([mhd])$/.exec(value) ?? [];
  const ms = value === '0' ? 0 : Number(digits || Number.NaN) * (UNITS_MS[unit] ?? Number.NaN);
  if (ms >= 0 && ms <= MAX_REMEMBER_MS) return ms;
  complain(
    'SALLYPORT_REMEMBER_KEYS',
    `is ${JSON.stringify(value)}`,
    'write 12h, 90m or 0, up to 30d',
  );
  return DEFAULT_REMEMBER_MS;
}
