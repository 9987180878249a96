import assert from 'node:assert/strict';
import { MAX_UNREPORTED_LINES, ReportedLines } from '../../server/session/reported-lines.ts';

describe('lines that a shell reports', () => {
  it('are known when they were judged, in whatever order', () => {
    const lines = new ReportedLines();
    lines.released(['ls -l', 'ls'], false);
    lines.released(['input for a program'], false);
    lines.released(['pwd'], false);
    assert.deepEqual(lines.reported('ls'), { kind: 'known' });
    assert.deepEqual(lines.reported('pwd'), { kind: 'known' });
  });

  it('are known once only', () => {
    const lines = new ReportedLines();
    lines.released(['ls'], false);
    assert.equal(lines.reported('ls').kind, 'known');
    assert.equal(lines.reported('ls').kind, 'unknown');
  });

  it('are known when the shell has joined them', () => {
    const lines = new ReportedLines();
    lines.released(['for i in 1', 'for i in 1'], false);
    lines.released(['do x', 'for i in 1\ndo x'], false);
    lines.released(['done', 'for i in 1\ndo x\ndone'], false);
    assert.deepEqual(lines.reported('for i in 1; do x; done'), { kind: 'known' });
    lines.released(['echo one \\\ntwo'], false);
    assert.deepEqual(lines.reported('echo one two'), { kind: 'known' });
  });

  it('are unknown when nobody read them, and say whether a person had approved', () => {
    const lines = new ReportedLines();
    assert.deepEqual(lines.reported('ls'), { kind: 'unknown', isApproved: false });
    assert.deepEqual(lines.reported(' '), { kind: 'known' });
    lines.released(['!!'], true);
    assert.deepEqual(lines.reported('reboot'), { kind: 'unknown', isApproved: true });
    assert.deepEqual(lines.reported('reboot'), { kind: 'unknown', isApproved: false });
  });

  it('are remembered up to a bound', () => {
    const lines = new ReportedLines();
    for (let n = 0; n <= MAX_UNREPORTED_LINES; n += 1) lines.released([`ls ${n}`], false);
    assert.equal(lines.reported('ls 0').kind, 'unknown');
    assert.equal(lines.reported(`ls ${MAX_UNREPORTED_LINES}`).kind, 'known');
  });
});
