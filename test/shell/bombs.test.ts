/** How long they take is what `npm run bench` prints; here the work is counted. */
import { notEqual, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

import { judge } from '../../server/policy/judge.ts';
import { isCompleteInput } from '../../server/shell/complete.ts';
import {
  MAX_COMMANDS,
  MAX_LINE_BYTES,
  MAX_STEPS,
  MAX_UNCERTAINTIES,
} from '../../server/shell/limits.ts';
import { Reader } from '../../server/shell/reader.ts';
import { initialState } from '../../server/shell/state.ts';
import { FACTS, policyOf } from '../policy/support.ts';
import { BOMBS } from '../support/bombs.ts';

const file = parse(
  readFileSync(new URL('../cases/policy/corpus.yaml', import.meta.url), 'utf8'),
) as { policies: { corpus: object } };
const policy = policyOf(file.policies.corpus);

/** What one step may go beyond the budget, since it is counted before or after it is done. */
const MAX_OVERSHOOT = 1_000;

describe('inputs that are made to be slow', () => {
  for (const [name, text] of Object.entries(BOMBS)) {
    it(`are not allowed, and cost a bounded number of steps: ${name}`, () => {
      ok(Buffer.byteLength(text) <= MAX_LINE_BYTES * 3);
      const state = initialState();
      const reader = new Reader(state.copying);
      try {
        reader.runInputText(text, { state, input: state.input, via: [], depth: 0 });
      } catch (error) {
        // The grammar may run out of stack, which ends the reading; `readShell` says so.
        ok(error instanceof RangeError);
      }
      ok(reader.found.steps <= MAX_STEPS + MAX_OVERSHOOT, `${reader.found.steps} steps`);
      ok(reader.found.commands.length <= MAX_COMMANDS);
      ok(reader.found.uncertainties.length <= MAX_UNCERTAINTIES + 1);
      notEqual(judge(policy, FACTS, { text, language: 'shell' }).verdict, 'allow');
      ok(['complete', 'incomplete', 'invalid'].includes(isCompleteInput(text)));
    });
  }
});
