import assert from 'node:assert/strict';
import { SallyportError } from '../../server/errors.ts';
import type { Decision } from '../../server/policy/decision.ts';
import {
  deniedNotice,
  errorNotice,
  heldNotice,
  notice,
  ruleName,
} from '../../server/session/notice.ts';

/** Would move the cursor, end the line, set the title, or turn the text round. */
const HOSTILE = 'a\r\nb\u001b[2Jc\u001b]0;t\u0007d\u0000e\u007ff\u009b1mg\u2028h\u202ei';
const HARMLESS = 'a  b [2Jc ]0;t d e f 1mg h i';

function decision(changes: Partial<Decision> = {}): Decision {
  return {
    verdict: 'deny',
    certainty: 'exact',
    rule: 'wipe',
    reason: 'data',
    deciding: null,
    commands: [],
    approvers: [],
    ...changes,
  };
}

describe('notices', () => {
  it('are one line without control characters, whoever wrote the words', () => {
    const hostile = decision({ rule: HOSTILE, reason: HOSTILE });
    const approval = { id: 'K7M2QX', url: HOSTILE };
    const lines = [
      notice(HOSTILE),
      deniedNotice(hostile, 1, 's1'),
      heldNotice(hostile, approval, HOSTILE),
      errorNotice(new SallyportError('target.refused', HOSTILE, HOSTILE)),
    ];
    for (const line of lines) {
      assert.ok(line.startsWith('sallyport: '), line);
      assert.ok(line.includes(HARMLESS), line);
      assert.doesNotMatch(line, /\p{Cc}|\p{Zl}|\p{Zp}|[\u202a-\u202e\u2066-\u2069]/u);
    }
  });

  it('are bounded, and never end in half a character', () => {
    assert.equal(notice('x'.repeat(10_000)), `sallyport: ${'x'.repeat(1_200)}…`);
    assert.ok(notice(`x${'😀'.repeat(5000)}`).isWellFormed());
  });

  it('say what denied a command', () => {
    assert.equal(
      deniedNotice(decision(), 7, 's1'),
      'sallyport: denied by rule "wipe": data (command 7 of session s1)',
    );
    assert.equal(
      deniedNotice(decision({ rule: null, reason: null }), 1, 's1'),
      'sallyport: denied by rule "default": not allowed here (command 1 of session s1)',
    );
  });

  it('say how a held command is approved', () => {
    assert.equal(
      heldNotice(decision(), { id: 'K7M2QX', url: 'http://b/approvals#K7M2QX' }, '-p 2222 b'),
      'sallyport: held by rule "wipe": waiting for approval K7M2QX ' +
        '(http://b/approvals#K7M2QX, or: ssh -p 2222 b approve K7M2QX)',
    );
  });

  it('say what an error means and what to do', () => {
    const error = new SallyportError('target.refused', 'web1 refused', 'ask its operator');
    assert.equal(errorNotice(error), 'sallyport: web1 refused; ask its operator');
  });

  it('name what decided', () => {
    assert.equal(ruleName(decision()), 'wipe');
    assert.equal(ruleName(decision({ certainty: 'uncertain' })), 'wipe');
    assert.equal(ruleName(decision({ rule: null, certainty: 'uncertain' })), 'uncertain');
    assert.equal(ruleName(decision({ rule: null })), 'default');
  });
});
