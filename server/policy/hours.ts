/**
 * Rules that say one thing within certain hours and another outside. Pure: the time comes from outside, the
 * clock of the place from the time zone data that Node carries, changes to summer time included. Not caught
 * here: holidays, and a clock of the bastion that is wrong.
 */
import { z } from 'zod';
import type { Hours, Policy, Rule } from './policy.ts';
import type { PolicyNote } from './rule-warnings.ts';

export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const DAY = DAYS.join('|');
const MINUTES_OF_DAY = 24 * 60;

const days = z
  .string()
  .regex(new RegExp(`^(${DAY})(-(${DAY}))?$`), 'is no day or range of days like mon-fri');
const time = z
  .string()
  .regex(
    /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/,
    'is no time of day like "08:00", from 00:00 to 24:00',
  );

/** `hours` of a rule. */
export const hoursSchema = z.strictObject({
  days: z.union([days, z.array(days).min(1).max(DAYS.length)]).optional(),
  from: time,
  to: time,
  zone: z.string().refine(isZone, { message: 'zone is no time zone like Europe/Berlin' }),
  outside: z.enum(['allow', 'deny', 'hold']),
});

export function compileHours(
  entry: z.output<typeof hoursSchema>,
  path: readonly (string | number)[],
  problems: PolicyNote[],
): Hours {
  const fromMinute = minuteOf(entry.from);
  const toMinute = minuteOf(entry.to);
  if (fromMinute === toMinute) {
    problems.push({
      path: [...path, 'to'],
      message: 'the hours end when they begin',
      hint: 'for all day write from: "00:00", to: "24:00"',
    });
  }
  const ranges = entry.days === undefined ? ['sun-sat'] : [entry.days].flat();
  const named = new Set(ranges.flatMap(daysOf));
  return { days: named, fromMinute, toMinute, zone: entry.zone, outside: entry.outside };
}

/** `fri-mon` goes over the end of the week. */
function daysOf(range: string): number[] {
  const [first = '', last = first] = range.split('-');
  const from = DAYS.indexOf(first as (typeof DAYS)[number]);
  const count = (DAYS.indexOf(last as (typeof DAYS)[number]) - from + DAYS.length) % DAYS.length;
  return Array.from({ length: count + 1 }, (_, more) => (from + more) % DAYS.length);
}

function minuteOf(text: string): number {
  const [hours = '0', minutes = '0'] = text.split(':');
  return Number(hours) * 60 + Number(minutes);
}

function isZone(text: string): boolean {
  try {
    return formatter(text).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Whether the clock of the place stands within the hours; those from evening to morning count to the evening's day. */
export function isWithin(hours: Hours, atMs: number): boolean {
  const { day, minute } = clockAt(hours.zone, atMs);
  const { days: named, fromMinute, toMinute } = hours;
  if (fromMinute < toMinute) return named.has(day) && minute >= fromMinute && minute < toMinute;
  const before = (day + DAYS.length - 1) % DAYS.length;
  return (named.has(day) && minute >= fromMinute) || (named.has(before) && minute < toMinute);
}

function clockAt(zone: string, atMs: number): { day: number; minute: number } {
  const parts = new Map(
    formatter(zone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  );
  const day = DAYS.indexOf((parts.get('weekday') ?? '').toLowerCase() as (typeof DAYS)[number]);
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  return { day, minute: minute % MINUTES_OF_DAY };
}

/** Making one costs more than using it. */
const FORMATTERS = new Map<string, Intl.DateTimeFormat>();
/** There are about 600 zones. */
const MAX_FORMATTERS = 1_000;

function formatter(zone: string): Intl.DateTimeFormat {
  const known = FORMATTERS.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  if (FORMATTERS.size < MAX_FORMATTERS) FORMATTERS.set(zone, made);
  return made;
}

/** By which rules of it are outside their hours; each is made once, since a policy is indexed once. */
const VARIANTS = new WeakMap<Policy, Map<string, Policy>>();

/** The policy as it counts at this moment: rules outside their hours do what `outside` says. */
export function policyAt(policy: Policy, atMs: number): Policy {
  const timed = policy.rules.filter(({ hours }) => hours !== null);
  if (timed.length === 0) return policy;
  const outside = new Set(timed.filter(({ hours }) => hours !== null && !isWithin(hours, atMs)));
  if (outside.size === 0) return policy;
  const key = timed.map((rule) => Number(outside.has(rule))).join('');
  const variants = VARIANTS.get(policy) ?? new Map<string, Policy>();
  VARIANTS.set(policy, variants);
  const known = variants.get(key);
  if (known !== undefined) return known;
  const rules = policy.rules.map((rule) => (outside.has(rule) ? outsideOf(rule) : rule));
  const made = { ...policy, rules };
  if (variants.size >= MAX_VARIANTS) variants.clear();
  variants.set(key, made);
  return made;
}

const MAX_VARIANTS = 64;

function outsideOf(rule: Rule): Rule {
  if (rule.hours === null) return rule;
  const why = `outside its hours, ${hoursText(rule.hours)}`;
  const reason = rule.reason === null ? why : `${rule.reason} (${why})`;
  return { ...rule, action: rule.hours.outside, reason };
}

/** `mon, tue 08:00 to 18:00 Europe/Berlin`; without days when all are meant. */
function hoursText({ days: named, fromMinute, toMinute, zone }: Hours): string {
  const all = named.size === DAYS.length;
  const some = DAYS.filter((_, index) => named.has(index)).join(', ');
  return `${all ? '' : `${some} `}${clock(fromMinute)} to ${clock(toMinute)} ${zone}`;
}

function clock(minute: number): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
