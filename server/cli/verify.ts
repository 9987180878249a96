/** `verify`: whether anybody edited what was recorded. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withStores } from '../context.ts';
import { messageOf, SallyportError } from '../errors.ts';
import type { RecordingCheck } from '../journal/seal.ts';
import { lostRecordings } from '../store/journal-claims.ts';
import { checkRecording, sessionIds } from '../store/recording-check.ts';
import { checkExportedFile, type ExportedFileCheck } from './exported-file.ts';
import type { Verb, VerbInput } from './verb.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const verify: Verb = {
  name: 'verify',
  usage: '[ID… | --all | --file FILE [--key PUBLIC-KEY-FILE]]',
  summary:
    'recompute the chain and check the signature of recordings; with --all the journal too; with --file what was exported, without a database',
  options: { all: { type: 'boolean' }, file: { type: 'string' }, key: { type: 'string' } },
  positionals: [0, 1000],
  run: async (input) => {
    const all = input.options.flag('all');
    const file = input.options.text('file');
    const ways = [all, input.positionals.length > 0, file !== null];
    if (ways.filter(Boolean).length !== 1) {
      throw new SallyportError('usage.invalid', 'say what to verify', 'give ids, --all or --file');
    }
    const publicKey = await recordingKey(input);
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
    if (file !== null) {
      const checked = await checkExportedFile(file, publicKey);
      const isGood = checked.kind === 'journal' ? checked.fault === null : isIntact(checked.check);
      const what = checked.kind === 'journal' ? 'journal' : checked.sessionId;
      await report(what, isGood, fileDetail(checked));
      return ok ? 0 : 1;
    }
    return withStores(input, async ({ database, journal }) => {
      for await (const id of all ? sessionIds(database) : input.positionals) {
        const check: RecordingCheck = UUID.test(id)
          ? await checkRecording(database, id, publicKey)
          : { kind: 'unknown' };
        await report(id, isIntact(check), detailOf(check));
      }
      if (all) {
        const check = await journal.verify();
        const detail =
          check.kind === 'intact'
            ? `${check.entries} entries, chain intact`
            : `entry ${check.seq}: ${check.why}`;
        await report('journal', check.kind === 'intact', detail);
        if (check.kind === 'intact') {
          for await (const lost of lostRecordings(database, journal)) {
            await report(lost.session, false, lost.why);
          }
        }
      }
      return ok ? 0 : 1;
    });
  },
};

/** The public half of the home's key, or the key that was named. */
async function recordingKey({ config, options }: VerbInput): Promise<KeyObject> {
  const named = options.text('key');
  const path = named ?? join(config.home, 'keys', 'recording_ed25519');
  try {
    const pem = await readFile(path, 'utf8');
    return pem.includes('PRIVATE KEY')
      ? createPublicKey(createPrivateKey(pem))
      : createPublicKey(pem);
  } catch (error) {
    throw new SallyportError(
      'key.corrupt',
      `the key ${path} that signs recordings can't be read (${messageOf(error)})`,
      named === null
        ? 'restore it from a backup; where no bastion has run yet, there is none: name the public key with --key'
        : 'name the public key in PEM form: openssl pkey -in recording_ed25519 -pubout',
    );
  }
}

function isIntact({ kind }: RecordingCheck): boolean {
  return kind === 'intact' || kind === 'open';
}

function fileDetail(checked: ExportedFileCheck): string {
  if (checked.kind === 'recording') return `${checked.events} events in ${detailOf(checked.check)}`;
  const { entries, firstSeq, fault, headHash } = checked;
  if (fault !== null) return `entry ${fault.seq}: ${fault.why}`;
  return `${entries} entries from ${firstSeq} on, chain intact, head ${headHash}`;
}

function detailOf(check: RecordingCheck): string {
  switch (check.kind) {
    case 'intact':
      return `${check.chunks} chunks, intact, signed by ${check.signedBy.slice(0, 16)}`;
    case 'open':
      return `${check.chunks} chunks so far, intact, ${check.signed} of them signed; still running`;
    case 'foreign-key':
      return `${check.chunks} chunks, intact, but signed by another key: ${check.signedBy.slice(0, 16)}`;
    case 'broken':
      return `chunk ${check.chunk}: ${check.why}`;
    case 'unknown':
      return 'there is no such session';
  }
}
