/** Everything that an upstream end yields, until its close. */
import type { OutputUnit, UpstreamEnd } from '../../../server/session/ports.ts';

export interface Collected {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** `exit 7`, `exit-signal KILL`, `eof`, `close`, in order, without the data. */
  readonly events: readonly string[];
}

export async function collect(end: UpstreamEnd): Promise<Collected> {
  const streams = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const events: string[] = [];
  for (;;) {
    const unit = await end.read();
    if (unit.kind === 'data') streams[unit.stream].push(unit.bytes);
    else events.push(describeOutput(unit));
    if (unit.kind === 'close') break;
  }
  const { stdout, stderr } = streams;
  return { stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr), events };
}

function describeOutput(unit: Exclude<OutputUnit, { kind: 'data' }>): string {
  if (unit.kind === 'exit') return `exit ${unit.status}`;
  return unit.kind === 'exit-signal' ? `exit-signal ${unit.name}` : unit.kind;
}
