/** Made-up secrets of every kind that a mask knows, and pieces of theirs that must not be left anywhere. */
import type { DetectorName } from '../../server/mask/detection.ts';

export interface PlantedSecret {
  readonly name: string;
  readonly detector: DetectorName;
  /** As it stands in output. */
  readonly text: string;
  /** What must be gone. */
  readonly pieces: readonly string[];
}

const one = (
  name: string,
  detector: DetectorName,
  text: string,
  ...pieces: readonly string[]
): PlantedSecret => ({ name, detector, text, pieces: pieces.length === 0 ? [text] : pieces });

const LETTERS = 'Ab3dEf6hIj9lMn2pQr5tUv8xYz1BcD4f';
const KEY_LINE = `${LETTERS}${LETTERS.toLowerCase()}`;
const KEY_BODY = Array.from(
  { length: 9 },
  (_, at) => `${KEY_LINE.slice(at)}${KEY_LINE.slice(0, at)}`,
);
const AWS_SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const block = (kind: string, head: readonly string[] = []): string =>
  [`-----BEGIN ${kind}-----`, ...head, ...KEY_BODY, 'Zz9=', `-----END ${kind}-----`].join('\n');

export const PLANTED: readonly PlantedSecret[] = [
  one('a Visa card', 'credit-card', '4111 1111 1111 1111', '1111 1111 1111'),
  one('a Mastercard with dashes', 'credit-card', '5500-0000-0000-0004', '0000-0000-0004'),
  one('an American Express card', 'credit-card', '378282246310005', '82246310005'),
  one('a grouped American Express card', 'credit-card', '3714 496353 98431', '496353 98431'),
  one('a Diners Club card', 'credit-card', '30569309025904', '9309025904'),
  one('a JCB card', 'credit-card', '3530111333300000', '1113333000'),
  one('a UnionPay card', 'credit-card', '6200000000000005', '00000000005'),
  one('an access key of AWS', 'aws-key', 'AKIAIOSFODNN7EXAMPLE', 'FODNN7EXAM'),
  one('a temporary key of AWS', 'aws-key', 'ASIAY34FZKBOKMUTVV7A', 'FZKBOKMUTV'),
  one(
    'a secret key of AWS',
    'aws-key',
    `aws_secret_access_key = ${AWS_SECRET}`,
    AWS_SECRET.slice(10),
  ),
  one(
    'a secret key in JSON',
    'aws-key',
    `"SecretAccessKey": "${AWS_SECRET}"`,
    AWS_SECRET.slice(10),
  ),
  one(
    'a variable with a secret key',
    'aws-key',
    `AWS_SECRET_ACCESS_KEY=${AWS_SECRET}`,
    AWS_SECRET.slice(10),
  ),
  one('a token of GitHub', 'github-token', `ghp_${'a1B2c3D4e5F6'.repeat(3)}`, 'e5F6a1B2c3'),
  one('a token of a GitHub app', 'github-token', `ghs_${'Z9y8X7w6V5u4'.repeat(3)}`, 'V5u4Z9y8X7'),
  one('a fine-grained token', 'github-token', `github_pat_${'11ABCDE_x9'.repeat(8)}`, 'DE_x911ABC'),
  one('a key of Google', 'google-key', 'AIzaSyA1234567890abcdefghijklmnopqrstuv', '890abcdefg'),
  one(
    'an access token of Google',
    'google-key',
    `ya29.${'a0AfH6SMBx-1Q_'.repeat(3)}`,
    '1Q_a0AfH6SM',
  ),
  one(
    'a bot token of Slack',
    'slack-token',
    'xoxb-123456789012-1234567890123-AbCdEfGh',
    '1234567890123-Ab',
  ),
  one(
    'a webhook of Slack',
    'slack-token',
    'https://hooks.slack.com/services/T0000AAAA/B0000BBBB/AbCdEfGhIjKlMnOpQrStUvWx',
    'BBBB/AbCdEfGhIj',
  ),
  one(
    'a JSON web token',
    'jwt',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
    'IxMjM0NTY3ODkwIn0',
    'P4J3jVmNHl0w5N',
  ),
  one('a bearer header', 'bearer', 'Authorization: Bearer 7Fjfp0ZBr1KtDRbnfVdmIw9q', 'ZBr1KtDRbn'),
  one('a short bearer header', 'bearer', 'authorization: bearer hunter22', 'hunter22'),
  one('an e-mail address', 'email', 'alice.doe+ops@mail.example.com', '@mail.example'),
  one('a German IBAN', 'iban', 'DE89 3704 0044 0532 0130 00', '0044 0532 0130 00'),
  one('a British IBAN', 'iban', 'GB82WEST12345698765432', '12345698765432'),
  one('a Norwegian IBAN', 'iban', 'NO9386011117947', '86011117947'),
  one('a social security number', 'us-ssn', '123-45-6789', '-6789'),
  one(
    'a URL with a password',
    'connection-string',
    'postgres://app:S3cr3tPw-x@db.local:5432/x',
    'S3cr3tPw',
  ),
  one('a URL with two at signs', 'connection-string', 'amqp://u:p@ss-Wq77@mq/', 'ss-Wq77'),
  one('a DSN', 'connection-string', 'host=db user=x password=hunter2-Qx9 dbname=y', 'hunter2-Qx9'),
  one(
    'a string of SQL Server',
    'connection-string',
    'Server=db;User Id=sa;Password=Tr0ub4dor;',
    'Tr0ub4dor',
  ),
  one('an RSA key', 'private-key', block('RSA PRIVATE KEY'), ...KEY_BODY, 'Zz9='),
  one(
    'an encrypted key',
    'private-key',
    block('RSA PRIVATE KEY', [
      'Proc-Type: 4,ENCRYPTED',
      'DEK-Info: AES-128-CBC,0123456789ABCDEF',
      '',
    ]),
    ...KEY_BODY,
    'Zz9=',
  ),
  one(
    'a PGP key',
    'private-key',
    block('PGP PRIVATE KEY BLOCK', ['Version: GnuPG v2', '']),
    ...KEY_BODY,
  ),
  one(
    'a key in JSON',
    'private-key',
    `{"private_key": ${JSON.stringify(`${block('PRIVATE KEY')}\n`)}}`,
    ...KEY_BODY,
    'Zz9=',
  ),
  one(
    'an OpenSSH key without its first line',
    'private-key',
    [`b3BlbnNzaC1rZXktdjEAAAAA${KEY_LINE.slice(0, 46)}`, ...KEY_BODY].join('\n'),
    ...KEY_BODY,
  ),
];
