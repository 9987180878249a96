/** What the pages show on which people sign ssh clients and machines in, and see their keys. Types only. */
import type { DeviceView, LinkView, OwnKeyView } from './link-ports.ts';
import type { Frame } from './pages.ts';

export interface LinkProps {
  readonly frame: Frame;
  /** Where the form posts to. */
  readonly action: string;
  readonly link: LinkView;
  /** Address of the browser, without a port. */
  readonly browser: string;
  /** How long a key may be remembered, milliseconds, shortest first; empty = not at all. */
  readonly lives: readonly number[];
  /** What was wrong with what was sent. */
  readonly problem: string | null;
}

export interface DeviceProps {
  readonly frame: Frame;
  /** As typed; '' = nothing yet. */
  readonly code: string;
  /** null = a code is to be typed first. */
  readonly device: DeviceView | null;
  readonly browser: string;
  readonly lifeMs: number;
  readonly problem: string | null;
}

/** What became of it. */
export interface SignedClientProps {
  readonly frame: Frame;
  readonly done: 'signed-in' | 'refused';
  readonly client: 'ssh' | 'device';
}

export interface OwnKeysProps {
  readonly frame: Frame;
  readonly keys: readonly OwnKeyView[];
  /** A key has just been revoked. */
  readonly isRevoked: boolean;
}

/** The part of Pages that shows them. */
export interface LinkPages {
  link(props: LinkProps): string;
  device(props: DeviceProps): string;
  signedClient(props: SignedClientProps): string;
  ownKeys(props: OwnKeysProps): string;
}
