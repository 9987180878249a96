/** A channel on which a command of the bastion itself runs, from its request to its end. */
import { close } from './answer.ts';
import { waitForDecision } from './approval-commands.ts';
import {
  awaitedApproval,
  playedSession,
  runBuiltin,
  type BuiltinCaller,
  type BuiltinQueries,
} from './builtin.ts';
import { play, waitForStop } from './play.ts';
import type { ChannelRequest, DownstreamEnd } from './ports.ts';

export async function serveBuiltin(
  queries: BuiltinQueries,
  caller: BuiltinCaller,
  request: ChannelRequest,
  end: DownstreamEnd,
): Promise<void> {
  const id = playedSession(request);
  const events = id === null ? null : await queries.recording(id, caller);
  if (events !== null) {
    await play(end, events);
    return close(end, 0);
  }
  const awaited = awaitedApproval(request);
  const stop = new AbortController();
  if (awaited !== null) void waitForStop(end, stop);
  const result =
    awaited === null
      ? await runBuiltin(queries, caller, request)
      : await waitForDecision(queries, caller, awaited, stop.signal);
  const lineEnd = request.pty === null ? '\n' : '\r\n';
  const text = result.lines.map((line) => line + lineEnd).join('');
  const stream = result.exitStatus === 0 || request.pty !== null ? 'stdout' : 'stderr';
  await end.write({ kind: 'data', stream, bytes: Buffer.from(text) });
  await close(end, result.exitStatus);
}
