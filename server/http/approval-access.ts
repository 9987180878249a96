/** Who may see a request, and how much of what is around it. */
import type { Response } from 'express';
import { guard, refusal, unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import type { ApprovalBackground, ApprovalStanding, ApprovalView, ScreenView } from './ports.ts';
import { lastScreen } from './last-screen.ts';
import { readsAll } from './session-access.ts';
import { viewerOf } from './viewer.ts';
import type { Principal } from '../access/principal.ts';

export const MAX_ID_CHARACTERS = 64;

export interface ApprovalAccess {
  readonly approval: ApprovalView;
  readonly standing: ApprovalStanding;
  readonly principal: Principal;
  readonly source: string;
  /** Whether they may see the session around it. */
  readonly mayLook: boolean;
}

/**
 * A request for whoever asked, the owner of the agent that asked, and approvers. Throws
 * `access.unauthenticated`, `access.forbidden` or `object.unknown`.
 */
export async function approvalFor(
  services: Services,
  response: Response,
  id: unknown,
): Promise<ApprovalAccess> {
  const { principal, source } = viewerOf(response);
  const listing = guard(principal, 'approval.list');
  if (principal === null || listing.kind === 'unauthenticated') {
    throw refusal({ kind: 'unauthenticated' }, 'page');
  }
  const isId = typeof id === 'string' && id.length <= MAX_ID_CHARACTERS;
  const standing = isId ? await services.approvals.standingFor(id, principal) : null;
  // Whoever is no approver can't tell a request of somebody else from none.
  if (listing.kind !== 'allowed' && standing?.isTheirs !== true) throw refusal(listing, 'page');
  const approval = standing === null ? null : await services.approvals.approval(String(id));
  if (approval === null || standing === null) throw unknownObject('approval');
  const isAuditor = readsAll(principal);
  const mayLook = isAuditor || standing.isTheirs || standing.decides === 'may';
  return { approval, standing, principal, source, mayLook };
}

/** What the page shows beside the request. */
export type ApprovalSurroundings = ApprovalBackground & { readonly screen: ScreenView | null };

/** null = it isn't theirs to see. The look is journalled before anything is read. */
export async function surroundings(
  services: Services,
  access: ApprovalAccess,
): Promise<ApprovalSurroundings | null> {
  const { approval, mayLook, principal, source } = access;
  if (!mayLook) return null;
  const session =
    approval.session === null ? null : await services.recordings.session(approval.session);
  if (session !== null) await services.views.looked(principal, session, source);
  const background = await services.approvals.background(approval.id);
  if (background === null) return null;
  const screen = session === null ? null : await lastScreen(services.recordings, session.id);
  return { ...background, screen };
}
