/**
 * `host:port` as people write it, with brackets around IPv6.
 * Not caught here: whether the host exists or the port is free.
 */
export interface Address {
  /** An address or a name, without brackets. */
  readonly host: string;
  readonly port: number;
}

export type AddressOutcome =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'malformed'; readonly why: string; readonly hint: string };

const NAME_OR_IPV4 = /^[A-Za-z0-9._-]{1,253}$/;
const IPV6 = /^[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9._-]{1,32})?$/;
const MAX_PORT = 65_535;

/** @param example a good value, for the hint */
export function readAddress(value: string, example: string): AddressOutcome {
  const malformed = (
    why: string,
    hint = `write host:port, such as ${example}`,
  ): AddressOutcome => ({
    kind: 'malformed',
    why,
    hint,
  });
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,9})$/.exec(value) ?? [];
  if (digits === undefined) return malformed('not an address and a port');
  const host = bracketed ?? plain ?? '';
  if (host === '') return malformed('the address is missing');
  if (!(bracketed === undefined ? NAME_OR_IPV4 : IPV6).test(host)) {
    return malformed('the address has characters that none has');
  }
  const port = Number(digits);
  if (port > MAX_PORT) return malformed(`the port is above ${MAX_PORT}`);
  return { kind: 'address', address: { host, port } };
}
