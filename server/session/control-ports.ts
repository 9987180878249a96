/** What people do to a running session; part of ports.ts, which adapters import. */

/** In the order in which it was committed and journalled. */
export type ControlRequest =
  | { readonly kind: 'notice'; readonly by: string; readonly text: string }
  | {
      readonly kind: 'pause';
      readonly by: string;
      readonly reason: string | null;
      /** Which of the things that were asked of the session. */
      readonly seq: number;
      /** A pause that lasts longer ends the session. */
      readonly forMs: number;
    }
  | { readonly kind: 'resume'; readonly by: string; readonly reason: string | null }
  | { readonly kind: 'terminate'; readonly by: string; readonly reason: string | null };

export interface Controls {
  /** Hands over what is asked of this session, each once and in order. Returns the un-subscribe. */
  watch(sessionId: string, onRequest: (request: ControlRequest) => void): () => void;
  /**
   * This pause has lasted its time: commits and journals that the session ends. Rejects with
   * `journal.failed`. @returns false = somebody has let it go on before
   */
  pauseIsOver(sessionId: string, seq: number): Promise<boolean>;
}
