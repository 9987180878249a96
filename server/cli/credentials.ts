/** `credential …` and `target scan`: what opens targets, and how targets are known. */
import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { withStores, type Stores } from '../context.ts';
import { messageOf, SallyportError } from '../errors.ts';
import { formatPublicLine, generateKeyPair, parsePrivateKey, scanHostKey } from '../ssh/key.ts';
import { pinHostKey } from '../store/host-keys.ts';
import type { Verb, VerbInput } from './verb.ts';

const SCAN_TIMEOUT_MS = 10_000;
/** Where a target's administrator keeps the CA's public key, unless they choose another place. */
const AUTHORITY_FILE = '/etc/ssh/sallyport_ca.pub';
const TRUST_LINE = `TrustedUserCAKeys ${AUTHORITY_FILE}`;
const AUTHORITY_OPTION = { authority: { type: 'boolean' } } as const;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

const put: Verb = {
  name: 'credential put',
  usage: 'NAME --private-key FILE [--authority] | --password-file FILE',
  summary: 'seal a private key or a password in the vault',
  options: {
    'private-key': { type: 'string' },
    'password-file': { type: 'string' },
    ...AUTHORITY_OPTION,
  },
  positionals: [1, 1],
  run: async (input) => {
    const name = credentialName(input);
    const keyFile = input.options.text('private-key');
    const passwordFile = input.options.text('password-file');
    if ((keyFile === null) === (passwordFile === null)) {
      throw new SallyportError(
        'usage.invalid',
        'the material comes from exactly one file',
        'give --private-key FILE or --password-file FILE',
      );
    }
    const isAuthority = input.options.flag('authority');
    if (isAuthority && keyFile === null) {
      throw new SallyportError(
        'usage.invalid',
        'a password signs no certificates',
        'give --private-key FILE with --authority',
      );
    }
    const file = keyFile ?? passwordFile ?? '';
    const content = await readFile(file).catch((error: unknown) => {
      throw new SallyportError(
        'usage.invalid',
        `${file} can't be read (${messageOf(error)})`,
        'name a readable file',
        { cause: error },
      );
    });
    if (keyFile === null) {
      const password = passwordIn(content, file);
      return withStores(input, (stores) => store(stores, input, name, 'password', password, null));
    }
    const parsed = parsePrivateKey(content);
    if (parsed.kind === 'invalid') {
      content.fill(0);
      const hint = 'nothing was stored; name a private key without a pass phrase';
      throw new SallyportError('usage.invalid', `${file}: ${parsed.why}`, hint);
    }
    const publicLine = formatPublicLine(parsed.blob, name);
    return withStores(input, (stores) =>
      store(stores, input, name, isAuthority ? 'authority' : 'private-key', content, publicLine),
    );
  },
};

const generate: Verb = {
  name: 'credential generate',
  usage: 'NAME [--authority]',
  summary:
    "make a key in the vault and print its public half for the target's authorized_keys; with --authority a CA for TrustedUserCAKeys",
  options: AUTHORITY_OPTION,
  positionals: [1, 1],
  run: (input) => {
    const name = credentialName(input);
    return withStores(input, (stores) => {
      const pair = generateKeyPair(name);
      const kind = input.options.flag('authority') ? 'authority' : 'private-key';
      return store(stores, input, name, kind, pair.privateKeyPem, pair.publicLine);
    });
  },
};

