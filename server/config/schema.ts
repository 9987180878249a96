/**
 * The shape of each entry of the configuration, and what zod's findings mean in words.
 * Not caught here: whether names that entries refer to exist; see references.ts.
 */
import { z } from 'zod';
import { NAME } from '../access/destination.ts';
import { CHANNEL_KINDS, FILE_ACCESSES, GRANT_DEFAULTS, RECORDING_MODES } from '../access/grant.ts';
import { FORWARD_KINDS, isForward } from '../access/forward.ts';
import { ROLES } from '../access/principal.ts';
import { SHELL_INTEGRATIONS } from '../access/target.ts';
import { readAddress } from './address.ts';
import { nearestName } from './nearest.ts';
import { pathText, quoted, type Path, type Problem } from './problem.ts';
import type { Source } from './source.ts';

/** Keys by which people look for another one. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  onRecordingFailure: 'write `recording: continue`, or leave it out: sessions end then',
};
const EXTRA_HINTS: Readonly<Record<string, string>> = {
  credentials:
    'a credential has a name only: its secret enters by `sallyport credential put` or `generate`',
};

const name = checked((value) =>
  NAME.test(value)
    ? null
    : 'use letters, digits, dot, dash and underscore, at most 128, starting with none of dot and dash',
);
const groupSelector = /^group:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const labelKey = '[A-Za-z0-9_][A-Za-z0-9._/-]{0,127}';
const labelSelector = new RegExp(`^label:${labelKey}(=[A-Za-z0-9._:/-]{0,128})?$`);

export const principalSelector = checked((value) =>
  NAME.test(value) || groupSelector.test(value) ? null : 'write a principal or group:NAME',
);
const targetSelector = checked((value) =>
  NAME.test(value) || labelSelector.test(value) ? null : 'write a target or label:KEY=VALUE',
);
function isIssuer(text: string): boolean {
  if (!URL.canParse(text) || text.length > 512) return false;
  const { hash, hostname, password, protocol, search, username } = new URL(text);
  if (hash !== '' || search !== '' || username !== '' || password !== '') return false;
  // Keys that come over a network unprotected prove nothing; loopback is for trying it.
  return (
    protocol === 'https:' ||
    (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
  );
}

const address = checked((value) => {
  const read = readAddress(value, '10.0.0.5:22');
  if (read.kind === 'malformed') return read.hint;
  return read.address.port === 0 ? 'use a port from 1 to 65535' : null;
});
/** `db1:5432`, `*:443`, or one of the other things that connections can carry. */
const forward = checked((value) =>
  isForward(value)
    ? null
    : `write HOST:PORT, for instance db1:5432, or one of ${FORWARD_KINDS.join(', ')}`,
);
const label = checked((value) =>
  /^[A-Za-z0-9._:/-]{0,128}$/.test(value)
    ? null
    : 'use letters, digits, dot, dash, underscore, colon and slash, at most 128',
);

export const issuer = checked((value) =>
  isIssuer(value) ? null : 'write the `iss` of its tokens, for instance https://ci.example',
);
export const claim = checked((value) =>
  value !== '' && value.length <= 512 && !value.includes('\0')
    ? null
    : 'write what the claim says, at most 512 characters; * stands for any characters',
);
const fileName = checked((value) =>
  value === '' || value.includes('\0') ? 'write the path of a file' : null,
);
const base64 = checked((value) =>
  value !== '' && /^[A-Za-z0-9+/]+={0,2}$/.test(value)
    ? null
    : 'write the list in base64, on one line',
);
/** A name that authorities write into certificates. */
const certificateName = checked((value) =>
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused here
  /^[^\u0000-\u001f\u007f,]{1,255}$/.test(value)
    ? null
    : 'write one of the principals that `ssh-keygen -L` shows, at most 255 characters',
);
/** One entry of a principal's `oidc`. */
export const identitySchema = z.strictObject({
  issuer: issuer.optional(),
  subject: claim.optional(),
  audience: claim.optional(),
  email: claim.optional(),
  claims: z.record(z.string(), claim).default({}),
  run: claim.optional(),
  task: claim.optional(),
});

export const principalSchema = z.strictObject({
  name,
  kind: z.enum(['human', 'agent']),
  roles: z.array(z.enum(ROLES)).default([]),
  groups: z.array(name).default([]),
  owner: name.optional(),
  keys: z.array(z.string()).default([]),
  oidc: z.unknown().optional(),
  certificates: z
    .array(z.strictObject({ authority: name, principals: z.array(certificateName).min(1) }))
    .default([]),
});
export const authoritySchema = z.strictObject({
  name,
  keys: z.array(z.string()).min(1),
  revoked: fileName.optional(),
  revokedList: base64.optional(),
});
export const credentialSchema = z.strictObject({ name });
export const targetSchema = z.strictObject({
  name,
  address,
  hostKey: z.string().optional(),
  labels: z.record(z.string().regex(new RegExp(`^${labelKey}$`)), label).default({}),
  shellIntegration: z.enum(SHELL_INTEGRATIONS).default('off'),
  logins: z.array(z.strictObject({ name, credential: name })).min(1),
});
export const grantSchema = z.strictObject({
  principals: z.array(principalSelector).min(1),
  targets: z.array(targetSelector).min(1),
  logins: z.array(name).min(1),
  channels: z.array(z.enum(CHANNEL_KINDS)).min(1),
  policy: name,
  keepDays: z.int().min(1).max(36_500).optional(),
  recording: z.enum(RECORDING_MODES).default(GRANT_DEFAULTS.recording),
  files: z.enum(FILE_ACCESSES).default(GRANT_DEFAULTS.files),
  keepFiles: z.boolean().default(GRANT_DEFAULTS.keepFiles),
  forward: z.array(forward).default([]),
});
export const policyNameSchema = name;

