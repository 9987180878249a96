/** Figures for tests of the overview. */
import type { OverviewView } from '../../server/http/overview-ports.ts';
import { HOSTILE } from './hostile-text.ts';

const START_MS = Date.parse('2025-12-31T11:00:00.000Z');

function slots(count: number, slotMs: number): OverviewView['hours'] {
  return Array.from({ length: count }, (_, index) => ({
    at: new Date(START_MS + index * slotMs).toISOString(),
    allowed: (index * 37) % 90,
    denied: index % 7 === 0 ? index % 5 : 0,
    held: index % 3 === 0 ? 1 : 0,
  }));
}

export const OVERVIEW: OverviewView = {
  at: '2026-01-01T10:03:50.000Z',
  activeSessions: 3,
  waitingApprovals: 1,
  hours: slots(24, 3_600_000),
  days: slots(30, 24 * 3_600_000),
  principals: [
    { name: 'deploy-bot', kind: 'agent', sessions: 41, commands: 2310, stopped: 12 },
    { name: HOSTILE, kind: 'human', sessions: 1, commands: 2, stopped: 2 },
  ],
  rules: [
    { policy: 'default', rule: 'no-wipe', decision: 'deny', hits: 9 },
    { policy: 'default', rule: null, decision: 'hold', hits: 4 },
    { policy: HOSTILE, rule: HOSTILE, decision: 'deny', hits: 1 },
  ],
  record: {
    failed: 0,
    gaps: 2,
    broken: 0,
    incomplete: 1,
    lastCheckpointAt: '2026-01-01T09:58:00.000Z',
  },
};
