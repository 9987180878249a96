/**
 * `ssh-keys list|revoke`: keys that count now. Without `--principal` they are one's own, by the token of
 * `login`; with it they are anybody's, as an operator on the bastion's machine sees them.
 */
import { withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import type { OwnKey } from '../store/remembered-keys.ts';
import { asked, storedLogin, type StoredLogin } from './login.ts';
import { table } from './table.ts';
import type { Verb, VerbInput } from './verb.ts';

const list: Verb = {
  name: 'ssh-keys list',
  usage: '[--principal NAME]',
  summary:
    'list SSH keys that count now: your own by "login", or somebody’s on the bastion’s machine',
  options: { principal: { type: 'string' } },
  positionals: [0, 0],
  run: async (input) => {
    const principal = input.options.text('principal');
    const items =
      principal === null
        ? await ownKeys(await loginOf(input))
        : await withStores(input, ({ rememberedKeys }) => rememberedKeys.list(principal));
    if (input.options.flag('json')) {
      await input.terminal.out(`${JSON.stringify({ items, next: null })}\n`);
      return 0;
    }
    const rows = items.map(({ comment, expiresAt, fingerprint, origin, principal: owner }) => [
      fingerprint,
      owner,
      origin,
      expiresAt ?? '-',
      comment,
    ]);
    await input.terminal.out(table(['FINGERPRINT', 'PRINCIPAL', 'BY', 'UNTIL', 'COMMENT'], rows));
    return 0;
  },
};

const revoke: Verb = {
  name: 'ssh-keys revoke',
  usage: 'FINGERPRINT|ID [--principal NAME]',
  summary: 'end a key that was registered for a time, and what was opened with it',
  options: { principal: { type: 'string' } },
  positionals: [1, 1],
  run: async (input) => {
    const id = input.positionals[0] ?? '';
    const principal = input.options.text('principal');
    if (principal === null) {
      const login = await loginOf(input);
      const path = `/api/v1/ssh-keys/${encodeURIComponent(id)}`;
      if ((await asked(login, 'DELETE', path)) === null) throw notIn();
    } else {
      const by = { principal: null, source: input.source };
      const outcome = await withStores(input, ({ rememberedKeys }) =>
        rememberedKeys.revoke(id, principal, by),
      );
      if (outcome.kind === 'unknown') {
        const hint = 'see: sallyport ssh-keys list --principal NAME';
        throw new SallyportError('object.unknown', `${principal} has no such key`, hint);
      }
      if (outcome.kind === 'configured') {
        const hint = 'take it out there and apply that';
        throw new SallyportError('object.conflict', 'the key stands in the configuration', hint);
      }
    }
    await input.terminal.out(
      input.options.flag('json') ? `${JSON.stringify({ id, revoked: true })}\n` : 'revoked\n',
    );
    return 0;
  },
};

export const sshKeyVerbs: readonly Verb[] = [list, revoke];

async function ownKeys(login: StoredLogin): Promise<readonly OwnKey[]> {
  const path = `/api/v1/ssh-keys?principal=${encodeURIComponent(login.principal)}`;
  const answer = await asked(login, 'GET', path);
  if (answer === null) throw notIn();
  const { items } = answer as { readonly items?: readonly OwnKey[] };
  return items ?? [];
}

async function loginOf(input: VerbInput): Promise<StoredLogin> {
  const stored = await storedLogin(input);
  if (stored === null) throw notIn();
  return stored;
}

function notIn(): SallyportError {
  return new SallyportError(
    'access.unauthenticated',
    'this machine is not signed in',
    'do: sallyport login; on the bastion’s machine: --principal NAME',
  );
}
