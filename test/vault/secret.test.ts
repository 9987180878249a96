import assert from 'node:assert/strict';
import { format, inspect } from 'node:util';
import { SallyportError } from '../../server/errors.ts';
import { Secret } from '../../server/vault/secret.ts';

describe('secret', () => {
  const words = 'open sesame';
  const make = (): Secret<'password'> => new Secret('password', Buffer.from(words));
  const nested = { list: [{ secret: make() }] };

  const printings: readonly (readonly [string, string])[] = [
    ['inspect', inspect(make(), { showHidden: true, depth: 9 })],
    ['inspect of an object that holds it', inspect(nested, { showHidden: true, depth: 9 })],
    ['format %o', format('%o %s %j', make(), make(), make())],
    ['conversion to text', String(make())],
    ['JSON', JSON.stringify(nested)],
    ['spread', JSON.stringify(Object.assign({}, make()))],
    ['an error that quotes it', inspect(new Error(`bad ${String(make())}`, { cause: make() }))],
    ['entries', JSON.stringify(Object.entries(make()))],
  ];
  for (const [name, printed] of printings) {
    it(`is not shown by ${name}`, () => {
      const traces = [words, Buffer.from(words).toString('base64'), '6f 70 65 6e', '111,112,101'];
      for (const trace of traces) assert.ok(!printed.includes(trace), printed);
    });
  }

  it('owns its bytes: the buffer that was handed over is wiped', () => {
    const given = Buffer.from(words);
    const secret = new Secret('password', given);
    assert.equal(secret.bytes.toString(), words);
    assert.deepEqual(given, Buffer.alloc(words.length));
  });

  it('does not share its memory with other buffers', () => {
    assert.equal(make().bytes.buffer.byteLength, words.length);
  });

  it('is wiped on disposal, and using it afterwards throws', () => {
    const secret = make();
    const bytes = secret.bytes;
    secret[Symbol.dispose]();
    secret[Symbol.dispose]();
    assert.deepEqual(bytes, Buffer.alloc(words.length));
    assert.throws(
      () => secret.bytes,
      (error) => error instanceof SallyportError && error.code === 'internal',
    );
  });
});
