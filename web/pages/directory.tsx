/** What is configured: principals, targets, grants and credentials, one kind a page. */
import type { DirectoryProps } from '../../server/http/pages.ts';
import type { DirectoryViews } from '../../server/http/ports.ts';
import type { AssetPaths } from '../build.ts';
import { policyAddress } from '../parts/address.ts';
import { Badge, KindBadge } from '../parts/badge.tsx';
import { Document } from '../parts/document.tsx';
import { Field, filteredAddress, Submit } from '../parts/filters.tsx';
import { dateTime, plural } from '../parts/format.ts';
import { Moment } from '../parts/moment.tsx';
import { Cell, Table } from '../parts/table.tsx';
import { Visible } from '../parts/visible.tsx';

const KINDS = [
  ['principals', 'Principals', 'principal'],
  ['targets', 'Targets', 'target'],
  ['grants', 'Grants', 'grant'],
  ['credentials', 'Credentials', 'credential'],
] as const;

export function DirectoryPage(props: DirectoryProps & { readonly assets: AssetPaths }) {
  const { assets, found, frame, q, total } = props;
  const [, title, noun] = KINDS.find(([kind]) => kind === found.kind) ?? KINDS[0];
  return (
    <Document frame={frame} assets={assets} title={title} current="directory">
      <div class="row title">
        <h1>{title}</h1>
        <span class="muted">
          {found.items.length === total
            ? plural(total, noun)
            : `${found.items.length.toLocaleString('en')} of ${plural(total, noun)}`}
        </span>
        <span class="grow" />
        <a class="button" href={`/api/v1/${found.kind}`} download={`${found.kind}.json`}>
          Export JSON
        </a>
      </div>
      <nav class="tabs" aria-label="Directory">
        {KINDS.map(([kind, word]) => (
          <a key={kind} href={`/${kind}`} aria-current={kind === found.kind ? 'page' : undefined}>
            {word}
          </a>
        ))}
      </nav>
      <form class="panel filters one" method="get" action={`/${found.kind}`} role="search">
        <Field name="q" label="Contains" value={q} kind="search" wide />
        <Submit word="Filter" clear={q === '' ? null : `/${found.kind}`} />
      </form>
      {found.items.length === 0 ? (
        <div class="panel empty">
          <h2>{q === '' ? `No ${noun} yet` : `No ${noun} matches`}</h2>
          <p>
            {q === '' ? 'The configuration says what there is: ' : 'Loosen the filter, or look at '}
            {q === '' ? <code>npx sallyport apply FILE</code> : <a href={`/${found.kind}`}>all</a>}
          </p>
        </div>
      ) : (
        <Items found={found} nowMs={frame.nowMs} />
      )}
    </Document>
  );
}

function Items({
  found,
  nowMs,
}: {
  readonly found: DirectoryProps['found'];
  readonly nowMs: number;
}) {
  switch (found.kind) {
    case 'principals':
      return (
        <Table columns={['Principal', 'Roles', 'Groups', 'Keys', 'Issuers', 'Sessions']}>
          {found.items.map((one) => (
            <PrincipalRow key={one.name} principal={one} nowMs={nowMs} />
          ))}
        </Table>
      );
    case 'targets':
      return (
        <Table columns={['Target', 'Address', 'Host key', 'Labels', 'Logins', 'Sessions']}>
          {found.items.map((one) => (
            <TargetRow key={one.name} target={one} />
          ))}
        </Table>
      );
    case 'grants':
      return (
        <Table columns={['Principals', 'Targets', 'Logins', 'Channels', 'Policy', 'Recording']}>
          {found.items.map((one) => (
            <GrantRow key={one.id} grant={one} />
          ))}
        </Table>
      );
    case 'credentials':
      return (
        <Table columns={['Credential', 'Kind', 'Version', 'Changed (UTC)', 'Public key']}>
          {found.items.map((one) => (
            <CredentialRow key={one.name} credential={one} />
          ))}
        </Table>
      );
  }
}

function Names({ names }: { readonly names: readonly string[] }) {
  if (names.length === 0) return <span class="muted">none</span>;
  return (
    <ul class="names">
      {names.map((name) => (
        <li key={name}>
          <Visible text={name} />
        </li>
      ))}
    </ul>
  );
}

function SessionsLink(props: { readonly filter: 'principal' | 'target'; readonly name: string }) {
  return <a href={filteredAddress('/sessions', { [props.filter]: props.name })}>sessions</a>;
}

