/** What the pages of approvals show. Types only. */
import type { ApprovalSurroundings } from './approval-access.ts';
import type { ControlKind, LiveSession } from './control-ports.ts';
import type { Frame } from './pages.ts';
import type { ApprovalStanding, ApprovalView } from './ports.ts';

/** What became of a decision that the viewer just made. */
export type DecisionNotice =
  | 'approved'
  | 'refused'
  | 'agreed'
  | 'revoked'
  | 'not-standing'
  | 'unknown'
  | 'already-decided'
  | 'own-request'
  | 'four-eyes'
  | 'not-an-approver'
  | 'once-only';

export interface NoticeProps {
  readonly kind: DecisionNotice;
  readonly id: string;
  /** Who was first, for what was decided before. */
  readonly by: string | null;
}

/** A request, and whether the viewer could decide on it. */
export interface WaitingApproval {
  readonly approval: ApprovalView;
  readonly decides: ApprovalStanding['decides'];
}

export interface ApprovalsProps {
  readonly frame: Frame;
  readonly waiting: readonly WaitingApproval[];
  /** What counts for more than once. */
  readonly standing: readonly ApprovalView[];
  readonly decided: readonly ApprovalView[];
  readonly notice: NoticeProps | null;
  /** What the viewer has just done to a session whose page they can't see. */
  readonly done: ControlKind | null;
  /** Whether the viewer may open the sessions that the requests belong to. */
  readonly mayReadSessions: boolean;
}

export interface ApprovalProps {
  readonly frame: Frame;
  readonly approval: ApprovalView;
  readonly decides: ApprovalStanding['decides'];
  /** null = it isn't the viewer's to see. */
  readonly around: ApprovalSurroundings | null;
  /** null = its session doesn't run, or the viewer may do nothing to it. */
  readonly live: LiveSession | null;
  readonly notice: NoticeProps | null;
  readonly mayReadSessions: boolean;
  /** The viewer may end what counts for more than once. */
  readonly mayRevoke: boolean;
}

export interface ApprovalPages {
  approvals(props: ApprovalsProps): string;
  approval(props: ApprovalProps): string;
}
