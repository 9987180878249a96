/**
 * What the options of a user certificate ask and allow. An option that is critical and unknown refuses the
 * certificate; an unknown extension gives nothing.
 * Not caught here: whether the terms are kept; those who open channels ask for them.
 */
import type { Certificate } from './certificate.ts';
import { exactText, PacketReader } from './wire.ts';

export interface CertificateTerms {
  /** Runs in place of whatever the client asks for; the exact bytes. */
  readonly forceCommand: Buffer | null;
  /** Addresses and networks, separated by commas, from which the certificate may be used. */
  readonly sourceAddress: string | null;
  /** The security token must have asked for its PIN or a finger. */
  readonly isVerifyRequired: boolean;
  /** The security token must have been touched. */
  readonly isTouchRequired: boolean;
  readonly permitsPty: boolean;
  readonly permitsPortForwarding: boolean;
  readonly permitsAgentForwarding: boolean;
  readonly permitsX11Forwarding: boolean;
}

export type TermsOutcome =
  | { readonly kind: 'terms'; readonly terms: CertificateTerms }
  | { readonly kind: 'invalid'; readonly why: string };

const FLAGS = [
  'no-touch-required',
  'permit-X11-forwarding',
  'permit-agent-forwarding',
  'permit-port-forwarding',
  'permit-pty',
  'permit-user-rc',
] as const;

/** Reads the options of a certificate. Never throws. */
export function readTerms(certificate: Certificate): TermsOutcome {
  let forceCommand: Buffer | null = null;
  let sourceAddress: string | null = null;
  let isVerifyRequired = false;
  for (const [name, value] of certificate.criticalOptions) {
    const text = onlyField(value);
    switch (name) {
      case 'force-command':
        if (text === null || text.length === 0 || text.includes(0)) return corrupt(name);
        forceCommand = text;
        break;
      case 'source-address':
        sourceAddress = text === null ? null : exactText(text);
        if (sourceAddress === null) return corrupt(name);
        break;
      case 'verify-required':
        if (value.length > 0) return corrupt(name);
        isVerifyRequired = true;
        break;
      default:
        return invalid(`its critical option ${name} is unknown here`);
    }
  }
  const { extensions } = certificate;
  const damaged = FLAGS.find((name) => (extensions.get(name)?.length ?? 0) > 0);
  if (damaged !== undefined) return corrupt(damaged);
  return {
    kind: 'terms',
    terms: {
      forceCommand,
      sourceAddress,
      isVerifyRequired,
      isTouchRequired: !extensions.has('no-touch-required'),
      permitsPty: extensions.has('permit-pty'),
      permitsPortForwarding: extensions.has('permit-port-forwarding'),
      permitsAgentForwarding: extensions.has('permit-agent-forwarding'),
      permitsX11Forwarding: extensions.has('permit-X11-forwarding'),
    },
  };
}

/** The one string that an option's value holds. */
function onlyField(value: Buffer): Buffer | null {
  try {
    const reader = new PacketReader(value);
    const text = Buffer.from(reader.string());
    return reader.rest().length === 0 ? text : null;
  } catch {
    return null;
  }
}

function corrupt(name: string): TermsOutcome {
  return invalid(`its option ${name} cannot be read`);
}

function invalid(why: string): TermsOutcome {
  return { kind: 'invalid', why };
}
