/** What stands below a command: who decided on it and when, by which policy, and what was noted. */
import type { ApprovalView, CommandView } from '../../server/http/ports.ts';
import type { NoteView } from '../../server/http/review-ports.ts';
import { approvalAddress } from './address.ts';
import { ApprovalBadge } from './badge.tsx';
import { Moment } from './moment.tsx';
import { Visible } from './visible.tsx';

export function ApprovalWords({ approval }: { readonly approval: ApprovalView }) {
  const { decidedAt, decidedBy, decisionReason, id, standing, status } = approval;
  return (
    <span>
      <a href={approvalAddress(id)}>
        approval <Visible text={id} />
      </a>{' '}
      <ApprovalBadge status={status} />
      {decidedBy !== null && (
        <>
          {' '}
          by{' '}
          <b>
            <Visible text={decidedBy} />
          </b>
        </>
      )}
      {decidedAt !== null && (
        <>
          {' '}
          at <Moment at={decidedAt} saysUtc />
        </>
      )}
      {standing !== null && (
        <>
          {' '}
          by the earlier approval <Visible text={standing} />
        </>
      )}
      {decisionReason !== null && (
        <>
          : <Visible text={decisionReason} />
        </>
      )}
    </span>
  );
}

/** Which policy judged it, and the directory that it stood in. */
export function PolicyWords({ command }: { readonly command: CommandView }) {
  const { directoryVersion = null, policy = null, policyVersion = null } = command;
  if (policy === null) return null;
  const title =
    directoryVersion === null ? undefined : `version ${directoryVersion} of the directory`;
  return (
    <span title={title}>
      policy <Visible text={policy} />
      {policyVersion !== null && ` v${policyVersion}`}
    </span>
  );
}

export function NoteLinks({ notes }: { readonly notes: readonly NoteView[] }) {
  return (
    <>
      {notes.map(({ number }) => (
        <a key={number} href={`#note-${number}`}>
          note {number}
        </a>
      ))}
    </>
  );
}
