/** Policies as people look at them: rules with what they did, and changed ones tried on the past. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { stringify } from 'yaml';
import { readPolicy, type TestedPolicy } from './cli/policy-source.ts';
import type { Clock } from './clock.ts';
import { SallyportError } from './errors.ts';
import type {
  PolicyDesk,
  PolicyView,
  RuleHits,
  RuleView,
  TrialOutcome,
  TrialRow,
} from './http/rule-ports.ts';
import type { PolicyDocument, RuleDocument } from './policy/document.ts';
import { PACKS } from './policy/packs.ts';
import { tryOut, type Trial } from './policy/trial.ts';
import type { Principal } from './access/principal.ts';
import type { Target } from './access/target.ts';
import type { HitRow, SampleRow, StoredRuleHits } from './store/rule-hits.ts';

/** Sessions go on while a policy is tried: it pauses after this. */
const SLICE_MS = 10;
/** Changed commands that are listed. */
export const MAX_SHOWN_CHANGES = 500;
const DAY_MS = 86_400_000;

export interface PolicyDeskOptions {
  readonly hits: StoredRuleHits;
  readonly policies: () => Promise<
    readonly { readonly name: string; readonly version: number; readonly policy: unknown }[]
  >;
  readonly principals: () => Promise<readonly Principal[]>;
  readonly targets: () => Promise<readonly Target[]>;
  readonly clock: Clock;
}

export function createPolicyDesk(options: PolicyDeskOptions): PolicyDesk {
  const { clock, hits, policies } = options;
  const documentOf = async (name: string): Promise<unknown> =>
    (await policies()).find((one) => one.name === name)?.policy ?? null;
  return {
    policies: async () => {
      const [all, rows] = await Promise.all([policies(), hits.hits(clock.nowMs())]);
      return all.map((one) => policyView(one, rows));
    },
    written: async (name) => {
      const document = await documentOf(name);
      return document === null ? null : stringify({ policies: { [name]: document } });
    },
    tryOut: async ({ days, name, text }) => {
      const document = await documentOf(name);
      if (document === null) return { kind: 'unknown' };
      const [principals, targets] = await Promise.all([options.principals(), options.targets()]);
      const around = JSON.stringify({
        principals: principals.map(({ groups, name: one }) => ({ name: one, groups })),
        targets: targets.map(({ labels, name: one }) => ({ name: one, labels })),
      });
      const applied = JSON.stringify({ policies: { [name]: document } });
      const before = readPolicy([source('applied', applied), source('directory', around)], name);
      const after = changedPolicy(text, around, name);
      if ('problems' in after) return { kind: 'invalid', problems: after.problems };
      const since = new Date(clock.nowMs() - days * DAY_MS);
      const { isCut, samples } = await hits.samples(name, since);
      return { ...(await tried(before, after, samples, clock)), policy: name, isCut };
    },
  };
}

function source(file: string, text: string): { readonly file: string; readonly text: string } {
  return { file, text };
}

function changedPolicy(
  text: string,
  around: string,
  name: string,
): TestedPolicy | { readonly problems: readonly string[] } {
  try {
    return readPolicy([source('policy', text), source('directory', around)], name);
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'config.invalid') throw error;
    return { problems: error.message.split('; ') };
  }
}

type Tried = Omit<Extract<TrialOutcome, { kind: 'tried' }>, 'policy' | 'isCut'>;

/** What would be let through comes first: that is the risk of a change. */
const ORDER = ['looser', 'stricter', 'other-rule'] as const;

async function tried(
  before: TestedPolicy,
  after: TestedPolicy,
  samples: readonly SampleRow[],
  clock: Clock,
): Promise<Tried> {
  const counts: Record<Trial['kind'], number> = {
    looser: 0,
    stricter: 0,
    'other-rule': 0,
    same: 0,
  };
  const changed: (TrialRow & { readonly kind: (typeof ORDER)[number] })[] = [];
  let sliceEndUs = clock.monotonicUs() + SLICE_MS * 1000;
  for (const { language, ...sample } of samples) {
    const facts = before.factsOf(sample.principal, sample.target);
    const trial = tryOut(before.policy, after.policy, { text: sample.text, language, facts });
    counts[trial.kind] += 1;
    if (trial.kind !== 'same') changed.push({ ...sample, ...trial });
    if (clock.monotonicUs() < sliceEndUs) continue;
    await nextTurn();
    sliceEndUs = clock.monotonicUs() + SLICE_MS * 1000;
  }
  const sorted = changed.toSorted(
    (one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind) || other.count - one.count,
  );
  return {
    kind: 'tried',
    changed: sorted.slice(0, MAX_SHOWN_CHANGES).map(({ kind: _kind, ...row }) => row),
    looser: counts.looser,
    stricter: counts.stricter,
    otherRule: counts['other-rule'],
    same: counts.same,
  };
}

function policyView(
  stored: { readonly name: string; readonly version: number; readonly policy: unknown },
  rows: readonly HitRow[],
): PolicyView {
  // Only what compiled was stored.
  const document = stored.policy as PolicyDocument;
  const own = rows.filter((row) => row.policy === stored.name);
  const packs = (document.use ?? []).flatMap((pack) =>
    (PACKS.get(pack) ?? []).map((rule) => ruleView(rule, pack, own)),
  );
  return {
    name: stored.name,
    version: stored.version,
    default: document.default ?? 'allow',
    uncertain: document.uncertain ?? 'hold',
    withoutRule: hitsOf(own.filter((row) => row.rule === null)),
    rules: [...(document.rules ?? []).map((rule) => ruleView(rule, null, own)), ...packs],
    masks: (document.masks ?? []).map((mask) => mask.name),
  };
}

function ruleView(rule: RuleDocument, pack: string | null, rows: readonly HitRow[]): RuleView {
  const { action, name, reason, ...written } = rule;
  return {
    name,
    action,
    reason: reason ?? null,
    pack,
    written,
    ...hitsOf(rows.filter((row) => row.rule === name)),
  };
}

function hitsOf(rows: readonly HitRow[]): RuleHits {
  const sum = (count: (row: HitRow) => number): number =>
    rows.reduce((total, row) => total + count(row), 0);
  const last = rows.map((row) => row.lastAt.getTime());
  return {
    week: sum((row) => row.week),
    month: sum((row) => row.month),
    lastAt: last.length === 0 ? null : new Date(Math.max(...last)).toISOString(),
  };
}
