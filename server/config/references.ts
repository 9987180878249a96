/**
 * What entries say about each other: names that exist, names that are given once.
 * Not caught here: labels and groups that select nobody yet; those are warnings, for they may fill later.
 */
import { isNamedBy } from '../access/principal.ts';
import { selects, type Target } from '../access/target.ts';
import { checkAuthorities } from './authorities.ts';
import { checkIdentitiesUnique } from './duplicates.ts';
import { placeOf, type Entries, type Located, type NamedSection } from './entries.ts';
import { nearestName } from './nearest.ts';
import { pathText, quoted, type Path, type Problem } from './problem.ts';
import type { GrantShape, TargetShape } from './schema.ts';
import type { Source } from './source.ts';
import { checkSignIn } from './sign-in.ts';
import { checkWebhooks } from './webhooks.ts';

const SECTIONS = ['authorities', 'principals', 'credentials', 'targets', 'policies'] as const;

/** Adds to `problems` and `warnings`. */
export function checkReferences(entries: Entries, problems: Problem[], warnings: Problem[]): void {
  for (const section of SECTIONS) {
    checkUnique(entries[section], NOUNS[section], problems);
  }
  checkUnique(entries.webhooks, 'webhook', problems);
  checkKeysUnique(entries, problems);
  checkIdentitiesUnique(entries, problems);
  checkAuthorities(entries, problems, warnings);
  checkSignIn(entries, problems, warnings);
  const know = (section: NamedSection, name: string, source: Source, path: Path): void => {
    const known = entries.claimed[section];
    if (known.has(name)) return;
    const nearest = nearestName(name, known);
    const hint =
      nearest === null
        ? `add it under \`${section}\`, or name one that is there`
        : `did you mean ${nearest}?`;
    const message = `${pathText(path)}: there is no ${NOUNS[section]} ${quoted(name)}`;
    problems.push(source.at(path, message, hint));
  };
  checkPrincipals(entries, know, problems);
  checkTargets(entries, know, problems, warnings);
  checkGrants(entries, entries.grants, know, warnings);
  checkGrants(entries, entries.requests, know, warnings);
  checkRequests(entries, know, warnings);
  checkWebhooks(entries, problems);
  checkPolicies(entries, know, warnings);
}

type Know = (section: NamedSection, name: string, source: Source, path: Path) => void;

const NOUNS: Readonly<Record<NamedSection, string>> = {
  authorities: 'authority',
  principals: 'principal',
  credentials: 'credential',
  targets: 'target',
  policies: 'policy',
};

function checkUnique(
  entries: readonly Located<{ readonly name: string }>[],
  noun: string,
  problems: Problem[],
): void {
  const seen = new Map<string, Located<unknown>>();
  for (const located of entries) {
    const { name } = located.entry;
    const first = seen.get(name);
    if (first === undefined) seen.set(name, located);
    else {
      const message = `the ${noun} ${quoted(name)} is already at ${placeOf(first)}`;
      problems.push(located.source.at(located.path, message, 'rename or remove one of them'));
    }
  }
}

// One key for two principals would leave open who somebody is.
function checkKeysUnique(entries: Entries, problems: Problem[]): void {
  const seen = new Map<string, { owner: string; key: Located<unknown> }>();
  for (const { entry } of entries.principals) {
    for (const key of entry.parsedKeys) {
      const first = seen.get(key.entry.fingerprint);
      if (first === undefined) {
        seen.set(key.entry.fingerprint, { owner: entry.name, key });
        continue;
      }
      const message = `${pathText(key.path)}: this key already belongs to ${quoted(first.owner)} at ${placeOf(first.key)}`;
      problems.push(key.source.at(key.path, message, 'a key names exactly one principal'));
    }
  }
}

