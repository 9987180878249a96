/**
 * Host certificates in a key exchange. ssh2 knows none: it writes the negotiated algorithm in front of the
 * signature, where the name of the certified key belongs (PROTOCOL.certkeys).
 * Not caught here: what the certificate says.
 */
import { isCertificateName } from './certificate.ts';
import type { HostSigner } from './driver.ts';

/** The part of a key exchange in which the name stands. */
export interface NamedExchange {
  readonly negotiated: { serverHostKey: string };
}

/** The same signers; those for certificates say the key's name while they sign. */
export function namedByKey(
  hostKeys: Readonly<Record<string, HostSigner>>,
  exchange: () => NamedExchange,
): Readonly<Record<string, HostSigner>> {
  return Object.fromEntries(
    Object.entries(hostKeys).map(([name, signer]) => [
      name,
      isCertificateName(name)
        ? {
            ...signer,
            sign: (data: Buffer, hashName: string | undefined): Buffer => {
              exchange().negotiated.serverHostKey = signer.type;
              return signer.sign(data, hashName);
            },
          }
        : signer,
    ]),
  );
}
