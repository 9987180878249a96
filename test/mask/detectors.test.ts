import { equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { DetectorName } from '../../server/mask/detection.ts';
import { Detectors } from '../../server/mask/detectors.ts';
import { compileMaskPattern } from '../../server/mask/pattern.ts';
import { maskText, maskWords } from '../../server/mask/text.ts';

const KEY40 = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const B64 = 'MIIEpAIBAAKCAQEA7bq3Yw9x';

/** Text, and what comes out; null = it stays as it is. */
type Row = readonly [text: string, masked: string | null];

const TABLES: Readonly<Record<DetectorName, readonly Row[]>> = {
  'credit-card': [
    ['4111111111111111', '****************'],
    ['card=4111111111111111;', 'card=****************;'],
    ['"4111-1111-1111-1111"', '"*******************"'],
    ['4111 1111 1111 1111 123', '**** **** **** **** 123'],
    ['4222222222222', '*************'],
    ['6200000000000000000', '*******************'],
    ['2223003122003222', '****************'],
    ['4111111111111112', null],
    ['1111111111111117', null],
    ['4111 1111 11111111', null],
    ['4111-1111 1111-1111', null],
    ['41111111111111111', null],
    ['0.4111111111111111', null],
    ['x4111111111111111', null],
    ['4111111111111111a', null],
    ['4111111111111111.5', null],
    ['123e4567-4111-1111-1111-111111111111', null],
    ['00001ff0: 4111 1111 1111 1111 6578 7474', null],
    ['4111 1111 1111 1111 5500 0000 0000 0004', '**** **** **** **** **** **** **** ****'],
    ['2026-11-21 10:00 4096 4096 4096 4096', null],
  ],
  'aws-key': [
    ['AKIAIOSFODNN7EXAMPLE', '********************'],
    [
      'export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE',
      'export AWS_ACCESS_KEY_ID=********************',
    ],
    [`aws_secret_access_key = ${KEY40}`, `aws_secret_access_key = ${'*'.repeat(40)}`],
    [`SECRET_KEY="${KEY40}"`, `SECRET_KEY="${'*'.repeat(40)}"`],
    [
      `aws configure set aws_secret_access_key ${KEY40}`,
      `aws configure set aws_secret_access_key ${'*'.repeat(40)}`,
    ],
    ['AKIAIOSFODNN7EXAMPL', null],
    ['xAKIAIOSFODNN7EXAMPLE', null],
    ['AKIAIOSFODNN7EXAMPLE9', null],
    [KEY40, null],
    ['secret: da39a3ee5e6b4b0d3255bfef95601890afd80709', null],
  ],
  'github-token': [
    [`ghp_${'aB3'.repeat(12)}`, '*'.repeat(40)],
    [`https://x:gho_${'aB3'.repeat(12)}@github.com`, `https://x:${'*'.repeat(40)}@github.com`],
    [`github_pat_${'aB3_'.repeat(10)}`, '*'.repeat(51)],
    [`TOKEN_ghs_${'aB3'.repeat(12)}`, `TOKEN_${'*'.repeat(40)}`],
    [`ghp_${'aB3'.repeat(11)}`, null],
    [`laghp_${'aB3'.repeat(12)}`, null],
    ['github_patch_the_thing_that_was_broken_before', null],
  ],
  'google-key': [
    [`AIza${'Sy1_-'.repeat(7)}`, '*'.repeat(39)],
    [`GOCSPX-${'aB3x'.repeat(7)}`, '*'.repeat(35)],
    [`AIza${'Sy1_-'.repeat(6)}`, null],
    [`AIza${'Sy1_-'.repeat(8)}`, null],
  ],
  'slack-token': [
    ['xoxb-123456789012-AbCdEfGh', '*'.repeat(26)],
    ['xapp-1-A0123456789-1234', '*'.repeat(23)],
    [
      'https://hooks.slack.com/services/T00000000/B00000000/abcdef',
      `https://hooks.slack.com/services/${'*'.repeat(26)}`,
    ],
    ['xoxo-hugs', null],
    ['xoxb-short', null],
  ],
  'private-key': [
    [
      `-----BEGIN PRIVATE KEY-----\n${B64}\n-----END PRIVATE KEY-----`,
      `-----BEGIN PRIVATE KEY-----\n${'*'.repeat(24)}\n-----END PRIVATE KEY-----`,
    ],
    [
      `  3: -----BEGIN EC PRIVATE KEY-----\n  4: ${B64}${B64}\n`,
      `  3: -----BEGIN EC PRIVATE KEY-----\n  4: ${'*'.repeat(48)}\n`,
    ],
    [
      'a.pem:-----BEGIN RSA PRIVATE KEY-----\nb.pem:-----BEGIN RSA PRIVATE KEY-----\nfound two\n',
      null,
    ],
    [`-----BEGIN PUBLIC KEY-----\n${B64}${B64}\n-----END PUBLIC KEY-----`, null],
    [`-----BEGIN CERTIFICATE-----\n${B64}${B64}\n-----END CERTIFICATE-----`, null],
    [`${B64}${B64}\n`, null],
  ],
  jwt: [
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl', '*'.repeat(49)],
    ['{"t":"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."}', `{"t":"${'*'.repeat(36)}"}`],
    ['eyJzdWIiOiIxMjM0NTY3ODkwIn0', null],
    ['heyJude.and.others', null],
  ],
  bearer: [
    ['Authorization: Bearer abc123', 'Authorization: Bearer ******'],
    ["-H 'authorization: bearer s3cr3t-t0ken'", "-H 'authorization: bearer ************'"],
    ['{"Authorization":"Basic dXNlcjpwYXNz"}', '{"Authorization":"Basic ************"}'],
    ['Bearer 0123456789abcdef0123', 'Bearer ********************'],
    ['the bearer of this letter', null],
    ['Bearer <token>', null],
    ['Authorization: Bearer $TOKEN', null],
    ['bearer authentication-and-authorisation', null],
  ],
  email: [
    ['Ann <ann@example.com>,', 'Ann <***************>,'],
    ['a.b+c@mail.example.co.uk', '*'.repeat(24)],
    ['root@web1:~$', null],
    ['getty@tty1.service', null],
    ['lodash@4.17.21', null],
    ['icon@2x.png', null],
    ['@types/node', null],
    ['user@host', null],
  ],
  iban: [
    ['DE89370400440532013000', '*'.repeat(22)],
    ['DE89 3704 0044 0532 0130 00', '**** **** **** **** **** **'],
    ['NO9386011117947', '*'.repeat(15)],
    ['MT84MALT011000012345MTLCAST001S', '*'.repeat(31)],
    ['DE89370400440532013001', null],
    ['DE8937040044053201300', null],
    ['XX89370400440532013000', null],
    ['de89370400440532013000', null],
  ],
  'us-ssn': [
    ['SSN 123-45-6789.', 'SSN ***********.'],
    ['000-45-6789', null],
    ['666-45-6789', null],
    ['900-45-6789', null],
    ['123-00-6789', null],
    ['123-45-0000', null],
    ['2026-11-21', null],
    ['1-123-45-6789', null],
    ['123-45-67890', null],
  ],
  'connection-string': [
    ['postgres://app:pw@db/x', 'postgres://app:**@db/x'],
    ['redis://:pw12@cache', 'redis://:****@cache'],
    ['https://user:p%40ss@host/', 'https://user:******@host/'],
    ['mongodb+srv://u:p@ss@h', 'mongodb+srv://u:****@h'],
    ['host=h password=pw12 dbname=d', 'host=h password=**** dbname=d'],
    ['Server=s;Database=d;Password=pw12;', 'Server=s;Database=d;Password=****;'],
    ['http://localhost:8080/a@b', null],
    ['https://host/path:x@y', null],
    ['postgres://app:$PASSWORD@db', null],
    ['postgres://app:${PASSWORD}@db', null],
    ['ssh://git@github.com:22/x', null],
    ['password=pw12', null],
    ['http://[::1]:80/', null],
  ],
};

describe('detectors', () => {
  for (const [name, rows] of Object.entries(TABLES)) {
    for (const [text, masked] of rows) {
      const what = masked === null ? 'leaves' : 'masks';
      it(`${name} ${what} ${JSON.stringify(text).slice(0, 70)}`, () => {
        const detectors = new Detectors([name as DetectorName]);
        equal(maskText(detectors, text).text, masked ?? text);
        equal(maskText(detectors, `x\n${text}\ny`).text, `x\n${masked ?? text}\ny`);
      });
    }
  }
});

describe('patterns of masks', () => {
  const PATTERNS: readonly (readonly [pattern: string, text: string, masked: string])[] = [
    ['TICKET-[0-9]{6}', 'a TICKET-123456 b TICKET-12345 c', 'a ************* b TICKET-12345 c'],
    ['(?i)secret: \\w+', 'SECRET: abc', '******* ***'],
    ['\\bP[0-9]+\\b', 'P1 XP2 P34', '** XP2 ***'],
    ['^id=\\d+', 'id=7\nx id=8\nid=9', '****\nx id=8\n****'],
    ['a|bc', 'abcd', '***d'],
    ['größe-\\d', 'größe-5!', '*******!'],
    ['(?:x{2}y?){1,2}z', 'xxyxxz xz', '****** xz'],
  ];
  for (const [pattern, text, masked] of PATTERNS) {
    it(`${pattern} masks what it says`, () => {
      const compiled = compileMaskPattern(pattern);
      if (typeof compiled === 'string') throw new Error(compiled);
      equal(maskText(new Detectors([compiled]), text).text, masked);
    });
  }

  it('are refused when they can take no time, no text or no bound', () => {
    for (const pattern of ['(', 'a*', '', '(?<=a)b', '[a-z]{1000}{1000}', '(?:[a-z]{0,300}x){5}']) {
      equal(typeof compileMaskPattern(pattern), 'string', pattern);
    }
  });

  it('take time that grows with the text alone', () => {
    const compiled = compileMaskPattern('(?:a+)+$');
    if (typeof compiled === 'string') throw new Error(compiled);
    equal(maskText(new Detectors([compiled]), `${'a'.repeat(20_000)}!`).masked, 0);
  });
});

describe('maskWords', () => {
  const detectors = new Detectors(['credit-card', 'aws-key', 'connection-string']);
  it('sees a secret in several words, and gives each its own part', () => {
    equal(
      maskWords(detectors, ['pay', '4111', '1111', '1111', '1111', 'now']).join('|'),
      'pay|****|****|****|****|now',
    );
  });
  it('looks at each word alone where lengths change', () => {
    equal(maskWords(detectors, ['redis://a:ä€@h', 'x']).join('|'), 'redis://a:**@h|x');
  });
});