const scan: Verb = {
  name: 'target scan',
  usage: 'NAME [--accept FINGERPRINT]',
  summary: 'ask a target for its host key and pin it; a changed key is pinned only with --accept',
  options: { accept: { type: 'string' } },
  positionals: [1, 1],
  run: (input) =>
    withStores(input, async ({ database, directory, journal }) => {
      const name = input.positionals[0] ?? '';
      const target = await directory.targetByName(name);
      if (target === null) {
        throw new SallyportError(
          'object.unknown',
          `there is no target "${name}"`,
          'apply a configuration that has it first',
        );
      }
      const scanned = await scanHostKey(target.host, target.port, SCAN_TIMEOUT_MS);
      const known = target.hostKey?.split(' ').slice(0, 2).join(' ') ?? null;
      const seen = scanned.hostKeyLine.split(' ').slice(0, 2).join(' ');
      const accepted = input.options.text('accept');
      const answer = { target: name, hostKey: seen, fingerprint: scanned.fingerprint };
      if (accepted !== null && accepted !== scanned.fingerprint) {
        throw new SallyportError(
          'target.host-key-changed',
          `${name} shows ${scanned.fingerprint}, not ${accepted}`,
          'find out why before you accept it',
        );
      }
      if (known !== null && known !== seen && accepted === null) {
        input.terminal.err(
          `sallyport: ${name} shows another host key than the pinned one: ${scanned.fingerprint}; ` +
            `if that is right, run: npx sallyport target scan ${name} --accept ${scanned.fingerprint}\n`,
        );
        return 1;
      }
      if (known !== seen) {
        const version = await pinHostKey(database, name, seen, {
          via: 'scan',
          principal: null,
          source: input.source,
          from: `target scan ${name}`,
        });
        await journal.append({
          type: 'config.changed',
          principal: null,
          source: input.source,
          session: null,
          target: name,
          data: { hostKey: scanned.fingerprint, before: known, version },
        });
      }
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify(answer)}\n`
          : `${seen}\n${scanned.fingerprint}\n`,
      );
      return 0;
    }),
};

export const credentialVerbs: readonly Verb[] = [put, generate, scan];

function credentialName(input: VerbInput): string {
  const name = input.positionals[0] ?? '';
  if (NAME.test(name)) return name;
  throw new SallyportError(
    'usage.invalid',
    'the name of a credential has other characters than letters, digits, dot, dash and underscore',
    'choose a simple name',
  );
}

/** The line in the file, in memory of its own; the rest is wiped. */
function passwordIn(content: Buffer, file: string): Buffer {
  let end = content.length;
  if (content[end - 1] === LINE_FEED) end -= 1;
  if (end < content.length && content[end - 1] === CARRIAGE_RETURN) end -= 1;
  const line = content.subarray(0, end);
  const isOneLine = ![0, LINE_FEED, CARRIAGE_RETURN].some((code) => line.includes(code));
  const password = Buffer.concat([line]);
  const isText = isUtf8(line);
  content.fill(0);
  if (isOneLine && isText) return password;
  password.fill(0);
  throw new SallyportError(
    'usage.invalid',
    `${file} holds ${isText ? 'more than one line, or a NUL' : 'bytes that are no UTF-8'}, so it is no password`,
    'put the password alone in it, on one line',
  );
}

async function store(
  stores: Stores,
  input: VerbInput,
  name: string,
  kind: 'private-key' | 'password' | 'authority',
  material: Buffer,
  publicLine: string | null,
): Promise<number> {
  const vault = await stores.vault();
  const sealed = await vault.seal(name, kind, material);
  material.fill(0);
  await stores.credentials.put(sealed, publicLine);
  await stores.journal.append({
    type: 'credential.created',
    principal: null,
    source: input.source,
    session: null,
    target: null,
    data: { name, kind, version: sealed.version, publicKey: publicLine },
  });
  if (input.options.flag('json')) {
    const trust = kind === 'authority' ? { sshdConfig: TRUST_LINE } : {};
    const answer = { name, kind, version: sealed.version, publicKey: publicLine, ...trust };
    await input.terminal.out(`${JSON.stringify(answer)}\n`);
  } else {
    await input.terminal.out(`${publicLine ?? `${name} is sealed`}\n`);
    if (kind === 'authority') {
      input.terminal.err(
        `sallyport: put this line into ${AUTHORITY_FILE} on the target, and into its sshd_config: ${TRUST_LINE}\n`,
      );
    }
  }
  return 0;
}
