/**
 * Loaded into a bastion that is measured: says how long its event loop was blocked. At SIGUSR2 it writes
 * what it has seen since the last time, as one line of JSON, to the file that LOOP_WATCH_FILE names.
 */
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const file = process.env.LOOP_WATCH_FILE;
if (isMainThread && file !== undefined) {
  const RESOLUTION_MS = 1;
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let before = process.cpuUsage();
  process.on('SIGUSR2', () => {
    const used = process.cpuUsage(before);
    before = process.cpuUsage();
    const said = {
      longestMs: delay.max / 1e6,
      p99Ms: delay.percentile(99) / 1e6,
      processorMs: (used.user + used.system) / 1000,
      residentBytes: process.memoryUsage.rss(),
    };
    appendFileSync(file, `${JSON.stringify(said)}\n`);
    delay.reset();
  });
}
