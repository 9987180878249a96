/**
 * Records sessions until it is killed, and prints `SESSION TEXT` for every event that was acknowledged:
 * `node --import tsx recorder.ts DATABASE_URL SPOOL_DIRECTORY INSTANCE_ID SESSIONS
 * [MODE]`.
 */
import { RECORDING_MODES } from '../../server/access/grant.ts';
import { recordedText } from './recorded-text.ts';
import { openRecordingWorld, sessionStart } from './recording-world.ts';

const [url = '', directory = '', instanceId = '', sessions = '1', mode = ''] =
  process.argv.slice(2);
const recordingMode = RECORDING_MODES.find((one) => one === mode) ?? 'strict';
const world = await openRecordingWorld({ url, directory, instanceId, sink: { sealAfterMs: 30 } });

async function record(): Promise<never> {
  const start = sessionStart({ recording: recordingMode });
  const recording = await world.sink.begin(start);
  for (let event = 1; ; event += 1) {
    const text = recordedText(event);
    await recording.append({ atUs: event, code: 'o', text });
    process.stdout.write(`${start.id} ${text}\n`);
  }
}

await Promise.all(Array.from({ length: Number(sessions) }, record));