function checkPrincipals(entries: Entries, know: Know, problems: Problem[]): void {
  for (const { entry, source, path } of entries.principals) {
    for (const [index, { authority }] of entry.certificates.entries()) {
      know('authorities', authority, source, [...path, 'certificates', index, 'authority']);
    }
    if (entry.owner === undefined) continue;
    const place = [...path, 'owner'];
    know('principals', entry.owner, source, place);
    const owner = entries.principals.find((other) => other.entry.name === entry.owner);
    if (entry.kind === 'human') {
      problems.push(
        source.at(place, `${quoted(entry.name)} is human and has an owner`, 'remove it'),
      );
    } else if (owner?.entry.kind === 'agent') {
      const message = `${pathText(place)} is ${quoted(entry.owner)}, which is an agent`;
      problems.push(source.at(place, message, 'name the human who answers for it'));
    }
  }
}

function checkTargets(
  entries: Entries,
  know: Know,
  problems: Problem[],
  warnings: Problem[],
): void {
  for (const { entry, source, path } of entries.targets) {
    const logins = entry.logins.map((login, index) => ({
      entry: login,
      source,
      path: [...path, 'logins', index],
    }));
    checkUnique(logins, 'login', problems);
    for (const login of logins) {
      know('credentials', login.entry.credential, source, [...login.path, 'credential']);
    }
    if (entry.hostKey === undefined) {
      const message = `the target ${quoted(entry.name)} has no hostKey, so that every connection to it is refused`;
      warnings.push(source.at(path, message, `\`sallyport target scan ${entry.name}\` shows it`));
    }
  }
}

function checkGrants(
  entries: Entries,
  grants: readonly Located<GrantShape>[],
  know: Know,
  warnings: Problem[],
): void {
  for (const { entry, source, path } of grants) {
    know('policies', entry.policy, source, [...path, 'policy']);
    if (entry.recording === 'continue') {
      const message = `${pathText([...path, 'recording'])}: sessions go on unrecorded while recording fails`;
      const place = [...path, 'recording'];
      warnings.push(source.at(place, message, 'keep such a grant for emergencies and few people'));
    }
    checkPrincipalSelectors(
      entries,
      entry.principals,
      source,
      [...path, 'principals'],
      know,
      warnings,
    );
    checkTargetSelectors(entries, entry.targets, source, [...path, 'targets'], know, warnings);
    const selected = entries.targets.filter((target) =>
      entry.targets.some((selector) => selects(selector, targetOf(target.entry))),
    );
    for (const [index, login] of entry.logins.entries()) {
      if (selected.some((target) => target.entry.logins.some(({ name }) => name === login)))
        continue;
      const place = [...path, 'logins', index];
      const message = `${pathText(place)}: no target of this grant has the login ${quoted(login)}`;
      const offered = selected.flatMap((target) => target.entry.logins.map(({ name }) => name));
      const nearest = nearestName(login, offered);
      const hint = nearest === null ? 'it gives no access' : `did you mean ${nearest}?`;
      warnings.push(source.at(place, message, hint));
    }
  }
}

/** Who approves; a name that nobody has, could be given to somebody else later. */
function checkRequests(entries: Entries, know: Know, warnings: Problem[]): void {
  for (const { entry, source, path } of entries.requests) {
    const place = [...path, 'approvers'];
    checkPrincipalSelectors(entries, entry.approvers, source, place, know, warnings);
    checkApprovers(entries, entry.approvers, source, place, warnings);
    const deciding = entries.principals.filter(({ entry: { roles, ...one } }) => {
      const isNamed = entry.approvers.some((name) => isNamedBy({ id: '', roles, ...one }, name));
      const isAsked = entry.approvers.length === 0 || isNamed;
      return roles.includes('admin') || (roles.includes('approver') && isAsked);
    });
    if (deciding.length >= entry.approvals) continue;
    const wanted = pathText([...path, 'approvals']);
    const message = `${wanted} is ${entry.approvals}, but only ${deciding.length} may approve it`;
    const hint = 'ask for fewer, or give more people roles: [approver]';
    // Issuers can give roles as well, so that there may be more.
    warnings.push(source.at([...path, 'approvals'], message, hint));
  }
}

