import assert from 'node:assert/strict';
import { thumbnail } from '../../server/http/thumbnail.ts';
import {
  commandView,
  keptSession,
  people,
  sessionId,
  startHttpWorld,
} from '../support/http-world.ts';

describe('thumbnails', () => {
  it('are well-formed whatever was on the screen', () => {
    const lines = [
      '<script>alert("&")</script>',
      ']]> & \u0001\u001b[31m\ufffe\ud800 𝒳',
      '',
      'x'.repeat(500),
    ];
    const svg = thumbnail({ cols: 500, rows: 200, lines });
    assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="-4 -4 968 608">/);
    assert.doesNotMatch(svg, /<script|\p{Cc}|\ufffe|\p{Cs}/u);
    assert.match(svg, /&lt;script&gt;alert\("&amp;"\)&lt;\/script&gt;/);
    assert.match(svg, /𝒳/u);
    assert.equal(svg.match(/<text /g)?.length, 3);
    assert.equal(svg.includes('x'.repeat(161)), false);
  });

  it('are journalled like every look, and shown to those who may look', async () => {
    const world = await startHttpWorld();
    try {
      world.recordings.add(keptSession(1, [commandView(1, { text: 'uname' })]));
      const path = `/api/v1/sessions/${sessionId(1)}/thumbnail`;
      const answer = await world.fetch(path, people.audrey);
      assert.equal(answer.headers.get('content-type'), 'image/svg+xml; charset=utf-8');
      assert.equal(answer.headers.get('content-security-policy'), "default-src 'none'");
      assert.match(await answer.text(), /uname/);
      assert.deepEqual(world.audit.ofType('recording.viewed'), [`audrey ${sessionId(1)}`]);
      assert.equal((await world.fetch(path, people.uma)).status, 404);
      assert.equal((await world.fetch(path)).status, 401);
      world.audit.failing = true;
      const other = `/api/v1/sessions/${sessionId(1)}/thumbnail`;
      assert.doesNotMatch(await (await world.fetch(other, people.alice)).text(), /uname/);
    } finally {
      await world.close();
    }
  });
});
