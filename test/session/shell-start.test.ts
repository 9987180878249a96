import assert from 'node:assert/strict';
import { markedShell, upstreamRequest } from '../../server/session/shell-start.ts';
import { request } from '../support/session-fakes.ts';

describe('the start of a shell that marks its prompts', () => {
  it('can be read by login shells of any kind', () => {
    const command = markedShell('0a1b');
    // fish takes two backslashes for one, csh no line breaks, and both have one kind of quotes in common.
    assert.doesNotMatch(command, /\\\\|[\n!]/);
    assert.match(command, /^exec \/bin\/sh -c '[^']*' 'sh' '[^']*' '[^']*' '[^']*'$/);
    assert.doesNotMatch(command, /NONCE/);
    assert.match(command, /__sallyport_nonce=0a1b;/);
  });

  it('is asked for interactive shells only, and only with a nonce', () => {
    const asked = upstreamRequest(request('shell', null, true), [], '0a1b');
    assert.equal(asked.kind, 'exec');
    assert.equal(asked.command?.toString(), markedShell('0a1b'));
    for (const [one, nonce] of [
      [request('shell', null, true), null],
      [request('shell', null), '0a1b'],
      [request('exec', 'ls', true), '0a1b'],
    ] as const) {
      const { kind, command } = upstreamRequest(one, [], nonce);
      assert.deepEqual([kind, command], [one.kind, one.command]);
    }
  });

  it('leaves out variables that may not reach the target', () => {
    const env = ['LANG', 'LC_ALL', 'LD_PRELOAD'].map((name) => ({ name, value: 'x' }));
    const { env: passed } = upstreamRequest(
      { ...request('exec', 'ls'), env },
      ['LANG', 'LC_*'],
      null,
    );
    assert.deepEqual(
      passed.map(({ name }) => name),
      ['LANG', 'LC_ALL'],
    );
  });
});
