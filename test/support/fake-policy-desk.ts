/** The desk of policies over commands that a test has. */
import type { PolicyDesk } from '../../server/http/rule-ports.ts';
import type { HitRow, SampleRow } from '../../server/store/rule-hits.ts';
import type { Clock } from '../../server/clock.ts';
import { HOSTILE } from './hostile-text.ts';

export const POLICY = {
  default: 'allow',
  uncertain: 'hold',
  use: ['power'],
  rules: [
    {
      name: 'no-wipe',
      action: 'deny',
      match: { path: ['/*', '/etc/**', '/data/**'], access: ['delete'] },
      reason: 'system paths',
    },
    { name: 'pods', action: 'hold', match: { command: 'kubectl exec' }, approvers: ['group:sre'] },
  ],
  masks: [{ name: 'cards', detector: 'credit-card' }],
} as const;

const HITS: readonly HitRow[] = [
  hit('no-wipe', 'deny', 3, 12),
  hit('power', 'hold', 0, 1),
  hit(null, 'hold', 2, 2),
];

function hit(rule: string | null, verdict: HitRow['verdict'], week: number, month: number): HitRow {
  const lastAt = new Date('2025-12-31T09:00:00.000Z');
  return { policy: 'default', rule, verdict, week, month, lastAt };
}

const SAMPLES: readonly SampleRow[] = [
  ['ls -la', 40],
  ['rm -rf /etc/nginx', 2],
  ['kubectl exec -it payments-0 -- sh', 5],
  ['curl https://example.org', 7],
  [HOSTILE, 1],
].map(([text, count], index) => ({
  text: String(text),
  count: Number(count),
  language: 'shell',
  principal: 'deploy-bot',
  target: 'web-01',
  session: '0197a000-0000-7000-8000-000000000007',
  seq: index + 1,
}));

export function fakePolicyDesk(clock: Clock): PolicyDesk {
  // Only when it is asked: the grammars behind it take their time, and tests of pages need them not.
  const desk = async (): Promise<PolicyDesk> => {
    const { createPolicyDesk } = await import('../../server/policy-trial.ts');
    return createPolicyDesk({
      hits: {
        hits: async () => HITS,
        samples: async () => ({ samples: SAMPLES, isCut: false }),
      },
      policies: async () => [{ name: 'default', version: 3, policy: POLICY }],
      principals: async () => [],
      targets: async () => [],
      clock,
    });
  };
  return {
    policies: async () => (await desk()).policies(),
    written: async (name) => (await desk()).written(name),
    tryOut: async (wish) => (await desk()).tryOut(wish),
  };
}
