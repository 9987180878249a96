/**
 * What is asked of a person who signs in with the key of a security token (FIDO). Pure.
 * Not caught here: a token that says something untrue.
 */

/** As a key's line says it. */
export interface TokenDemands {
  /** Somebody must touch the token. */
  readonly isTouchRequired: boolean;
  /** The token must ask for its PIN or a finger. */
  readonly isVerifyRequired: boolean;
}

/** What holds unless the key's line says something else. */
export const USUAL_DEMANDS: TokenDemands = { isTouchRequired: true, isVerifyRequired: false };

/** What a signature lacks, in words; null = nothing. */
export function presenceFault(
  demands: TokenDemands,
  presence: { readonly isTouched: boolean; readonly isVerified: boolean },
): string | null {
  if (demands.isTouchRequired && !presence.isTouched) return 'the security token was not touched';
  if (demands.isVerifyRequired && !presence.isVerified) {
    return 'the security token did not ask for its PIN or a finger, which this key needs';
  }
  return null;
}
