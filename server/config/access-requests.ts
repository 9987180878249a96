/**
 * Entries of `requests:`: what somebody may ask for, and who decides.
 * Not caught here: what the names in it refer to; see references.ts.
 */
import { z } from 'zod';
import {
  DEFAULT_REQUEST_TIMEOUT_S,
  durationS,
  durationText,
  MAX_ACCESS_S,
  MAX_APPROVALS,
} from '../access/access-request.ts';
import type { RequestEntry } from '../access/directory.ts';
import type { Entries } from './entries.ts';
import { checked, grantSchema, principalSelector } from './schema.ts';

const accessTime = checked((value) => {
  const seconds = durationS(value);
  return seconds === null || seconds > MAX_ACCESS_S
    ? `write 30m, 4h or 1d, up to ${durationText(MAX_ACCESS_S)}`
    : null;
});

export const requestSchema = grantSchema.extend({
  maxDuration: accessTime,
  timeout: accessTime.default(durationText(DEFAULT_REQUEST_TIMEOUT_S)),
  approvers: z.array(principalSelector).default([]),
  approvals: z.int().min(1).max(MAX_APPROVALS).default(1),
  fourEyes: z.boolean().default(false),
});

export type RequestShape = z.infer<typeof requestSchema>;

export function requestEntries(entries: Pick<Entries, 'requests'>): RequestEntry[] {
  return entries.requests.map(({ entry: { maxDuration, timeout, ...entry } }) => ({
    ...entry,
    keepDays: entry.keepDays ?? null,
    maxDurationS: durationS(maxDuration) ?? MAX_ACCESS_S,
    timeoutS: durationS(timeout) ?? DEFAULT_REQUEST_TIMEOUT_S,
  }));
}
