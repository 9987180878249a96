/** Times as policies write them: `30s`, `10m`, `2h`. Pure. */
import { z } from 'zod';

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @param bounds in milliseconds; `message` says them */
export function durationSchema(bounds: {
  readonly leastMs: number;
  readonly mostMs: number;
  readonly message: string;
}) {
  return z
    .string()
    .regex(/^\d{1,6}(ms|s|m|h|d)$/, 'is no time like 30s, 10m or 2h')
    .refine((text) => milliseconds(text) >= bounds.leastMs && milliseconds(text) <= bounds.mostMs, {
      message: bounds.message,
    });
}

/** 0 = it is no such time. */
export function milliseconds(text: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  const unit = match?.[2] as keyof typeof UNITS_MS | undefined;
  return unit === undefined ? 0 : Number(match?.[1]) * UNITS_MS[unit];
}
