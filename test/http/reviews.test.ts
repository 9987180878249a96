import assert from 'node:assert/strict';
import {
  keptSession,
  people,
  sessionId,
  startHttpWorld,
  type HttpWorld,
} from '../support/http-world.ts';

describe('http notes on sessions', () => {
  let world: HttpWorld;
  before(async () => {
    world = await startHttpWorld();
    world.recordings.add(keptSession(1, []));
  });
  after(() => world.close());

  const write = (place: string, text: unknown): Promise<Response> =>
    world.fetch(`${place}/sessions/${sessionId(1)}/notes`, people.audrey, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
    });

  for (const text of ['', ' \r\n', '\0', '\0 \0', '\u200b', '\u3164\u2800', '\u{e0041}']) {
    it(`refuses "${encodeURIComponent(text)}", in which nobody sees anything`, async () => {
      for (const place of ['', '/api/v1']) {
        const answer = await write(place, text);
        assert.equal(answer.status, 400);
        assert.match(await answer.text(), /the note is empty/i);
      }
      assert.deepEqual(await world.options.reviews.notesOf(sessionId(1)), []);
    });
  }

  for (const text of [null, 7, 'x'.repeat(2001)]) {
    it(`refuses ${JSON.stringify(text).slice(0, 10)}`, async () => {
      const answer = await write('/api/v1', text);
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), /string of 1 to 2000 characters/);
    });
  }

  it('keeps what has words', async () => {
    assert.equal((await write('/api/v1', ' fine\u200b ')).status, 201);
    const [note] = await world.options.reviews.notesOf(sessionId(1));
    assert.equal(note?.text, 'fine\u200b');
  });
});
