/** `verify`: whether anybody edited what was recorded. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { withStores } from '../context.ts';
import { messageOf, SallyportError } from '../errors.ts';
import { checkRecording, sessionIds, type RecordingCheck } from '../store/recording-check.ts';
import type { Verb } from './verb.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const verify: Verb = {
  name: 'verify',
  usage: '[ID… | --all]',
  summary: 'recompute the chain and check the signature of recordings; with --all the journal too',
  options: { all: { type: 'boolean' }, file: { type: 'string' } },
  positionals: [0, 1000],
  run: (input) => {
    if (input.options.text('file') !== null) {
      throw new SallyportError(
        'not-built',
        'checking an exported file is not part of this version',
        'verify in the database with --all or ids',
      );
    }
    const all = input.options.flag('all');
    if (all === input.positionals.length > 0) {
      throw new SallyportError('usage.invalid', 'say what to verify', 'give ids or --all');
    }
    return withStores(input, async ({ home, database, journal }) => {
      const keyFile = home.path('keys', 'recording_ed25519');
      const key = await readFile(keyFile).catch((error: unknown) => {
        throw new SallyportError(
          'key.corrupt',
          `the key ${keyFile} that signs recordings can't be read (${messageOf(error)})`,
          'restore it from a backup; where no bastion has run yet, there is none',
        );
      });
      const publicKey = createPublicKey(createPrivateKey(key));
      const json = input.options.flag('json');
      let ok = true;
      const report = async (what: string, good: boolean, detail: string): Promise<void> => {
        ok &&= good;
        await input.terminal.out(
          json
            ? `${JSON.stringify({ what, ok: good, detail })}\n`
            : `${good ? 'ok  ' : 'FAIL'} ${what} ${detail}\n`,
        );
      };
      for await (const id of all ? sessionIds(database) : input.positionals) {
        const check: RecordingCheck = UUID.test(id)
          ? await checkRecording(database, id, publicKey)
          : { kind: 'unknown' };
        await report(id, check.kind === 'intact' || check.kind === 'open', detailOf(check));
      }
      if (all) {
        const check = await journal.verify();
        const detail =
          check.kind === 'intact'
            ? `${check.entries} entries, chain intact`
            : `entry ${check.seq}: ${check.why}`;
        await report('journal', check.kind === 'intact', detail);
      }
      return ok ? 0 : 1;
    });
  },
};

function detailOf(check: RecordingCheck): string {
  switch (check.kind) {
    case 'intact':
      return `${check.chunks} chunks, intact, signed by ${check.signedBy.slice(0, 16)}`;
    case 'open':
      return `${check.chunks} chunks so far, intact; still running, not signed yet`;
    case 'foreign-key':
      return `${check.chunks} chunks, intact, but signed by another key: ${check.signedBy.slice(0, 16)}`;
    case 'broken':
      return `chunk ${check.chunk}: ${check.why}`;
    case 'unknown':
      return 'there is no such session';
  }
}
