/** Each rule with what it did; below, a changed policy tried on the commands of the last days. */
import type { RulesProps } from '../../server/http/rule-page-props.ts';
import type {
  PolicyView,
  RuleHits,
  RuleView,
  TrialDecision,
  TrialOutcome,
  TrialRow,
} from '../../server/http/rule-ports.ts';
import type { AssetPaths } from '../build.ts';
import { sessionAddress } from '../parts/address.ts';
import { Badge, DecisionBadge } from '../parts/badge.tsx';
import { Document } from '../parts/document.tsx';
import { ago, plural } from '../parts/format.ts';
import { Cell, Table } from '../parts/table.tsx';
import { Visible } from '../parts/visible.tsx';

export function RulesPage(props: RulesProps & { readonly assets: AssetPaths }) {
  const { assets, form, frame, outcome, policies } = props;
  return (
    <Document frame={frame} assets={assets} title="Rules" current="rules">
      <div class="row title">
        <h1>Rules</h1>
        <span class="muted">hits of the last 7 and 30 days</span>
      </div>
      {form !== null && <Trial form={form} outcome={outcome} />}
      {policies.length === 0 && (
        <div class="panel empty">
          <h2>No policy yet</h2>
          <p>
            The configuration says what is allowed: <code>npx sallyport apply FILE</code>
          </p>
        </div>
      )}
      {policies.map((policy) => (
        <Policy key={policy.name} policy={policy} nowMs={frame.nowMs} />
      ))}
    </Document>
  );
}

function Policy({ nowMs, policy }: { readonly policy: PolicyView; readonly nowMs: number }) {
  const query = new URLSearchParams({ policy: policy.name }).toString();
  return (
    <section id={`policy-${policy.name}`} aria-label={`Policy ${policy.name}`}>
      <div class="row">
        <h2>
          <Visible text={policy.name} />
        </h2>
        <span class="muted">version {policy.version}</span>
        <span class="muted">
          otherwise <DecisionBadge decision={policy.default} />
        </span>
        <span class="muted">
          uncertain <DecisionBadge decision={policy.uncertain} />
        </span>
        {policy.masks.length > 0 && (
          <span class="muted">
            masks <Visible text={policy.masks.join(', ')} />
          </span>
        )}
        <span class="grow" />
        <a class="button" href={`/rules?${query}`}>
          Try a change
        </a>
      </div>
      <Table columns={['Rule', 'What it matches', 'Hits', 'Last']}>
        {policy.rules.map((rule) => (
          <Rule key={`${rule.pack ?? ''} ${rule.name}`} rule={rule} nowMs={nowMs} />
        ))}
        <tr>
          <Cell of="Rule">
            <span class="muted">no rule</span>
          </Cell>
          <Cell of="What it matches" class="muted">
            what is uncertain, or falls under the default
          </Cell>
          <Hits hits={policy.withoutRule} nowMs={nowMs} />
        </tr>
      </Table>
    </section>
  );
}

function Rule({ nowMs, rule }: { readonly rule: RuleView; readonly nowMs: number }) {
  return (
    <tr>
      <Cell of="Rule">
        <Visible text={rule.name} /> <DecisionBadge decision={rule.action} />
        {rule.pack !== null && <span class="sub">pack {rule.pack}</span>}
        {rule.reason !== null && (
          <span class="sub">
            <Visible text={rule.reason} />
          </span>
        )}
      </Cell>
      <Cell of="What it matches">
        <Written written={rule.written} />
      </Cell>
      <Hits hits={rule} nowMs={nowMs} />
    </tr>
  );
}

/** More patterns than this are folded. */
const SHOWN_PATTERNS = 6;

