/** Legal holds in memory. */
import { SallyportError } from '../../server/errors.ts';
import type { HoldChange, HoldDesk, HoldView } from '../../server/http/ports.ts';

/** Who holds what, newest first. */
export class FakeHolds implements HoldDesk {
  readonly views: HoldView[] = [];

  async hold({ by, reason, session }: HoldChange): Promise<HoldView> {
    const open = this.views.find((one) => one.session === session && one.releasedAt === null);
    if (open !== undefined) throw new SallyportError('object.conflict', 'it is held already', '-');
    const heldAt = '2026-01-01T10:00:00.000Z';
    const released = { releasedAt: null, releasedBy: null, releaseReason: null };
    const view = { session, heldAt, heldBy: by, reason, ...released };
    this.views.unshift(view);
    return view;
  }

  async release({ by, reason, session }: HoldChange): Promise<HoldView> {
    const at = this.views.findIndex((one) => one.session === session && one.releasedAt === null);
    const open = this.views[at];
    if (open === undefined) throw new SallyportError('object.conflict', 'nothing holds it', '-');
    const releasedAt = '2026-01-02T10:00:00.000Z';
    const view = { ...open, releasedAt, releasedBy: by, releaseReason: reason };
    this.views[at] = view;
    return view;
  }

  async of(session: string): Promise<readonly HoldView[]> {
    return this.views.filter((one) => one.session === session);
  }
}
