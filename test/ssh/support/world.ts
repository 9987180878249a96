/** A gateway whose handler writes down what happens, for tests of the downstream leg alone. */
import { systemClock } from '../../../server/clock.ts';
import { silentLogger, type Logger } from '../../../server/log.ts';
import type {
  ChannelRequest,
  ConnectionHandler,
  DownstreamEnd,
  PublicKey,
} from '../../../server/session/ports.ts';
import { startGateway, type Gateway } from '../../../server/ssh/gateway.ts';
import { generateKeyPair, parsePublicLine, type KeyPair } from '../../../server/ssh/key.ts';
import type { GatewayLimits } from '../../../server/ssh/limits.ts';

export interface Opened {
  readonly request: ChannelRequest;
  readonly end: DownstreamEnd;
}

export interface World extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly address: { readonly host: string; readonly port: number };
  /** The key that is let in. */
  readonly client: KeyPair;
  /** `offered NAME`, `proven NAME`, `ended`, in order. */
  readonly calls: string[];
  readonly ended: string[];
  /** What nobody could judge, and why. */
  readonly refusals: string[];
  /** The next channel that a client starts. */
  opened(): Promise<Opened>;
}

/** Starts it; connections of one source are not slowed down unless `limits` says so. */
export async function startWorld(
  limits: Partial<GatewayLimits> = {},
  logger: Logger = silentLogger,
): Promise<World> {
  const client = generateKeyPair('client');
  const parsed = parsePublicLine(client.publicLine);
  if (parsed.kind === 'invalid') throw new Error(parsed.why);
  const calls: string[] = [];
  const ended: string[] = [];
  const refusals: string[] = [];
  const waiting: ((opened: Opened) => void)[] = [];
  const ready: Opened[] = [];
  const isKnown = (key: PublicKey): Promise<boolean> =>
    Promise.resolve(key.blob.equals(parsed.blob));
  const handler: ConnectionHandler = {
    permits: { pty: true, portForwarding: true, agentForwarding: true, x11Forwarding: true },
    offered: (userName, key) => {
      calls.push(`offered ${userName}`);
      return isKnown(key);
    },
    proven: (userName, key) => {
      calls.push(`proven ${userName}`);
      return isKnown(key);
    },
    refused: (_userName, why) => {
      refusals.push(why);
    },
    open: (request, end) => {
      const resolve = waiting.shift();
      if (resolve === undefined) ready.push({ request, end });
      else resolve({ request, end });
    },
    ended: (why) => {
      calls.push('ended');
      ended.push(why);
    },
  };
  const gateway = await startGateway({
    listen: { host: '127.0.0.1', port: 0 },
    hostKeys: [generateKeyPair('bastion').privateKeyPem],
    connections: { accept: () => handler, jump: () => Promise.resolve(null) },
    logger,
    clock: systemClock,
    limits: { connectionsPerSecond: 1000, connectionBurst: 1000, ...limits },
  });
  return {
    gateway,
    address: gateway.address,
    client,
    calls,
    ended,
    refusals,
    opened: () => {
      const next = ready.shift();
      if (next !== undefined) return Promise.resolve(next);
      return new Promise((resolve) => waiting.push(resolve));
    },
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}
