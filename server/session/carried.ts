/**
 * What a session carries of its client's own machine: the agent and the display, where the grant names them
 * and the gate lets them through.
 */
import type { ForwardKind } from '../access/forward.ts';
import { notice } from './notice.ts';
import type { CarriedToTarget, ForwardedChannel, ForwardAnswer, UpstreamEnd } from './ports.ts';
import type { ForwardContext } from './forward-record.ts';
import type { Scene } from './scene.ts';

const WORDS: Readonly<Record<ForwardKind, string>> = {
  agent: "so programs there can't use the keys of your agent",
  x11: "so programs there can't open windows on your display",
};

/** Asks for it; undefined = nothing is carried. Rejects with `recording.failed`. */
export async function carriedOf(scene: Scene): Promise<CarriedToTarget | undefined> {
  const { context, gate, input, say } = scene;
  const { forwards, grant, request } = context;
  const { carries } = request;
  if (carries === undefined || forwards === undefined) return undefined;
  // Transfers have no use for it.
  if (grant.kind !== 'shell' && grant.kind !== 'exec') return undefined;
  // Many clients ask for it each time; only a person at a terminal is told that they don't get it.
  if (request.pty !== null) {
    for (const kind of carries.refused) {
      const text = `your grant for ${grant.target.name} doesn't name the forward ${kind}, ${WORDS[kind]}`;
      await say(notice(text));
    }
  }
  const asked: ForwardKind[] = [];
  if (carries.agent) asked.push('agent');
  if (carries.x11 !== null) asked.push('x11');
  const owners = new Map<ForwardedChannel['kind'], ForwardContext>();
  for (const kind of asked) {
    const owner = await forwards.contextFor(kind);
    if (owner === null) continue;
    const outcome = await input.interruptible(
      (abandoned) => gate.decideForward({ place: kind, others: [] }, abandoned, say),
      ({ kind: decided }) => decided === 'refused',
    );
    if (outcome.kind === 'released') owners.set(kind, owner);
    else await say(outcome.notice);
  }
  if (owners.size === 0) return undefined;
  let isDisplayUsed = false;
  const take = async (
    channel: ForwardedChannel,
    gone: AbortSignal,
  ): Promise<ForwardAnswer<UpstreamEnd>> => {
    const owner = owners.get(channel.kind);
    const isSecond = channel.kind === 'x11' && carries.x11?.isSingle === true && isDisplayUsed;
    if (owner === undefined || isSecond)
      return forwards.refuse(channel.kind, 'nobody asked for it');
    if (channel.kind === 'x11') isDisplayUsed = true;
    return forwards.take(
      { channel, from: channel.kind, request: null },
      carries.client,
      owner,
      gone,
    );
  };
  return { agent: owners.has('agent'), x11: owners.has('x11') ? carries.x11 : null, take };
}

/** Says what the target itself refused. */
export async function tellRefused(scene: Scene, refused: readonly ForwardKind[]): Promise<void> {
  const { context, say } = scene;
  const { name } = context.grant.target;
  for (const kind of refused)
    await say(notice(`${name} refuses ${kind} forwarding, ${WORDS[kind]}`));
}
