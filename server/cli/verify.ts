/** `verify`: whether anybody edited what was recorded. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withStores } from '../context.ts';
import { messageOf, SallyportError } from '../errors.ts';
import { MAX_ANCHOR_LINE } from '../journal/anchor.ts';
import type { RecordingCheck } from '../journal/seal.ts';
import { printable } from '../printable.ts';
import { type AnchorCheck, checkAnchors } from '../store/anchor-check.ts';
import { lostRecordings } from '../store/journal-claims.ts';
import { checkRecording, sessionIds } from '../store/recording-check.ts';
import { checkExportedFile, type ExportedFileCheck } from './exported-file.ts';
import { linesIn } from './line-stream.ts';
import { recordingKeyring } from './recording-keys.ts';
import type { Journal } from '../session/ports.ts';
import type { Verb, VerbInput } from './verb.ts';

/** Findings that the journal is told of, and characters of each. */
const MAX_TOLD = 50;
const MAX_TOLD_CHARACTERS = 300;

export const verify: Verb = {
  name: 'verify',
  usage: '[ID… | --all | --file FILE | --anchor FILE] [--key PUBLIC-KEY-FILE]',
  summary:
    'recompute the chain and check the signature of recordings; with --all the journal too; with --file what was exported, without a database; with --anchor whether the database still says what its anchors said',
  options: {
    all: { type: 'boolean' },
    file: { type: 'string' },
    anchor: { type: 'string' },
    key: { type: 'string' },
  },
  positionals: [0, 1000],
  run: async (input) => {
    const all = input.options.flag('all');
    const file = input.options.text('file');
    const anchor = input.options.text('anchor');
    const ways = [all, input.positionals.length > 0, file !== null, anchor !== null];
    if (ways.filter(Boolean).length !== 1) {
      throw new SallyportError(
        'usage.invalid',
        'say what to verify',
        'give ids, --all, --file or --anchor',
      );
    }
    const home = { path: (...parts: readonly string[]) => join(input.config.home, ...parts) };
    const keyOf = await recordingKeyring(home, input.options.text('key'));
    const json = input.options.flag('json');
    let ok = true;
    const failures: string[] = [];
    const report = async (what: string, good: boolean, detail: string): Promise<void> => {
      ok &&= good;
      if (!good) failures.push(`${what} ${detail}`.slice(0, MAX_TOLD_CHARACTERS));
      await input.terminal.out(
        json
          ? `${JSON.stringify({ what, ok: good, detail })}\n`
          : `${good ? 'ok  ' : 'FAIL'} ${what} ${detail}\n`,
      );
    };
    if (file !== null) {
      const checked = await checkExportedFile(file, keyOf);
      const isGood = checked.kind === 'journal' ? checked.fault === null : isIntact(checked.check);
      const what = checked.kind === 'journal' ? 'journal' : checked.sessionId;
      await report(what, isGood, fileDetail(checked));
      return ok ? 0 : 1;
    }
    return withStores(input, async ({ database, journal }) => {
      if (anchor !== null) {
        const check = await checkAnchors(database, anchorLines(anchor), keyOf);
        await report('anchors', check.kind === 'kept', anchorDetail(check));
      }
      for await (const id of all ? sessionIds(database) : input.positionals) {
        const check = await checkRecording(database, id, keyOf, { alone: !all });
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
          for await (const lost of lostRecordings(database, journal, keyOf)) {
            await report(lost.session, false, lost.why);
          }
        }
      }
      if (failures.length > 0) await tell(input, journal, failures);
      return ok ? 0 : 1;
    });
  },
};

/** That something was found is part of the record; that it can't be written down hides nothing. */
async function tell(
  { logger, source }: VerbInput,
  journal: Journal,
  failures: readonly string[],
): Promise<void> {
  const data = { count: failures.length, failures: failures.slice(0, MAX_TOLD) };
  const nobody = { principal: null, session: null, target: null };
  try {
    await journal.append({ type: 'verify.failed', source, ...nobody, data });
  } catch (error) {
    logger.warn('journal.failed', { why: messageOf(error) });
  }
}

/**
 * @param place a path, or the `file:` address that `SALLYPORT_ANCHOR` names
 * Rejects with `usage.invalid` for a file that can't be read.
 */
async function* anchorLines(place: string): AsyncGenerator<string> {
  try {
    const path = place.startsWith('file://') ? fileURLToPath(place) : place;
    yield* linesIn(createReadStream(path), async () => {}, MAX_ANCHOR_LINE + 1);
  } catch (error) {
    throw new SallyportError(
      'usage.invalid',
      `the anchors can't be read (${messageOf(error)})`,
      'name a file with an anchor on each line, as it was written, posted or put',
    );
  }
}

function anchorDetail(check: AnchorCheck): string {
  if (check.kind === 'differs') return `line ${check.line}: ${check.why}`;
  return `${check.anchors} as they were, up to entry ${check.upTo} of the journal`;
}

function isIntact({ kind }: RecordingCheck): boolean {
  return kind === 'intact' || kind === 'open' || kind === 'deleted';
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
    case 'contradicted':
    case 'lost':
      return check.why;
    case 'deleted':
      return `deleted on ${check.at} by ${printable(check.by, 100)}, as entry ${check.entry} of the journal says, signed`;
    case 'unknown':
      return 'there is no such session';
  }
}
