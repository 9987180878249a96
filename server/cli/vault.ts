/** `vault …`: which keys seal the credentials, and moving them from one key to the next. */
import { withStores, type Stores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import { addMasterKey, dropMasterKey } from '../vault/master-key.ts';
import { rotate, type RotationOptions } from '../vault/rotation.ts';
import { survey, type Survey } from '../vault/survey.ts';
import { table } from './table.ts';
import type { Verb, VerbInput } from './verb.ts';

/** Failures that are named one by one. */
const MAX_SHOWN = 20;

const status: Verb = {
  name: 'vault status',
  usage: '',
  summary: 'how many credentials are sealed with which key, and whether it is here',
  options: {},
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async (stores) => {
      const found = await survey((await stores.vault()).keys, stores.sealedCredentials);
      await input.terminal.out(
        input.options.flag('json') ? `${JSON.stringify(found)}\n` : surveyText(found),
      );
      return isWhole(found) ? 0 : 1;
    }),
};

/** Whether everything that is sealed can be opened. */
export function isWhole({ keys, problem }: Survey): boolean {
  return problem === null && keys.every(({ state }) => state === 'current' || state === 'opens');
}

const STATES = {
  current: 'seals now',
  opens: 'opens; move on with: sallyport vault rotate',
  missing: 'MISSING: add it behind the first key',
  unknown: 'unknown: the key service does not answer',
} as const;

function surveyText({ current, keys, place, problem, rows }: Survey): string {
  const head = `seals with ${current ?? 'an unknown version'} (${place})\n`;
  const trouble = problem === null ? '' : `key service: ${problem}\n`;
  if (rows === 0) return `${head}${trouble}no credentials are sealed yet\n`;
  const lines = keys.map(({ keyId, names, rows: under, state }) => [
    keyId,
    String(under),
    state === 'missing' ? `${STATES[state]} (${names.join(', ')})` : STATES[state],
  ]);
  return `${head}${trouble}${table(['KEY', 'ROWS', 'STATE'], lines)}`;
}

const rotateVerb: Verb = {
  name: 'vault rotate',
  usage: '[--new-key] [--reencrypt]',
  summary:
    'seal all credentials with the first master key, or the newest version of the key service; --new-key makes one in the key file first, --reencrypt makes new data keys, too. May be ended and run again at any time',
  options: { 'new-key': { type: 'boolean' }, reencrypt: { type: 'boolean' } },
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async (stores) => {
      if (input.options.flag('new-key')) await makeKey(stores, input);
      return moveAll(stores, input, input.options.flag('reencrypt'));
    }),
};

async function makeKey(stores: Stores, input: VerbInput): Promise<void> {
  const { keyFile, sealing, transit } = await stores.vaultKeys();
  if (keyFile === null || sealing === transit) {
    throw new SallyportError(
      'usage.invalid',
      `the keys are not in a file here: ${sealing.place}`,
      sealing === transit
        ? 'rotate the key at the key service (vault write -f transit/keys/KEY/rotate), then run: sallyport vault rotate'
        : 'put a new key in front of the others in SALLYPORT_MASTER_KEY, then run: sallyport vault rotate',
    );
  }
  const keyId = await stores.sealedCredentials.alone(() => addMasterKey(keyFile));
  await stores.journal.append({
    type: 'vault.rotated',
    principal: null,
    source: input.source,
    session: null,
    target: null,
    data: { place: sealing.place, newKey: keyId },
  });
  input.terminal.err(`sallyport: new key ${keyId} in ${keyFile}; the older ones stay to open\n`);
}

async function moveAll(stores: Stores, input: VerbInput, reencrypts: boolean): Promise<number> {
  const { keys } = await stores.vault();
  const { sealedCredentials: credentials } = stores;
  const { rows } = await survey(keys, credentials);
  const isJson = input.options.flag('json');
  const options: RotationOptions = {
    keys,
    credentials,
    source: input.source,
    reencrypts,
    progress: async ({ moved, seen }) => {
      if (!isJson) input.terminal.err(`sallyport: ${seen} of ${rows} looked at, ${moved} moved\n`);
    },
  };
  const rotated = await rotate(options);
  const after = await survey(keys, credentials);
  if (isJson) {
    await input.terminal.out(`${JSON.stringify({ ...rotated, survey: after })}\n`);
  } else {
    const failures = rotated.failures
      .slice(0, MAX_SHOWN)
      .map(({ name, why }) => `not moved: ${name}: ${why}\n`);
    await input.terminal.out(
      `${rotated.moved} of ${rotated.seen} credentials moved\n${failures.join('')}${surveyText(after)}`,
    );
  }
  return rotated.failures.length === 0 && isWhole(after) ? 0 : 1;
}

const forget: Verb = {
  name: 'vault forget',
  usage: 'KEY',
  summary:
    'take a key that seals nothing any more out of the key file; older backups still need it',
  options: {},
  positionals: [1, 1],
  run: (input) =>
    withStores(input, async (stores) => {
      const keyId = input.positionals[0] ?? '';
      const { keyFile } = await stores.vaultKeys();
      if (keyFile === null) {
        throw new SallyportError(
          'usage.invalid',
          'the keys are not in a file here',
          'take the key out of SALLYPORT_MASTER_KEY and start again',
        );
      }
      const { keys } = await stores.vault();
      await stores.sealedCredentials.alone(async () => {
        const found = await survey(keys, stores.sealedCredentials);
        const rows = found.keys.find((one) => one.keyId === keyId)?.rows ?? 0;
        if (rows > 0) {
          throw new SallyportError(
            'object.conflict',
            `${rows} credentials are sealed with key ${keyId}`,
            'move them first: sallyport vault rotate',
          );
        }
        if (await dropMasterKey(keyFile, keyId)) return;
        throw new SallyportError(
          'object.unknown',
          `there is no key ${keyId} behind the first one in ${keyFile}`,
          'see: sallyport vault status',
        );
      });
      await stores.journal.append({
        type: 'vault.rotated',
        principal: null,
        source: input.source,
        session: null,
        target: null,
        data: { place: `master key in ${keyFile}`, forgotten: keyId },
      });
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify({ forgotten: keyId })}\n`
          : `${keyId} is out of ${keyFile}\n`,
      );
      return 0;
    }),
};

export const vaultVerbs: readonly Verb[] = [status, rotateVerb, forget];
