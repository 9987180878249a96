/** What a client's way to another host becomes: the inner end of a jump, a forward, or a refusal. */
import assert from 'node:assert/strict';
import { systemClock } from '../../server/clock.ts';
import { silentLogger } from '../../server/log.ts';
import type {
  ConnectionHandler,
  ForwardAnswer,
  DownstreamEnd,
  InnerConnection,
} from '../../server/session/ports.ts';
import { OPEN_FAILURE } from '../../server/ssh/engine/channels.ts';
import { MESSAGE } from '../../server/ssh/engine/wire.ts';
import { startGateway } from '../../server/ssh/gateway.ts';
import { generateKeyPair } from '../../server/ssh/key.ts';
import { connectClient, type RawPeer } from './support/raw-peer.ts';

const PERMITS = { pty: true, portForwarding: true, agentForwarding: true, x11Forwarding: true };
const OPEN: ForwardAnswer<DownstreamEnd> = {
  kind: 'open',
  take: (end) => void end.write({ kind: 'data', stream: 'stdout', bytes: Buffer.from('forward') }),
};
const REFUSED: ForwardAnswer<DownstreamEnd> = {
  kind: 'refused',
  why: 'no grant',
  isUnreachable: false,
};

interface Scene extends AsyncDisposable {
  readonly peer: RawPeer;
  /** Hosts that the forwards were asked for, with a ? where it was a guess. */
  readonly asked: string[];
  /** Inner connections that have ended. */
  readonly ended: string[];
}

async function scene(
  place: 'target' | 'unknown' | 'none' | 'broken',
  forward: ForwardAnswer<DownstreamEnd> | null,
  permits = PERMITS,
): Promise<Scene> {
  const asked: string[] = [];
  const ended: string[] = [];
  const handler = (onEnded: (why: string) => void): ConnectionHandler => ({
    permits,
    offered: () => Promise.resolve(true),
    proven: () => Promise.resolve(true),
    open: () => assert.fail('no session is asked for'),
    ended: onEnded,
    forwards: {
      open: (request, _origin, isGuess) => {
        asked.push(`${request.kind === 'tcp' ? request.host : request.path}${isGuess ? '?' : ''}`);
        return Promise.resolve(forward);
      },
      listen: () => Promise.resolve(null),
      unlisten: () => Promise.resolve(false),
      mayCarry: () => Promise.resolve(false),
    },
  });
  const inner: InnerConnection = {
    leadsSomewhere: place === 'target',
    handler: handler((why) => ended.push(why)),
    enter: () => Promise.resolve(true),
  };
  const gateway = await startGateway({
    listen: { host: '127.0.0.1', port: 0 },
    hostKeys: [generateKeyPair('bastion').privateKeyPem],
    connections: {
      accept: () => handler(() => {}),
      jump: () =>
        place === 'broken'
          ? Promise.reject(new Error('no database'))
          : Promise.resolve(place === 'none' ? null : inner),
    },
    logger: silentLogger,
    clock: systemClock,
  });
  const peer = await connectClient(gateway.address, generateKeyPair('client'));
  return { peer, asked, ended, [Symbol.asyncDispose]: () => gateway.close() };
}

/** What comes of `ssh -W db1:22`: the first bytes, or the reason of the refusal. */
async function opened(peer: RawPeer): Promise<string | number> {
  peer.send(MESSAGE.CHANNEL_OPEN, 'direct-tcpip', 0, 1 << 20, 32_768, 'db1', 22, '127.0.0.1', 1);
  const { type, reader } = await peer.expect(
    MESSAGE.CHANNEL_OPEN_CONFIRMATION,
    MESSAGE.CHANNEL_OPEN_FAILURE,
  );
  reader.uint32();
  if (type === MESSAGE.CHANNEL_OPEN_FAILURE) return reader.uint32();
  const data = await peer.expect(MESSAGE.CHANNEL_DATA);
  data.reader.uint32();
  return data.reader.string().toString('latin1').slice(0, 8);
}

describe('a way to another host', () => {
  const cases: [
    string,
    Parameters<typeof scene>,
    { readonly got: string | number; readonly asked: string[]; readonly ended: number },
  ][] = [
    [
      'is terminated for a target, whatever grants of forwards say',
      ['target', OPEN],
      { got: 'SSH-2.0-', asked: [], ended: 0 },
    ],
    [
      'is a forward where a grant says so and there is no such target',
      ['unknown', OPEN],
      { got: 'forward', asked: ['db1?'], ended: 1 },
    ],
    [
      'is terminated, to say that there is nothing, where nothing else is meant',
      ['unknown', null],
      { got: 'SSH-2.0-', asked: ['db1?'], ended: 0 },
    ],
    [
      'is a forward where nobody would speak SSH',
      ['none', OPEN],
      { got: 'forward', asked: ['db1'], ended: 0 },
    ],
    [
      'is refused without a grant',
      ['none', REFUSED],
      { got: OPEN_FAILURE.prohibited, asked: ['db1'], ended: 0 },
    ],
    [
      'is refused while the directory cannot be read',
      ['broken', OPEN],
      { got: OPEN_FAILURE.connectFailed, asked: [], ended: 0 },
    ],
    [
      'is refused where the certificate withholds it, even to a target',
      ['target', OPEN, { ...PERMITS, portForwarding: false }],
      { got: OPEN_FAILURE.prohibited, asked: [], ended: 0 },
    ],
  ];
  for (const [what, args, expected] of cases) {
    it(what, async () => {
      await using one = await scene(...args);
      const got = await opened(one.peer);
      // What is let go of must be let go of while the connection lasts.
      assert.deepEqual({ got, asked: one.asked, ended: one.ended.length }, expected);
    });
  }
});
