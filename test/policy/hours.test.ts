import assert from 'node:assert/strict';
import { compilePolicy } from '../../server/policy/document.ts';
import { isWithin, policyAt } from '../../server/policy/hours.ts';
import { judge } from '../../server/policy/judge.ts';
import type { Hours } from '../../server/policy/policy.ts';
import { FACTS, policyOf } from './support.ts';

const WORK = { days: 'mon-fri', from: '08:00', to: '18:00', zone: 'Europe/Berlin' };

function hoursOf(entry: object): Hours {
  const rules = [{ name: 'r', action: 'hold', match: { command: 'x' }, hours: entry }];
  const [rule] = policyOf({ rules }).rules;
  assert.ok(rule?.hours);
  return rule.hours;
}

describe('hours of rules', () => {
  const CASES: [what: string, hours: object, at: string, within: boolean][] = [
    ['a Friday noon', {}, '2026-11-20T12:00:00+01:00', true],
    ['the first minute', {}, '2026-11-20T08:00:00+01:00', true],
    ['the minute before', {}, '2026-11-20T07:59:59+01:00', false],
    ['the last minute', {}, '2026-11-20T17:59:59+01:00', true],
    ['the end', {}, '2026-11-20T18:00:00+01:00', false],
    ['a Saturday', {}, '2026-11-21T12:00:00+01:00', false],
    ['Friday evening elsewhere, when it is Saturday here', {}, '2026-11-20T20:00:00-05:00', false],
    ['every day when none is named', { days: undefined }, '2026-11-21T12:00:00+01:00', true],
    ['a list of days', { days: ['sat', 'mon-tue'] }, '2026-11-21T12:00:00+01:00', true],
    ['a range over the end of the week', { days: 'fri-mon' }, '2026-11-22T12:00:00+01:00', true],
    ['all day', { from: '00:00', to: '24:00' }, '2026-11-20T23:59:59+01:00', true],
    ['a night, in the evening', { from: '22:00', to: '06:00' }, '2026-11-20T23:00:00+01:00', true],
    [
      'a night, in the morning after',
      { from: '22:00', to: '06:00' },
      '2026-11-21T05:59:00+01:00',
      true,
    ],
    [
      'no night before the first day',
      { from: '22:00', to: '06:00' },
      '2026-11-23T05:00:00+01:00',
      false,
    ],
    ['summer time', {}, '2026-07-03T06:00:00Z', true],
    ['before the hours in summer time', {}, '2026-07-03T05:59:59Z', false],
    ['winter time', {}, '2026-11-20T07:00:00Z', true],
    [
      'the morning that lost an hour',
      { days: 'sun', from: '03:00', to: '04:00' },
      '2026-03-29T01:00:00Z',
      true,
    ],
    [
      'no hour that does not exist',
      { days: 'sun', from: '02:00', to: '03:00' },
      '2026-03-29T01:00:00Z',
      false,
    ],
    [
      'an hour that comes twice, first',
      { days: 'sun', from: '02:00', to: '03:00' },
      '2026-10-25T00:30:00Z',
      true,
    ],
    [
      'an hour that comes twice, again',
      { days: 'sun', from: '02:00', to: '03:00' },
      '2026-10-25T01:30:00Z',
      true,
    ],
    [
      'a zone of half hours',
      { zone: 'Asia/Kolkata', from: '12:00', to: '12:01' },
      '2026-11-20T06:30:00Z',
      true,
    ],
    ['UTC', { zone: 'UTC' }, '2026-11-20T08:00:00Z', true],
  ];
  for (const [what, more, at, within] of CASES) {
    it(`${within ? 'have' : 'do not have'} ${what}`, () => {
      const entry = Object.fromEntries(
        Object.entries({ ...WORK, outside: 'deny', ...more }).filter(
          ([, one]) => one !== undefined,
        ),
      );
      assert.equal(isWithin(hoursOf(entry), Date.parse(at)), within);
    });
  }

  const NOON = Date.parse('2026-11-20T12:00:00+01:00');
  const NIGHT = Date.parse('2026-11-20T23:00:00+01:00');
  const ACTIONS: [action: string, outside: string, noon: string, night: string][] = [
    ['hold', 'deny', 'hold', 'deny'],
    ['hold', 'allow', 'hold', 'allow'],
    ['deny', 'hold', 'deny', 'hold'],
    ['allow', 'hold', 'allow', 'hold'],
  ];
  for (const [action, outside, noon, night] of ACTIONS) {
    it(`turn ${action} into ${outside} outside`, () => {
      const rule = { name: 'r', action, match: { command: 'x' }, hours: { ...WORK, outside } };
      const policy = policyOf({ rules: [rule] });
      const verdict = (atMs: number): string =>
        judge(policyAt(policy, atMs), FACTS, { text: 'x', language: 'shell' }).verdict;
      assert.deepEqual([verdict(NOON), verdict(NIGHT)], [noon, night]);
      assert.equal(policyAt(policy, NOON), policy);
      assert.equal(policyAt(policy, NIGHT), policyAt(policy, NIGHT + 1), 'made once');
    });
  }

  const REASONS: [more: object, reason: string | undefined, said: string][] = [
    [
      {},
      'ask first',
      'ask first (outside its hours, mon, tue, wed, thu, fri 08:00 to 18:00 Europe/Berlin)',
    ],
    [{ days: undefined }, undefined, 'outside its hours, 08:00 to 18:00 Europe/Berlin'],
    [
      { days: 'sun', to: '24:00' },
      undefined,
      'outside its hours, sun 08:00 to 24:00 Europe/Berlin',
    ],
  ];
  for (const [more, reason, said] of REASONS) {
    it(`say of what is denied outside them when they are: ${said}`, () => {
      const hours = { ...WORK, outside: 'deny', ...more };
      const rule = { name: 'r', action: 'hold', match: { command: 'x' }, hours, reason };
      const policy = policyOf({ rules: [JSON.parse(JSON.stringify(rule)) as object] });
      const decision = judge(policyAt(policy, NIGHT), FACTS, { text: 'x', language: 'shell' });
      assert.deepEqual([decision.verdict, decision.rule, decision.reason], ['deny', 'r', said]);
    });
  }

  it('leave a policy without them as it is', () => {
    const policy = policyOf({ rules: [{ name: 'r', action: 'hold', match: { command: 'x' } }] });
    assert.equal(policyAt(policy, NIGHT), policy);
  });

  const FAULTS: [hours: object, path: string, message: RegExp][] = [
    [{ days: 'mon-fry' }, 'days', /"mon-fry" is no day or range of days/],
    [{ from: '8:00' }, 'from', /"8:00" is no time of day/],
    [{ to: '25:00' }, 'to', /"25:00" is no time of day/],
    [{ to: '08:00' }, 'to', /the hours end when they begin/],
    [{ zone: 'Berlin' }, 'zone', /zone is no time zone like Europe\/Berlin/],
    [{ outside: 'never' }, 'outside', /outside must be allow, hold or deny/],
    [{ outside: undefined }, 'outside', /outside is missing/],
    [{ untill: 'x' }, 'untill', /untill is not known here/],
  ];
  for (const [more, key, message] of FAULTS) {
    it(`are refused with their place: ${JSON.stringify(more)}`, () => {
      const hours = JSON.parse(JSON.stringify({ ...WORK, outside: 'deny', ...more })) as object;
      if ('outside' in more && more.outside === undefined)
        delete (hours as { outside?: string }).outside;
      const rules = [{ name: 'r', action: 'hold', match: { command: 'x' }, hours }];
      const compiled = compilePolicy('p', { rules });
      assert.ok(compiled.kind === 'invalid');
      const [problem] = compiled.problems;
      assert.deepEqual(problem?.path, ['rules', 0, 'hours', key]);
      assert.match(problem?.message ?? '', message);
    });
  }
});
