/** Two runs side by side: first what is new or came out otherwise, then all of it. */
import type { ComparedRow } from '../../server/http/compare.ts';
import type { CompareProps } from '../../server/http/run-page-props.ts';
import type { RunCommand, RunView } from '../../server/http/run-ports.ts';
import type { AssetPaths } from '../build.ts';
import { runAddress, sessionAddress } from '../parts/address.ts';
import { Badge, DecisionBadge, ExitStatus, TrustBadge } from '../parts/badge.tsx';
import { Document } from '../parts/document.tsx';
import { dateTime, plural } from '../parts/format.ts';
import { Cell, Table } from '../parts/table.tsx';
import { Visible } from '../parts/visible.tsx';

type Row = ComparedRow<RunCommand>;

const KINDS = {
  new: { tone: 'info', word: 'new', title: 'only in the second run' },
  changed: { tone: 'hold', word: 'changed', title: 'the same program, called otherwise' },
  gone: { tone: 'plain', word: 'gone', title: 'only in the first run' },
  same: { tone: 'ok', word: 'same', title: 'the same command' },
} as const;

export function ComparePage(props: CompareProps & { readonly assets: AssetPaths }) {
  const { assets, comparison, frame, isCut, left, right } = props;
  const swapped = new URLSearchParams({
    principal: right.principal,
    run: right.run,
    withPrincipal: left.principal,
    with: left.run,
  });
  return (
    <Document frame={frame} assets={assets} title="Compare runs" current="runs">
      <div class="row title">
        <h1>Compare runs</h1>
        <span class="grow" />
        <a class="button" href={`/compare?${swapped.toString()}`}>
          Swap
        </a>
      </div>
      <div class="versus">
        <RunCard run={left} word="First" />
        <RunCard run={right} word="Second" />
      </div>
      {isCut && (
        <p class="notice" role="status">
          <strong>Only the first 2,000 commands of each run are compared.</strong>
        </p>
      )}
      {comparison.kind === 'too-different' ? (
        <div class="panel empty">
          <h2>The runs have too little in common</h2>
          <p>They differ in more than a thousand places, so nothing was aligned.</p>
        </div>
      ) : (
        <Aligned rows={comparison.rows} />
      )}
    </Document>
  );
}

function RunCard({ run, word }: { readonly run: RunView; readonly word: string }) {
  return (
    <section class="panel" aria-label={`${word} run`}>
      <h2>
        {word}:{' '}
        <a href={runAddress(run)}>
          <Visible text={run.run} />
        </a>{' '}
        {run.attribution !== null && <TrustBadge attribution={run.attribution} />}
      </h2>
      <p class="muted">
        <Visible text={run.principal} />, {dateTime(run.startedAt)} UTC,{' '}
        {plural(run.commandCount, 'command')}
      </p>
    </section>
  );
}

function Aligned({ rows }: { readonly rows: readonly Row[] }) {
  const differing = rows.filter((row) => row.kind !== 'same' || row.differs.length > 0);
  // What is new is what an auditor came for.
  const order = ['new', 'changed', 'same', 'gone'] as const;
  const sorted = differing.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  return (
    <>
      <section aria-labelledby="differences">
        <h2 id="differences">{plural(differing.length, 'difference')}</h2>
        {sorted.length === 0 ? (
          <div class="panel empty">
            <p>Both runs ran the same commands in the same order, with the same results.</p>
          </div>
        ) : (
          <Rows rows={sorted} />
        )}
      </section>
      <section aria-labelledby="all">
        <h2 id="all">All commands in order</h2>
        <Rows rows={rows} />
      </section>
    </>
  );
}

function Rows({ rows }: { readonly rows: readonly Row[] }) {
  return (
    <Table columns={['Difference', 'First run', 'Second run']} layout="compared">
      {rows.map((row, index) => (
        <tr key={index} class={row.kind}>
          <Cell of="Difference">
            <Kind row={row} />
          </Cell>
          <Cell of="First run">
            <Command command={row.left} />
          </Cell>
          <Cell of="Second run">
            <Command command={row.right} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

function Kind({ row }: { readonly row: Row }) {
  if (row.kind === 'same' && row.differs.length > 0) {
    const what = row.differs.map((name) => (name === 'decision' ? 'decision' : 'exit status'));
    return <Badge tone="hold">{`other ${what.join(', ')}`}</Badge>;
  }
  const { title, tone, word } = KINDS[row.kind];
  return (
    <Badge tone={tone} title={title}>
      {word}
    </Badge>
  );
}

function Command({ command }: { readonly command: RunCommand | null }) {
  if (command === null) return <span class="muted">none</span>;
  return (
    <>
      <a href={sessionAddress(command.session, command.seq)}>
        <code>
          <Visible text={command.text} />
        </code>
      </a>
      <span class="sub">
        <Visible text={`${command.login}@${command.target}`} />{' '}
        {command.decision !== 'allow' && <DecisionBadge decision={command.decision} />}{' '}
        <ExitStatus status={command.exitStatus} />
      </span>
    </>
  );
}
