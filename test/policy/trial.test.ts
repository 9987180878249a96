import assert from 'node:assert/strict';
import { tryOut } from '../../server/policy/trial.ts';
import { FACTS, policyOf } from './support.ts';

const BEFORE = policyOf({
  rules: [
    { name: 'a', action: 'deny', match: { command: 'reboot' } },
    { name: 'b', action: 'hold', match: { command: 'kubectl exec' } },
  ],
});
const AFTER = policyOf({
  rules: [
    { name: 'a', action: 'hold', match: { command: 'reboot' } },
    { name: 'c', action: 'hold', match: { command: 'kubectl *' } },
  ],
});

const TABLE = [
  ['ls', 'same'],
  ['reboot', 'looser'],
  ['kubectl exec x', 'other-rule'],
  ['kubectl get pods', 'stricter'],
  ['sudo reboot', 'looser'],
] as const;

describe('trying a changed policy', () => {
  for (const [text, kind] of TABLE) {
    it(`${text}: ${kind}`, () => {
      const trial = tryOut(BEFORE, AFTER, { text, language: 'shell', facts: FACTS });
      assert.equal(trial.kind, kind);
    });
  }
});
