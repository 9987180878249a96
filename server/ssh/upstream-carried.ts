/** A session whose connection to the target also carries its client's agent or display. */
import type { ForwardKind } from '../access/forward.ts';
import type { Grant } from '../access/grant.ts';
import type { CarriedToTarget, InputUnit, OutputUnit } from '../session/ports.ts';
import type { Channel } from './engine/channel.ts';
import { AGENT_REQUEST, X11_REQUEST } from './forward-channel.ts';
import type { AloneConnections } from './upstream-alone.ts';
import type { LeaseOutcome } from './upstream-pool.ts';

/** A session channel on a connection of its own, which stays until the last channel on it is closed. */
export async function leaseAlone(
  connections: AloneConnections,
  grant: Grant,
  session: string,
  { agent, x11, take }: CarriedToTarget,
): Promise<LeaseOutcome> {
  const forwards = [
    ...(agent ? (['agent'] as const) : []),
    ...(x11 === null ? [] : (['X11'] as const)),
  ];
  let isOver = false;
  const endIdle = (): void => {
    if (isOver) connection.abort('no longer needed');
  };
  const connection = connections.connect(grant, session, forwards, take, endIdle);
  const outcome = await connection.outcome;
  if (outcome.kind === 'failed') return outcome;
  const { channels } = outcome.connection;
  const opened = await channels.openSession();
  if (opened.kind === 'refused') {
    connection.abort('no longer needed');
    return opened;
  }
  const end = (): void => {
    isOver = true;
    if (channels.count === 0) endIdle();
  };
  const { id } = connection;
  const lease = {
    channel: opened.channel,
    connection: { ...outcome.connection, id, isShared: false },
    end,
  };
  return { kind: 'leased', lease };
}

/** Asks before the session starts; resolves with what the target refused. */
export async function askToCarry(
  channel: Channel<OutputUnit, InputUnit>,
  carried: CarriedToTarget | null,
): Promise<readonly ForwardKind[]> {
  const asked: Promise<ForwardKind | null>[] = [];
  if (carried?.agent === true) {
    asked.push(channel.request(AGENT_REQUEST).then((isGranted) => (isGranted ? null : 'agent')));
  }
  if (carried !== null && carried.x11 !== null) {
    const { isSingle, protocol, cookie, screen } = carried.x11;
    const answer = channel.request(X11_REQUEST, isSingle, protocol, cookie, screen);
    asked.push(answer.then((isGranted) => (isGranted ? null : 'x11')));
  }
  return (await Promise.all(asked)).filter((kind) => kind !== null);
}