function PrincipalRow(props: {
  readonly principal: DirectoryViews['principals'];
  readonly nowMs: number;
}) {
  const { principal } = props;
  return (
    <tr>
      <Cell of="Principal">
        <Visible text={principal.name} /> {principal.kind === 'agent' && <KindBadge kind="agent" />}{' '}
        {principal.disabled && <Badge tone="bad">disabled</Badge>}
        {principal.owner !== null && (
          <span class="sub">
            owner <Visible text={principal.owner} />
          </span>
        )}
      </Cell>
      <Cell of="Roles">
        <Names names={['user', ...principal.roles]} />
      </Cell>
      <Cell of="Groups">
        <Names names={principal.groups} />
      </Cell>
      <Cell of="Keys">
        {principal.keys.length === 0 && <span class="muted">none</span>}
        {principal.keys.map((key) => (
          <span key={key.fingerprint} class="key">
            <code>{key.fingerprint}</code>
            <span class="sub">
              {key.algorithm} <Visible text={key.comment} />
              {key.expiresAt !== null && ` until ${dateTime(key.expiresAt)}`}
            </span>
          </span>
        ))}
      </Cell>
      <Cell of="Issuers">
        {principal.oidc.length === 0 && <span class="muted">none</span>}
        {principal.oidc.map((one, index) => (
          <span key={index} class="key">
            <Visible text={one.issuer ?? 'the issuer that people sign in with'} />
            <span class="sub">
              <Visible text={one.subject ?? one.email ?? 'by its claims'} />
            </span>
          </span>
        ))}
      </Cell>
      <Cell of="Sessions">
        <SessionsLink filter="principal" name={principal.name} />
      </Cell>
    </tr>
  );
}

function TargetRow({ target }: { readonly target: DirectoryViews['targets'] }) {
  const labels = Object.entries(target.labels).map(([name, value]) => `${name}=${value}`);
  return (
    <tr>
      <Cell of="Target">
        <Visible text={target.name} />
      </Cell>
      <Cell of="Address">
        <code>
          <Visible text={target.address} />
        </code>
      </Cell>
      <Cell of="Host key">
        {target.hostKey === null ? (
          <Badge tone="bad" title="sessions are refused until a host key is pinned">
            not pinned
          </Badge>
        ) : (
          <code class="material">
            <Visible text={target.hostKey} />
          </code>
        )}
      </Cell>
      <Cell of="Labels">
        <Names names={labels} />
      </Cell>
      <Cell of="Logins">
        <Names names={target.logins.map(({ credential, name }) => `${name} by ${credential}`)} />
      </Cell>
      <Cell of="Sessions">
        <SessionsLink filter="target" name={target.name} />
      </Cell>
    </tr>
  );
}

function GrantRow({ grant }: { readonly grant: DirectoryViews['grants'] }) {
  const files = grant.files === 'full' ? [] : [`files ${grant.files}`];
  const forward = grant.forward.map((place) => `forward ${place}`);
  const kept = grant.keepDays === null ? 'for ever' : plural(grant.keepDays, 'day');
  return (
    <tr>
      <Cell of="Principals">
        <Names names={grant.principals} />
      </Cell>
      <Cell of="Targets">
        <Names names={grant.targets} />
      </Cell>
      <Cell of="Logins">
        <Names names={grant.logins} />
      </Cell>
      <Cell of="Channels">
        <Names names={[...grant.channels, ...files, ...forward]} />
      </Cell>
      <Cell of="Policy">
        <a href={policyAddress(grant.policy)}>
          <Visible text={grant.policy} />
        </a>
      </Cell>
      <Cell of="Recording">
        {grant.recording}
        <span class="sub">
          kept {kept}
          {grant.keepFiles && ', with the contents of files'}
        </span>
      </Cell>
    </tr>
  );
}

function CredentialRow({ credential }: { readonly credential: DirectoryViews['credentials'] }) {
  return (
    <tr>
      <Cell of="Credential">
        <Visible text={credential.name} />
      </Cell>
      <Cell of="Kind">
        {credential.kind ?? (
          <Badge tone="bad" title="npx sallyport credential put or generate">
            no material yet
          </Badge>
        )}
      </Cell>
      <Cell of="Version">{credential.version}</Cell>
      <Cell of="Changed (UTC)">
        <Moment at={credential.updatedAt} />
      </Cell>
      <Cell of="Public key">
        {credential.publicKey === null ? (
          <span class="muted">none</span>
        ) : (
          <code class="material">
            <Visible text={credential.publicKey} />
          </code>
        )}
      </Cell>
    </tr>
  );
}
