/** The same end to end: a real client, directly and through a bastion whose grant says how it records. */
import type { RecordingMode } from '../../server/access/grant.ts';
import { openTrack } from './lanes.ts';
import { bulkFiles, measureBulk, measureKeystrokes } from './measures.ts';

export interface ClientFigure {
  readonly mode: RecordingMode;
  readonly directMbPerS: number;
  readonly mbPerS: number;
  readonly directEchoP50Ms: number;
  readonly directEchoP99Ms: number;
  readonly echoP50Ms: number;
  readonly echoP99Ms: number;
}

export interface ClientEffort {
  readonly clientBytes: number;
  readonly clientKeys: number;
  readonly clientModes: readonly RecordingMode[];
}

export async function measureClients(asked: ClientEffort): Promise<ClientFigure[]> {
  const figures: ClientFigure[] = [];
  const effort = {
    connections: 1,
    keystrokes: asked.clientKeys,
    bulkRounds: 1,
    bulkBytes: asked.clientBytes,
  };
  for (const mode of asked.clientModes) {
    await using track = await openTrack(['direct', 'sallyport'], undefined, mode);
    const { text } = await bulkFiles(track, effort);
    const [p50, p99] = await measureKeystrokes(track, effort);
    const bulk = await measureBulk(track, effort, mode, text);
    figures.push({
      mode,
      directMbPerS: bulk.values['direct'] ?? Number.NaN,
      mbPerS: bulk.values['sallyport'] ?? Number.NaN,
      directEchoP50Ms: p50?.values['direct'] ?? Number.NaN,
      directEchoP99Ms: p99?.values['direct'] ?? Number.NaN,
      echoP50Ms: p50?.values['sallyport'] ?? Number.NaN,
      echoP99Ms: p99?.values['sallyport'] ?? Number.NaN,
    });
  }
  return figures;
}
