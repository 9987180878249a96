/** Who wraps data keys: the master keys of this installation, or a service outside that never shows its key. */
import type { SealContext, WrappedKey } from './envelope.ts';

export type UnwrapOutcome =
  | { readonly kind: 'open'; readonly dataKey: Buffer }
  /** The key that wrapped it isn't known here (any more). */
  | { readonly kind: 'missing-key' }
  /** Changed, or moved from another credential. */
  | { readonly kind: 'damaged' };

/** Rejects with `vault.locked` when the service can't be asked; what a caller gets is its own to wipe. */
export interface KeyService {
  /** For people: `master key in /etc/sallyport/key`. */
  readonly place: string;
  /** Id of the key that wraps now; null = the service doesn't tell. */
  current(): Promise<string | null>;
  /** Whether a key of this id was wrapped here, or may have been. */
  owns(keyId: string): boolean;
  /** Whether a data key under this id can be opened now. */
  knows(keyId: string): Promise<boolean>;
  make(context: SealContext): Promise<{ readonly key: WrappedKey; readonly dataKey: Buffer }>;
  unwrap(key: WrappedKey, context: SealContext): Promise<UnwrapOutcome>;
  /** The same data key under the current key; null = it is already. */
  rewrap(
    key: WrappedKey,
    context: SealContext,
  ): Promise<
    | { readonly kind: 'wrapped'; readonly key: WrappedKey }
    | { readonly kind: 'current' }
    | Exclude<UnwrapOutcome, { kind: 'open' }>
  >;
  /** Wipes what is held. */
  close(): void;
}

/** The one that seals, and all that open. */
export interface KeyServices {
  readonly sealing: KeyService;
  readonly opening: readonly KeyService[];
}
