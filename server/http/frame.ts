/** What every page shows around its content. */
import type { Response } from 'express';
import { guard } from './guard.ts';
import type { Services } from './options.ts';
import type { Frame } from './pages.ts';
import { viewerOf } from './viewer.ts';

/** More waiting requests than this are shown as this many and a plus sign. */
export const MAX_WAITING_SHOWN = 99;

export async function frameOf(services: Services, response: Response): Promise<Frame> {
  const { principal } = viewerOf(response);
  const counts = guard(principal, 'approval.list').kind === 'allowed';
  const waiting = counts
    ? await services.approvals.listApprovals({ status: 'waiting', limit: MAX_WAITING_SHOWN + 1 })
    : null;
  return {
    ...bareFrame(services),
    viewer: principal,
    waiting: waiting?.length ?? null,
    readsAll: guard(principal, 'directory.read').kind === 'allowed',
  };
}

/** A frame that needs nothing that could fail. */
export function bareFrame(services: Services): Frame {
  const { clock, version } = services;
  return { viewer: null, waiting: null, readsAll: false, version, nowMs: clock.nowMs() };
}
