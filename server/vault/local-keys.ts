/**
 * Data keys wrapped by the master keys of this installation. The keys are read again before anything is
 * sealed and when a data key is under one that isn't known, so that a running bastion learns of a new key
 * without a restart. A change of the environment needs one.
 */
import { randomBytes } from 'node:crypto';
import {
  DATA_KEY_BYTES,
  unwrapDataKey,
  wrapDataKey,
  type SealContext,
  type WrappedKey,
} from './envelope.ts';
import type { KeyService, UnwrapOutcome } from './key-service.ts';
import { keyIdOf, wrappingKeyOf, type MasterKey } from './master-key.ts';

/** Ids of local keys are bare hexadecimal. */
const LOCAL_ID = /^[0-9a-f]{16}$/;

/**
 * @param load reads the keys, the sealing one first
 * @returns null = there is no key. Rejects as `load` does.
 */
export async function createLocalKeys(
  place: string,
  load: () => Promise<readonly MasterKey[]>,
): Promise<KeyService | null> {
  const keys = await load();
  return keys.length === 0 ? null : new LocalKeys(place, load, keys);
}

class LocalKeys implements KeyService {
  readonly place: string;
  readonly #load: () => Promise<readonly MasterKey[]>;
  /** In the order of the file. */
  #keys: ReadonlyMap<string, MasterKey>;

  constructor(
    place: string,
    load: () => Promise<readonly MasterKey[]>,
    keys: readonly MasterKey[],
  ) {
    this.place = place;
    this.#load = load;
    this.#keys = byId(keys);
  }

  async current(): Promise<string> {
    await this.#reload();
    return this.#first().id;
  }

  owns(keyId: string): boolean {
    return LOCAL_ID.test(keyId);
  }

  async knows(keyId: string): Promise<boolean> {
    await this.#learn(keyId);
    return this.#keys.has(keyId);
  }

  async make(context: SealContext): Promise<{ key: WrappedKey; dataKey: Buffer }> {
    await this.#reload();
    const dataKey = randomBytes(DATA_KEY_BYTES);
    return { key: this.#wrap(context, dataKey), dataKey };
  }

  async unwrap(key: WrappedKey, context: SealContext): Promise<UnwrapOutcome> {
    await this.#learn(key.keyId);
    // Nothing may wait from here on: the keys may be read again meanwhile, and the old ones wiped.
    const masterKey = this.#keys.get(key.keyId);
    if (masterKey === undefined) return { kind: 'missing-key' };
    const wrappingKey = wrappingKeyOf(masterKey);
    const dataKey = unwrapDataKey(wrappingKey, key, context);
    wrappingKey.fill(0);
    return dataKey === null ? { kind: 'damaged' } : { kind: 'open', dataKey };
  }

  async rewrap(key: WrappedKey, context: SealContext): ReturnType<KeyService['rewrap']> {
    await this.#reload();
    if (key.keyId === this.#first().id) return { kind: 'current' };
    const outcome = await this.unwrap(key, context);
    if (outcome.kind !== 'open') return outcome;
    const wrapped = this.#wrap(context, outcome.dataKey);
    outcome.dataKey.fill(0);
    return { kind: 'wrapped', key: wrapped };
  }

  close(): void {
    for (const key of this.#keys.values()) key[Symbol.dispose]();
    this.#keys = new Map();
  }

  #wrap(context: SealContext, dataKey: Buffer): WrappedKey {
    const { id, masterKey } = this.#first();
    const wrappingKey = wrappingKeyOf(masterKey);
    const wrapped = wrapDataKey(wrappingKey, id, context, dataKey);
    wrappingKey.fill(0);
    return wrapped;
  }

  async #learn(keyId: string): Promise<void> {
    if (this.owns(keyId) && !this.#keys.has(keyId)) await this.#reload();
  }

  #first(): { readonly id: string; readonly masterKey: MasterKey } {
    for (const [id, masterKey] of this.#keys) return { id, masterKey };
    throw new Error('the keys were closed');
  }

  /** Keys that are gone from the file are forgotten; one that can't be read changes nothing and rejects. */
  async #reload(): Promise<void> {
    const fresh = byId(await this.#load());
    if (fresh.size === 0) return;
    const before = this.#keys;
    this.#keys = fresh;
    for (const key of before.values()) key[Symbol.dispose]();
  }
}

/** A key that is there twice counts once. */
function byId(keys: readonly MasterKey[]): Map<string, MasterKey> {
  const known = new Map<string, MasterKey>();
  for (const key of keys) {
    const id = keyIdOf(key);
    if (known.has(id)) key[Symbol.dispose]();
    else known.set(id, key);
  }
  return known;
}