const list = z.array(z.unknown()).nullish();
export const documentSchema = z.strictObject({
  authorities: list,
  principals: list,
  credentials: list,
  targets: list,
  grants: list,
  signIn: z.unknown().optional(),
  requests: list,
  webhooks: list,
  policies: z.record(z.string(), z.unknown()).nullish(),
});

export type IdentityShape = z.infer<typeof identitySchema>;
export type AuthorityShape = z.infer<typeof authoritySchema>;
export type PrincipalShape = z.infer<typeof principalSchema>;
export type TargetShape = z.infer<typeof targetSchema>;
export type GrantShape = z.infer<typeof grantSchema>;

/** Text that `fault` finds nothing wrong with; what it says is the hint. */
export function checked(fault: (value: string) => string | null): z.ZodType<string, string> {
  return z.string().check((context) => {
    const hint = fault(context.value);
    if (hint !== null) {
      context.issues.push({ code: 'custom', input: context.value, message: hint });
    }
  });
}

/**
 * The value that `schema` makes of the value at `path`, or null when it fits not; then `problems` has
 * grown.
 */
export function shape<T>(
  schema: z.ZodType<T>,
  source: Source,
  path: Path,
  value: unknown,
  problems: Problem[],
): T | null {
  // `reportInput` gives every issue the value that it is about.
  const outcome = schema.safeParse(value, { reportInput: true });
  if (outcome.success) return outcome.data;
  for (const issue of outcome.error.issues) {
    problems.push(...explain(issue, schema, source, path));
  }
  return null;
}

function explain(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  source: Source,
  base: Path,
): Problem[] {
  const inner = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  const path = [...base, ...inner];
  const where = pathText(path) || 'the document';
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const hint = keyHint(key, keysAt(schema, inner), String(path[0] ?? ''));
        const message = `unknown key ${quoted(key)}${path.length > 0 ? ` in ${where}` : ''}`;
        return source.atKey([...path, key], message, hint);
      });
    case 'invalid_type': {
      const { wanted, example } = TYPE_WORDS[issue.expected] ?? {
        wanted: issue.expected,
        example: issue.expected,
      };
      if (issue.input === undefined) {
        return [source.at(path, `${where} is missing`, `add ${quoted(`${path.at(-1) ?? ''}: …`)}`)];
      }
      const hint =
        issue.expected === 'string' && typeof issue.input !== 'object'
          ? 'put it in quotes'
          : `write ${example}`;
      return [source.at(path, `${where} must be ${wanted}, not ${kindOf(issue.input)}`, hint)];
    }
    case 'invalid_value': {
      const choices = issue.values.map(String).join(' or ');
      if (issue.input === undefined) {
        return [source.at(path, `${where} is missing`, `use ${choices}`)];
      }
      const given = typeof issue.input === 'string' ? issue.input : '';
      const nearest = nearestName(given, issue.values.map(String));
      const suggestion = nearest === null ? '' : `did you mean ${nearest}? `;
      const shown = given === '' ? kindOf(issue.input) : quoted(given);
      return [source.at(path, `${where} is ${shown}`, `${suggestion}use ${choices}`)];
    }
    case 'invalid_key':
      return [source.atKey(path, `${where} has a malformed name`, 'use letters, digits, . _ / -')];
    case 'too_small':
    case 'too_big': {
      if (issue.origin === 'array')
        return [source.at(path, `${where} is empty`, 'name at least one')];
      const limit = issue.code === 'too_small' ? `≥ ${issue.minimum}` : `≤ ${issue.maximum}`;
      return [source.at(path, `${where} is ${String(issue.input)}`, `use a whole number ${limit}`)];
    }
    case 'custom':
    case 'invalid_format':
    case 'invalid_union':
    case 'invalid_element':
    case 'not_multiple_of':
      return [source.at(path, `${where} is ${shownInput(issue.input)}`, issue.message)];
  }
}

const TYPE_WORDS: Readonly<Record<string, { readonly wanted: string; readonly example: string }>> =
  {
    string: { wanted: 'text', example: 'text' },
    array: { wanted: 'a list', example: '[one, two]' },
    object: { wanted: 'a mapping', example: '{key: value}' },
    record: { wanted: 'a mapping', example: '{key: value}' },
    boolean: { wanted: 'true or false', example: 'true or false' },
    int: { wanted: 'a whole number', example: 'a number such as 30' },
    number: { wanted: 'a whole number', example: 'a number such as 30' },
  };

function kindOf(input: unknown): string {
  if (input === null || input === undefined) return 'null';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'a mapping';
  return typeof input === 'string' ? 'text' : JSON.stringify(input);
}

function shownInput(input: unknown): string {
  return typeof input === 'string' ? quoted(input) : kindOf(input);
}

function keyHint(key: string, known: readonly string[], section: string): string {
  if (OTHER_NAMES[key] !== undefined) return OTHER_NAMES[key];
  const nearest = nearestName(key, known);
  if (nearest !== null) return `did you mean ${nearest}?`;
  return EXTRA_HINTS[section] ?? `known: ${known.join(', ')}`;
}

/** The keys that the mapping at `path` inside `schema` may have. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let here: unknown = schema;
  for (const step of path) {
    if (here instanceof z.ZodDefault || here instanceof z.ZodOptional) here = here.unwrap();
    if (here instanceof z.ZodArray) here = here.element;
    else if (here instanceof z.ZodObject) here = (here.shape as Record<string, unknown>)[step];
  }
  if (here instanceof z.ZodDefault || here instanceof z.ZodOptional) here = here.unwrap();
  return here instanceof z.ZodObject ? Object.keys(here.shape) : [];
}
