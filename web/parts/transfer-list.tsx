/** Files and forwards of a session: what went where, how much of it, and how it ended. */
import type { SessionProps } from '../../server/http/pages.ts';
import type { ContentView, TransferView } from '../../server/http/session-detail-props.ts';
import { clockTime, length, size } from './format.ts';
import { Visible } from './visible.tsx';

const OPERATIONS: Readonly<Record<string, string>> = {
  'file.read': 'read',
  'file.written': 'written',
  'file.copied': 'copied',
  'file.listed': 'listed',
  'file.renamed': 'renamed',
  'file.removed': 'removed',
  'file.changed': 'changed',
  'file.created': 'created',
  'transfer.ended': 'whole transfer',
  'forward.listening': 'listening',
  'forward.opened': 'opened',
  'forward.refused': 'refused',
  'forward.ended': 'ended',
};
const FAILED_STATUS: Readonly<Record<number, string>> = {
  1: 'failed',
  2: 'not there',
  3: 'not permitted',
  4: 'failed',
};

export function TransferList({ details, session }: SessionProps) {
  const { hasMoreTransfers, transfers } = details;
  if (transfers.length === 0) return null;
  const isForward = session.kind === 'forward';
  return (
    <section class="panel transfers" aria-labelledby="transfers-heading">
      <h2 id="transfers-heading">{isForward ? 'Forward' : 'Files'}</h2>
      <div class="scrolling" role="group" aria-label="Table of transfers" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">At</th>
              <th scope="col">Operation</th>
              <th scope="col">{isForward ? 'From and to' : 'Path'}</th>
              <th scope="col">To the target</th>
              <th scope="col">From the target</th>
              <th scope="col">Result</th>
            </tr>
          </thead>
          <tbody>
            {transfers.map((one) => (
              <Row key={one.entry} transfer={one} sessionId={session.id} />
            ))}
          </tbody>
        </table>
      </div>
      {hasMoreTransfers && (
        <p class="none">
          The last {transfers.length}. <a href={`/api/v1/sessions/${session.id}/transfers`}>All</a>{' '}
          of them as JSON, page by page.
        </p>
      )}
    </section>
  );
}

function Row(props: { readonly transfer: TransferView; readonly sessionId: string }) {
  const { sessionId, transfer } = props;
  const { atMs, command, kept, path, read, to, type, words, written } = transfer;
  const file = `/api/v1/sessions/${sessionId}/files/${command}`;
  const isKept = (direction: 'written' | 'read') => command !== null && kept.includes(direction);
  return (
    <tr>
      <td>
        {command === null ? clockTime(atMs) : <a href={`#cmd-${command}`}>{clockTime(atMs)}</a>}
      </td>
      <td>{OPERATIONS[type] ?? type}</td>
      <td class="paths">
        {path !== null && (
          <code>
            <Visible text={path} />
          </code>
        )}
        {to !== null && (
          <>
            {' → '}
            <code>
              <Visible text={to} />
            </code>
          </>
        )}
      </td>
      <td data-label="To the target">
        <Content content={written} href={isKept('written') ? `${file}?direction=written` : null} />
      </td>
      <td data-label="From the target">
        <Content content={read} href={isKept('read') ? `${file}?direction=read` : null} />
      </td>
      <td class="paths">
        <Result transfer={transfer} />
        {words !== null && (
          <span class="sub">
            <Visible text={words} />
          </span>
        )}
      </td>
    </tr>
  );
}

function Content(props: { readonly content: ContentView | null; readonly href: string | null }) {
  const { content, href } = props;
  if (content === null) return <span class="muted">–</span>;
  return (
    <>
      <span title={`${content.bytes.toLocaleString('en')} bytes`}>{size(content.bytes)}</span>
      {!content.isWhole && <span class="muted"> in part</span>}
      {href !== null && (
        <>
          {' '}
          <a href={href} download>
            download
          </a>
        </>
      )}
      {content.sha256 !== null && (
        <span class="sub">
          SHA-256 <code class="hash">{content.sha256}</code>
        </span>
      )}
    </>
  );
}

function Result({ transfer }: { readonly transfer: TransferView }) {
  const { durationMs, status, type } = transfer;
  if (durationMs !== null) return <>after {length(durationMs)}</>;
  if (type.startsWith('file.') && (type === 'file.read' || type === 'file.written')) {
    if (status === 0) return <>done</>;
    if (status === null) return <span class="nonzero">not closed</span>;
    return (
      <span class="nonzero">
        {FAILED_STATUS[status] ?? 'failed'} (status {status})
      </span>
    );
  }
  // Others are in the journal only when they have succeeded.
  return type.startsWith('file.') ? <>done</> : null;
}
