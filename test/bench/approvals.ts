/**
 * How long both sides of an approval take to hear of each other, in two processes on one database: whoever
 * waits, and whoever decides. Times are those of the machine's monotonic clock, which all processes share.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidV7 } from 'uuid';
import { systemClock } from '../../server/clock.ts';
import { silentLogger } from '../../server/log.ts';
import { createApprovals } from '../../server/store/approvals.ts';
import { openDatabase } from '../../server/store/database.ts';
import { createJournal } from '../../server/store/journal.ts';
import { startPostgres } from '../../server/store/postgres.ts';
import { urlOf } from '../support/database-url.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { percentile } from './statistics.ts';

/** What the process that decides says of each approval, milliseconds of the shared clock. */
export interface Heard {
  readonly id: string;
  readonly heardMs: number;
  /** When it began to decide. */
  readonly decidingMs: number;
}

export interface ApprovalFigures {
  readonly rounds: number;
  /** From the request to the news of it in the other process, milliseconds. */
  readonly asked: Spread;
  /** From the decision in the other process to the release here. */
  readonly decided: Spread;
}

interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Rounds before those that count. */
const WARM_UP = 10;

export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function openDesk(url: string) {
  const clock = systemClock;
  return openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger }).then((database) => {
    const journal = createJournal({ database, clock, logger: silentLogger });
    const publicUrl = (): string => 'http://localhost';
    return { database, approvals: createApprovals({ database, journal, publicUrl, clock }) };
  });
}

export async function measureApprovals(rounds: number): Promise<ApprovalFigures> {
  const folder = await temporaryFolder();
  const postgres = await startPostgres({
    directory: join(folder, 'postgres'),
    logger: silentLogger,
  });
  const url = urlOf(postgres, postgres.database);
  const desk = await openDesk(url);
  const peer = fork(join(import.meta.dirname, 'approvals-peer.ts'), [url], {
    execArgv: ['--import', 'tsx'],
  });
  try {
    await once(peer, 'message');
    const heard = new Map<string, Heard>();
    peer.on('message', (message) => heard.set((message as Heard).id, message as Heard));
    const asked: number[] = [];
    const decided: number[] = [];
    for (let round = 0; round < rounds + WARM_UP; round += 1) {
      const askingMs = monotonicMs();
      const { id } = await desk.approvals.request({
        session: uuidV7(),
        principal: 'bot',
        target: 'web1',
        commandSeq: 1,
        text: 'reboot',
        rule: 'power',
        reason: null,
        approvers: [],
        expiresAtMs: systemClock.nowMs() + 60_000,
      });
      await desk.approvals.outcome(id, new AbortController().signal);
      const releasedMs = monotonicMs();
      while (!heard.has(id)) await once(peer, 'message');
      const { decidingMs, heardMs } = heard.get(id) as Heard;
      heard.delete(id);
      if (round < WARM_UP) continue;
      asked.push(heardMs - askingMs);
      decided.push(releasedMs - decidingMs);
    }
    return { rounds, asked: spread(asked), decided: spread(decided) };
  } finally {
    peer.disconnect();
    await once(peer, 'exit');
    await desk.database.close();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function spread(samples: readonly number[]): Spread {
  return {
    p50: percentile(samples, 0.5),
    p99: percentile(samples, 0.99),
    max: percentile(samples, 1),
  };
}

export function renderApprovals({ asked, decided, rounds }: ApprovalFigures): string {
  const line = (what: string, { max, p50, p99 }: Spread): string =>
    `${what.padEnd(44)} p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms  max ${max.toFixed(1)} ms\n`;
  return (
    `approvals, two processes on one database, ${rounds} rounds\n` +
    line('request → news of it in the other process', asked) +
    line('decision in the other process → release', decided)
  );
}
