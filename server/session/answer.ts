/** Channels that carry no session: a few words to the client, and the end. */
import { EXIT_FAILED } from './notice.ts';
import type { ChannelRequest, DownstreamEnd } from './ports.ts';

/** Says why there is none. */
export async function answer(
  request: ChannelRequest,
  end: DownstreamEnd,
  text: string,
): Promise<void> {
  const bytes = Buffer.from(`${text}${request.pty === null ? '\n' : '\r\n'}`);
  await end.write({ kind: 'data', stream: request.pty === null ? 'stderr' : 'stdout', bytes });
  await close(end, EXIT_FAILED);
}

/** Ends a channel as a command that has ended would. */
export async function close(end: DownstreamEnd, exitStatus: number): Promise<void> {
  await end.write({ kind: 'exit', status: exitStatus });
  await end.write({ kind: 'eof' });
  await end.write({ kind: 'close' });
}
