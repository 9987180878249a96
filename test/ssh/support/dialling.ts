/** What the tests of the leg towards targets share: a key, a dialer, and outcomes as values. */
import { randomUUID } from 'node:crypto';
import type { Grant } from '../../../server/access/grant.ts';
import { silentLogger } from '../../../server/log.ts';
import type {
  ChannelRequest,
  DialOutcome,
  UpstreamEnd,
  Vault,
} from '../../../server/session/ports.ts';
import type { SallyportError } from '../../../server/errors.ts';
import { generateKeyPair } from '../../../server/ssh/key.ts';
import { createDialers, type DialerLimits } from '../../../server/ssh/upstream.ts';
import { startSshd, type Sshd } from '../../support/sshd.ts';
import { vaultOf } from './bastion.ts';

export const KEY = generateKeyPair('web1');

export function exec(command: string | Buffer): ChannelRequest {
  return { kind: 'exec', command: Buffer.from(command), pty: null, env: [] };
}

export function opened(outcome: DialOutcome): UpstreamEnd {
  if (outcome.kind === 'failed') throw outcome.error;
  return outcome.end;
}

export function failure(outcome: DialOutcome): SallyportError {
  if (outcome.kind === 'open') throw new Error('the target was opened');
  return outcome.error;
}

/** A Dialer whose connections end with it. */
export function dialerFor(
  vault: Vault = vaultOf(KEY.privateKeyPem),
  connectTimeoutMs = 10_000,
  more: Partial<DialerLimits> = {},
): { dial(grant: Grant, request: ChannelRequest): Promise<DialOutcome>; close(): void } {
  const dialers = createDialers({
    vault,
    logger: silentLogger,
    limits: { connectTimeoutMs, ...more },
  });
  const dialer = dialers.create();
  return {
    dial: (grant, request) => dialer.dial(grant, request, randomUUID()),
    close: () => {
      dialer.close();
      dialers.close();
    },
  };
}

export async function sshdWithKey(extra: readonly string[] = []): Promise<Sshd> {
  const sshd = await startSshd(extra);
  await sshd.authorise(KEY.publicLine);
  return sshd;
}