function Written({ written }: { readonly written: RuleView['written'] }) {
  const { match, ...rest } = written;
  const parts = { ...(match as Readonly<Record<string, unknown>> | undefined), ...rest };
  return (
    <dl class="data">
      {Object.entries(parts).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Values values={(Array.isArray(value) ? value : [value]) as readonly unknown[]} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Values({ values }: { readonly values: readonly unknown[] }) {
  const texts = values.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  const list = (some: readonly string[]) => (
    <ul class="names">
      {some.map((one) => (
        <li key={one}>
          <code>
            <Visible text={one} />
          </code>
        </li>
      ))}
    </ul>
  );
  if (texts.length <= SHOWN_PATTERNS) return list(texts);
  return (
    <>
      {list(texts.slice(0, SHOWN_PATTERNS))}
      <details>
        <summary>{texts.length - SHOWN_PATTERNS} more</summary>
        {list(texts.slice(SHOWN_PATTERNS))}
      </details>
    </>
  );
}

function Hits({ hits, nowMs }: { readonly hits: RuleHits; readonly nowMs: number }) {
  return (
    <>
      <Cell of="Hits" class="hits">
        {hits.week.toLocaleString('en')}
        <span class="muted"> / {hits.month.toLocaleString('en')}</span>
      </Cell>
      <Cell of="Last">
        {hits.lastAt === null ? (
          <span class="muted">never</span>
        ) : (
          <time dateTime={hits.lastAt}>{ago(hits.lastAt, nowMs)}</time>
        )}
      </Cell>
    </>
  );
}

function Trial(props: {
  readonly form: NonNullable<RulesProps['form']>;
  readonly outcome: RulesProps['outcome'];
}) {
  const { form, outcome } = props;
  return (
    <section class="trial" aria-labelledby="trial">
      <h2 id="trial">
        Try a change of <Visible text={form.name} />
      </h2>
      <p class="muted">
        Commands that ran under this policy are judged by it and by the text below. Nothing is
        applied.
      </p>
      <form class="panel" method="post" action="/rules">
        <input type="hidden" name="name" value={form.name} />
        <label>
          Changed policy (YAML)
          <textarea name="policy" rows={16} maxLength={50_000} spellcheck={false}>
            {form.text}
          </textarea>
        </label>
        <div class="row">
          <label class="row">
            Commands of the last
            <input name="days" type="number" min={1} max={30} value={form.days} required />
            days
          </label>
          <span class="grow" />
          <a class="button quiet" href="/rules">
            Close
          </a>
          <button type="submit" class="primary">
            Try
          </button>
        </div>
      </form>
      {outcome !== null && <Outcome outcome={outcome} />}
    </section>
  );
}

function Outcome({ outcome }: { readonly outcome: Exclude<TrialOutcome, { kind: 'unknown' }> }) {
  if (outcome.kind === 'invalid') {
    return (
      <div class="notice bad" role="alert">
        <strong>The changed policy can’t be used.</strong>
        <ul>
          {outcome.problems.map((problem) => (
            <li key={problem}>
              <Visible text={problem} />
            </li>
          ))}
        </ul>
      </div>
    );
  }
  const { changed, isCut, looser, otherRule, same, stricter } = outcome;
  const total = looser + stricter + otherRule + same;
  return (
    <>
      <p class="notice" role="status">
        <strong>{plural(looser + stricter + otherRule, 'different command')} would change</strong>{' '}
        of {total.toLocaleString('en')}: {looser} looser, {stricter} stricter, {otherRule} by
        another rule.
        {isCut && ' There were more; the newest are tried.'}
      </p>
      {changed.length > 0 && <Changes changed={changed} />}
      {changed.length < looser + stricter + otherRule && (
        <p class="muted">The first {changed.length.toLocaleString('en')} are listed.</p>
      )}
    </>
  );
}

function Changes({ changed }: { readonly changed: readonly TrialRow[] }) {
  return (
    <Table columns={['Command', 'Ran', 'Now', 'Then']}>
      {changed.map((row) => (
        <tr key={`${row.session} ${row.seq}`}>
          <Cell of="Command">
            <a href={sessionAddress(row.session, row.seq)}>
              <code>
                <Visible text={row.text} />
              </code>
            </a>
            <span class="sub">
              <Visible text={row.principal} /> on <Visible text={row.target} />
            </span>
          </Cell>
          <Cell of="Ran">{row.count.toLocaleString('en')}×</Cell>
          <Cell of="Now">
            <Decided decision={row.before} />
          </Cell>
          <Cell of="Then">
            <Decided decision={row.after} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

function Decided({ decision }: { readonly decision: TrialDecision }) {
  return (
    <>
      <DecisionBadge decision={decision.decision} />{' '}
      {decision.rule !== null && <Badge tone="plain">{decision.rule}</Badge>}
      {decision.reason !== null && (
        <span class="sub">
          <Visible text={decision.reason} />
        </span>
      )}
    </>
  );
}