/**
 * A rule for a name that nobody has, never applies: a misspelling here would open what the rule closes.
 * The rest of a policy is the business of its compiler.
 */
function checkPolicies(entries: Entries, know: Know, warnings: Problem[]): void {
  for (const { entry, source, path } of entries.policies) {
    const principals = (key: string, holder: unknown, at: Path): void =>
      checkPrincipalSelectors(entries, textsAt(holder, key), source, [...at, key], know, warnings);
    const asked = (holder: unknown, at: Path): void => {
      principals('approvers', holder, at);
      principals('to', memberOf(holder, 'escalate'), [...at, 'escalate']);
    };
    asked(entry.document, path);
    for (const [index, rule] of listAt(entry.document, 'rules').entries()) {
      const place = [...path, 'rules', index];
      asked(rule, place);
      if (memberOf(rule, 'action') === 'hold') {
        const named = textsAt(rule, 'approvers');
        checkApprovers(entries, named, source, [...place, 'approvers'], warnings);
      }
      const audience = memberOf(rule, 'for');
      principals('principals', audience, [...place, 'for']);
      const targets = textsAt(audience, 'targets');
      checkTargetSelectors(entries, targets, source, [...place, 'for', 'targets'], know, warnings);
    }
  }
}

/** Whom a rule names has to be an approver as well; an admin always is. */
function checkApprovers(
  entries: Entries,
  approvers: readonly string[],
  source: Source,
  path: Path,
  warnings: Problem[],
): void {
  const named = entries.principals.filter(({ entry }) =>
    approvers.some((selector) => isNamedBy({ id: '', ...entry }, selector)),
  );
  const isApprover = (role: string): boolean => role === 'approver' || role === 'admin';
  if (named.length === 0 || named.some(({ entry }) => entry.roles.some(isApprover))) return;
  const message = `${pathText(path)}: none of these has the role approver, so only an admin can approve`;
  warnings.push(source.at(path, message, 'give one of them roles: [approver]'));
}

function checkPrincipalSelectors(
  entries: Entries,
  selectors: readonly string[],
  source: Source,
  path: Path,
  know: Know,
  warnings: Problem[],
): void {
  for (const [index, selector] of selectors.entries()) {
    const place = [...path, index];
    if (!selector.startsWith('group:')) {
      know('principals', selector, source, place);
      continue;
    }
    const isFilled = entries.principals.some(({ entry }) =>
      isNamedBy({ id: '', ...entry }, selector),
    );
    if (isFilled) continue;
    const groups = entries.principals.flatMap(({ entry }) =>
      entry.groups.map((one) => `group:${one}`),
    );
    const nearest = nearestName(selector, groups);
    const hint = nearest === null ? 'list the group under a principal' : `did you mean ${nearest}?`;
    const message = `${pathText(place)}: no principal is in ${quoted(selector)}`;
    warnings.push(source.at(place, message, hint));
  }
}

function checkTargetSelectors(
  entries: Entries,
  selectors: readonly string[],
  source: Source,
  path: Path,
  know: Know,
  warnings: Problem[],
): void {
  for (const [index, selector] of selectors.entries()) {
    const place = [...path, index];
    if (!selector.startsWith('label:')) know('targets', selector, source, place);
    else if (!entries.targets.some(({ entry }) => selects(selector, targetOf(entry)))) {
      const message = `${pathText(place)}: no target has ${quoted(selector)}`;
      warnings.push(source.at(place, message, 'label a target, or correct the selector'));
    }
  }
}

// `selects` reads name and labels only; the rest of a Target isn't known before it is applied.
function targetOf(entry: TargetShape): Target {
  return { ...entry, host: entry.address, port: 0, hostKey: entry.hostKey ?? null };
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const list = memberOf(value, key);
  return Array.isArray(list) ? list : [];
}

function textsAt(value: unknown, key: string): readonly string[] {
  return listAt(value, key).filter((one) => typeof one === 'string');
}
