/** A channel on which a command of the bastion itself runs, from its request to its end. */
import { runAccess } from './access-commands.ts';
import { close } from './answer.ts';
import { waitForDecision } from './approval-commands.ts';
import {
  accessWords,
  awaitedApproval,
  playedSession,
  runBuiltin,
  type BuiltinCaller,
  type BuiltinQueries,
  type BuiltinResult,
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
  const access = accessWords(caller.principal, request);
  const stop = new AbortController();
  if (awaited !== null || access !== null) void waitForStop(end, stop);
  const lineEnd = request.pty === null ? '\n' : '\r\n';
  const write = (line: string, stream: 'stdout' | 'stderr'): Promise<void> =>
    end.write({ kind: 'data', stream, bytes: Buffer.from(line + lineEnd) });
  const answer = (): Promise<BuiltinResult> => {
    if (awaited !== null) return waitForDecision(queries, caller, awaited, stop.signal);
    if (access === null) return runBuiltin(queries, caller, request);
    const say = (line: string): Promise<void> => write(line, 'stdout');
    return runAccess(queries.access, caller, access, say, stop.signal);
  };
  const result = await answer();
  const stream = result.exitStatus === 0 || request.pty !== null ? 'stdout' : 'stderr';
  for (const line of result.lines) await write(line, stream);
  await close(end, result.exitStatus);
}
