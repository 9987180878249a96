/** How long the disk itself takes for what the recorder asks of it, so that other figures can be read. */
import { constants, writeSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { median, percentile } from './statistics.ts';

const BLOCK_BYTES = 4096;
const FILE_BLOCKS = 256;

export interface DiskFigure {
  readonly writes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Synchronous writes (O_DSYNC) of 4 KB over a file that is there in full length. */
export async function measureDisk(folder: string, writes: number): Promise<DiskFigure> {
  const path = join(folder, 'synchronous');
  const { O_CREAT, O_DSYNC, O_WRONLY } = constants;
  const file = await open(path, O_WRONLY | O_CREAT | O_DSYNC, 0o600);
  try {
    await file.write(Buffer.alloc(BLOCK_BYTES * FILE_BLOCKS), 0, BLOCK_BYTES * FILE_BLOCKS, 0);
    const samples: number[] = [];
    for (let n = 0; n < writes; n += 1) {
      const block = Buffer.alloc(BLOCK_BYTES, n);
      const startMs = performance.now();
      writeSync(file.fd, block, 0, BLOCK_BYTES, (n % FILE_BLOCKS) * BLOCK_BYTES);
      samples.push(performance.now() - startMs);
    }
    return { writes, p50Ms: median(samples), p99Ms: percentile(samples, 0.99) };
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
