/** Reaching the target for a conversation; a failure becomes words for the client and a journal row. */
import { messageOf } from '../errors.ts';
import { carriedOf, tellRefused } from './carried.ts';
import { asFailure, clientGone, type Cut } from './cut.ts';
import { errorNotice, EXIT_FAILED } from './notice.ts';
import type { ChannelRequest, DialOutcome, UpstreamEnd } from './ports.ts';
import type { Scene } from './scene.ts';

export type Dialled =
  | { readonly kind: 'open'; readonly end: UpstreamEnd }
  | { readonly kind: 'cut'; readonly cut: Cut };

/** Opens a channel for `request`, which says what the target gets to see. */
export async function dial(scene: Scene, request: ChannelRequest): Promise<Dialled> {
  const { dialer, grant } = scene.context;
  const carried = await carriedOf(scene);
  if (!(await scene.valve.passes())) return { kind: 'cut', cut: clientGone() };
  const outcome = await dialer.dial(grant, request, scene.sessionId, carried);
  const dialled = await reached(scene, outcome);
  if (outcome.kind === 'open') await tellRefused(scene, outcome.without ?? []);
  if (dialled.kind === 'cut') return dialled;
  return { kind: 'open', end: scene.valve.guarded(dialled.end) };
}

/** What a dialler answered, journalled. */
export async function reached(scene: Scene, outcome: DialOutcome): Promise<Dialled> {
  const { context, dependencies, sessionId } = scene;
  const event = {
    principal: context.grant.principal.name,
    source: context.source,
    session: sessionId,
    target: context.grant.target.name,
  };
  if (outcome.kind === 'open') {
    const { id, isShared, from } = outcome.connection;
    const { login, rule } = context.grant;
    // One that is shared was opened for an earlier session; its credential serves this grant, too.
    const use = { login: login.name, credential: login.credential, grant: rule.id };
    const data = { connection: id, shared: isShared, from, ...use };
    // What decided about the session is committed already; this row mustn't keep the output waiting.
    dependencies.journal.append({ type: 'upstream.opened', ...event, data }).catch((error) => {
      const { message } = asFailure(error);
      scene.terminate(message, `not journalled: ${message}`);
    });
    return outcome;
  }
  const { error } = outcome;
  await dependencies.journal.append({
    type: 'upstream.failed',
    ...event,
    data: { code: error.code, why: messageOf(error) },
  });
  return {
    kind: 'cut',
    cut: {
      notice: errorNotice(error),
      exitStatus: EXIT_FAILED,
      status: 'failed',
      why: messageOf(error),
    },
  };
}
