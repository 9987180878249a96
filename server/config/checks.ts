/** What the rooms that own keys, policies and revocation lists know of values in a configuration. */
import { compilePolicy } from '../policy/document.ts';
import { MAX_REVOCATION_BYTES, readRevocations } from '../ssh/certificates.ts';
import { parsePublicLine } from '../ssh/key.ts';
import type { Checks } from './entries.ts';

export const CHECKS: Checks = {
  parsePublicLine,
  compilePolicy,
  readRevocations,
  maxRevocationBytes: MAX_REVOCATION_BYTES,
};
