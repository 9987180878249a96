import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { assertPatched, engineIsPatched } from '../../../server/ssh/engine/driver.ts';

const require = createRequire(import.meta.url);
type Sink = ((payload: Buffer) => undefined) & { maxPacketSize?: number };
interface Half {
  allocPacket?(bytes: number): Buffer;
  encrypt?(packet: Buffer): void;
  decrypt?(bytes: Buffer, from: number, to: number): unknown;
}
const ciphers = require('ssh2/lib/protocol/crypto.js') as {
  readonly init: Promise<void>;
  readonly CIPHER_INFO: Record<string, { keyLen: number; ivLen: number }>;
  readonly MAC_INFO: Record<string, { len: number }>;
  createCipher(config: unknown): Half;
  createDecipher(config: unknown): Half;
};

/** Encrypts a packet and decrypts it with the given limit of the connection; true = it came through. */
function passes(name: string, native: boolean, bytes: number, limit: number | undefined): boolean {
  const info = ciphers.CIPHER_INFO[name];
  const macInfo = ciphers.MAC_INFO['hmac-sha2-256-etm@openssh.com'];
  assert.ok(info !== undefined && macInfo !== undefined);
  const [key, iv, macKey] = [info.keyLen, info.ivLen, macInfo.len].map((size) => randomBytes(size));
  const wire: Buffer[] = [];
  const common = { seqno: 3, macInfo, macKey, forceNative: native };
  const cipher = ciphers.createCipher({
    outbound: {
      ...common,
      cipherInfo: info,
      cipherKey: Buffer.from(key ?? ''),
      cipherIV: Buffer.from(iv ?? ''),
      onWrite: (part: Buffer) => wire.push(Buffer.from(part)),
    },
  });
  let length = -1;
  const onPayload: Sink = (payload) => void (length = payload.length);
  if (limit !== undefined) onPayload.maxPacketSize = limit;
  const decipher = ciphers.createDecipher({
    inbound: {
      ...common,
      decipherInfo: info,
      decipherKey: Buffer.from(key ?? ''),
      decipherIV: Buffer.from(iv ?? ''),
      onPayload,
    },
  });
  const packet = cipher.allocPacket?.(bytes) ?? Buffer.alloc(0);
  cipher.encrypt?.(packet);
  const all = Buffer.concat(wire);
  try {
    decipher.decrypt?.(all, 0, all.length);
  } catch {
    return false;
  }
  return length === bytes;
}

describe('the SSH library', () => {
  before(() => ciphers.init);

  it('is the version that the patch and the driver were made for', () => {
    const text = readFileSync(require.resolve('ssh2/package.json'), 'utf8');
    assert.equal((JSON.parse(text) as { version: string }).version, '1.17.0');
  });

  it('has the patch in force', () => {
    assert.equal(engineIsPatched(), true);
    assertPatched();
  });

  it('counts as unpatched when exchanges cannot be added', () => {
    const { ADDED_EXCHANGES } = require('ssh2/lib/protocol/kex.js') as {
      ADDED_EXCHANGES: Map<string, unknown>;
    };
    const [[name, exchange] = ['', null]] = ADDED_EXCHANGES;
    ADDED_EXCHANGES.clear();
    try {
      assert.throws(assertPatched, { code: 'engine.unpatched' });
    } finally {
      ADDED_EXCHANGES.set(name, exchange);
    }
    assertPatched();
  });

  for (const name of [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'aes256-ctr',
    'chacha20-poly1305@openssh.com',
  ]) {
    for (const native of [false, true]) {
      it(`limits packets of ${name} ${native ? 'without' : 'with'} the addon as the connection says`, () => {
        assert.ok(passes(name, native, 30_000, undefined));
        assert.ok(!passes(name, native, 40_000, undefined), 'a stranger gets no more');
        assert.ok(passes(name, native, 400_000, 500_000));
        assert.ok(!passes(name, native, 600_000, 500_000));
      });
    }
  }
});
