/** What the routes of the directory change, and the versions that come of it. */
import type { DirectoryChange } from '../access/directory.ts';

export type EditedKind = 'principals' | 'targets' | 'grants' | 'policies' | 'credentials';

/** Who changes something, by which request. */
export interface EditActor {
  readonly principal: string;
  readonly source: string;
  /** `POST /api/v1/principals`, for the record. */
  readonly request: string;
}

export interface EntryProblem {
  /** Where in what was sent, `keys[0]`; '' = the whole of it. Or whose, where it is about something else. */
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

export type EditOutcome =
  | {
      readonly kind: 'done';
      /** Of a grant its id; null = it is gone. */
      readonly name: string | null;
      readonly isNew: boolean;
      /** Of the directory now. */
      readonly version: number;
      readonly changes: readonly DirectoryChange[];
      readonly warnings: readonly EntryProblem[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly EntryProblem[] }
  | { readonly kind: 'unknown' }
  /** Somebody has changed the directory meanwhile. */
  | { readonly kind: 'stale'; readonly version: number }
  /** What still names it. */
  | { readonly kind: 'named'; readonly by: readonly string[] }
  /** `principal disable` has shut it out, and only `principal enable` undoes that. */
  | { readonly kind: 'shut-out' };

/** Material of a credential, on its way into the vault. */
export interface CredentialMaterial {
  readonly kind: 'private-key' | 'password' | 'authority';
  /** Wiped by whoever takes it; null = a key is made. */
  readonly bytes: Buffer | null;
}

export interface VersionView {
  readonly version: number;
  /** ISO 8601. */
  readonly at: string;
  readonly via: 'apply' | 'start' | 'api' | 'scan';
  readonly principal: string | null;
  readonly source: string | null;
  readonly from: string;
  readonly changes: readonly DirectoryChange[];
}

export interface DirectoryEditDesk {
  /**
   * Puts one entry in place of the one of its name, or adds it.
   * @param grantId the grant that it replaces
   * @param ifVersion nothing is changed when the directory has another version by now
   */
  put(
    kind: EditedKind,
    entry: unknown,
    options: { readonly grantId: string | null; readonly ifVersion: number | null },
    by: EditActor,
  ): Promise<EditOutcome>;
  remove(
    kind: EditedKind,
    name: string,
    options: { readonly ifVersion: number | null },
    by: EditActor,
  ): Promise<EditOutcome>;
  /** Seals material for a credential that is declared. Rejects with `usage.invalid` for what is none. */
  seal(
    name: string,
    material: CredentialMaterial,
    by: EditActor,
  ): Promise<{ readonly version: number; readonly publicKey: string | null }>;
  /** What `put` would be sent to say what is; null = there is none. */
  entry(kind: EditedKind, name: string): Promise<unknown>;
  /** 0 = none is kept yet. */
  currentVersion(): Promise<number>;
  /** Newest first. */
  versions(query: {
    readonly limit: number;
    readonly before: number | null;
  }): Promise<{ readonly items: readonly VersionView[]; readonly next: string | null }>;
  /** With the whole directory as it was then. */
  version(number: number): Promise<(VersionView & { readonly document: unknown }) | null>;
}
