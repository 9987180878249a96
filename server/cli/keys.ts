/** `keys …`: the key that signs recordings, and those that signed before. */
import { withStores } from '../context.ts';
import { KEYS_CHANNEL, knownKeys, rotateRecordingKey } from './recording-keys.ts';
import { table } from './table.ts';
import type { Verb } from './verb.ts';

const list: Verb = {
  name: 'keys list',
  usage: '',
  summary: 'keys whose signatures under recordings this home knows; the first one signs',
  options: {},
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ home }) => {
      const keys = (await knownKeys(home)).map(({ isCurrent, key, keyId }) => ({
        keyId,
        signs: isCurrent,
        publicKey: key.export({ type: 'spki', format: 'der' }).toString('base64'),
      }));
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify({ items: keys, next: null })}\n`
          : table(
              ['KEY', 'SIGNS', 'PUBLIC KEY'],
              keys.map((one) => [one.keyId, one.signs ? 'yes' : 'no', one.publicKey]),
            ),
      );
      return 0;
    }),
};

const rotate: Verb = {
  name: 'keys rotate',
  usage: '',
  summary: 'sign recordings with a new key from now on; old ones stay verifiable',
  options: {},
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ database, home, journal }) => {
      const rotation = await rotateRecordingKey(home, (made) =>
        journal.append({
          type: 'key.rotated',
          principal: null,
          source: input.source,
          session: null,
          target: null,
          data: { ...made },
        }),
      );
      await database.knex.raw('select pg_notify(?, ?)', [KEYS_CHANNEL, rotation.newKeyId]);
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify(rotation)}\n`
          : `${rotation.newKeyId.slice(0, 16)} signs from now on; ${rotation.oldKeyId.slice(0, 16)} stays known in ${home.path('keys', 'recording_public')}\n`,
      );
      return 0;
    }),
};

export const keyVerbs: readonly Verb[] = [list, rotate];
