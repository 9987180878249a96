/**
 * Writes to a spool until it is killed, and prints `SESSION EVENT` for every event that was
 * acknowledged: `node --import tsx spool-writer.ts DIRECTORY`.
 */
import { openSpool } from '../../server/store/spool.ts';

const [directory = ''] = process.argv.slice(2);
const spool = await openSpool({
  directory,
  segmentBytes: 65_536,
  onFailure: (error) => {
    throw error;
  },
});

async function record(sessionId: string): Promise<never> {
  for (let event = 1; ; event += 1) {
    const line = Buffer.from(`[${event},"o","${sessionId} ${event}"]\n`);
    await spool.append(sessionId, event, line);
    process.stdout.write(`${sessionId} ${event}\n`);
  }
}

await Promise.all(
  ['a', 'b', 'c'].map((end) => record(`01939b8e-7c00-7abc-8def-00000000000${end}`)),
);
