/** What travels through a session's channels, one queue per direction; part of ports.ts, which adapters import. */

export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Tells whoever made a request whether it was granted. Called at most once. */
export type Answer = (isGranted: boolean) => void;

/** From the client towards the target. `close` is last: the client is gone. */
export type InputUnit =
  | { readonly kind: 'data'; readonly bytes: Buffer }
  | { readonly kind: 'eof' }
  | { readonly kind: 'resize'; readonly size: TerminalSize }
  /** Name without `SIG`, RFC 4254 section 6.9. */
  | { readonly kind: 'signal'; readonly name: string; readonly answer?: Answer }
  /** RFC 4335. */
  | { readonly kind: 'break'; readonly lengthMs: number; readonly answer?: Answer }
  | { readonly kind: 'close' };

/** From the target towards the client. `close` is last. */
export type OutputUnit =
  | { readonly kind: 'data'; readonly stream: 'stdout' | 'stderr'; readonly bytes: Buffer }
  | { readonly kind: 'eof' }
  | { readonly kind: 'exit'; readonly status: number }
  | {
      readonly kind: 'exit-signal';
      readonly name: string;
      readonly coreDumped: boolean;
      readonly message: string;
    }
  /** `isBroken`: the target didn't send it, the connection to it ended. */
  | { readonly kind: 'close'; readonly isBroken?: true };

/** One end of a channel as the pipeline sees it. */
export interface ChannelEnd<In, Out> {
  /**
   * The next unit in the order of arrival. Not reading is back-pressure: the peer's SSH window runs
   * dry. After `close` every read gives `close` again. One read at a time.
   */
  read(): Promise<In>;
  /**
   * Resolves when there is room for more (maxUnsentBytes). Units go out in call order. Never rejects:
   * what is written to a closed end is dropped, and `read` says `close`.
   */
  write(unit: Out): Promise<void>;
}
export interface DownstreamEnd extends ChannelEnd<InputUnit, OutputUnit> {
  /** Resolves once the client has answered; false = its connection ended. Absent: nobody can say. */
  isThere?(): Promise<boolean>;
}
export type UpstreamEnd = ChannelEnd<OutputUnit, InputUnit>;
