/**
 * `npm run bench`: what Sallyport costs, beside a direct connection and OpenSSH's own `-J` to the same
 * sshd in the same run. Prints a table and writes it as JSON. Judges nothing: machines differ.
 * `npm run bench -- replay` measures instead how long a large recording takes to open, and
 * `npm run bench -- search --commands 10000000 [--data FOLDER]` how long searches take; what it fills is
 * kept in the folder for the next time, and `npm run bench -- lists --sessions 1000000 [--data FOLDER]` the
 * lists of the pages. `npm run bench -- floods` measures what a hostile session costs
 * the others: 100 MB of output, storms of sizes. `npm run bench -- recording [--quick]` measures the
 * recorder in each of its modes beside no recording, and `npm run bench -- connections` only how long
 * short commands take. `npm run bench -- approvals` measures how long both sides of an approval take to hear
 * of each other.
 */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { measureApprovals, renderApprovals } from './approvals.ts';
import { measureDecisions, renderDecisions } from './decisions.ts';
import { measureFloods, renderFloods } from './floods.ts';
import { measureLists, renderLists } from './lists.ts';
import { LANES, openTrack, type Lane } from './lanes.ts';
import { measureMasks, renderMasks } from './masks.ts';
import {
  bulkFiles,
  FULL,
  measureBulk,
  measureConnect,
  measureKeystrokes,
  measureMultiplexed,
  measureUpload,
  QUICK,
} from './measures.ts';
import { renderRecording } from './recording-table.ts';
import { measureRecording, RECORDING_FULL, RECORDING_QUICK } from './recording.ts';
import { measureReplay, renderReplay } from './replay.ts';
import { ratiosOf, renderTable, type Figure } from './report.ts';
import { measureSearch, renderSearch } from './search.ts';
import { measureStorage } from './storage.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    beside: { type: 'string', default: '0' },
    commands: { type: 'string', default: '1000000' },
    data: { type: 'string' },
    flood: { type: 'string', default: '100' },
    megabytes: { type: 'string', default: '500' },
    sessions: { type: 'string', default: '1000000' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string', default: 'bench.json' },
    lanes: { type: 'string', default: LANES.join(',') },
  },
});

function lanesFrom(text: string): Lane[] {
  const asked = text.split(',');
  const unknown = asked.filter((name) => !(LANES as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new Error(`no such lane: ${unknown.join(', ')} (lanes: ${LANES.join(', ')})`);
  }
  return LANES.filter((lane) => lane === 'direct' || asked.includes(lane));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function replay(): Promise<void> {
  const megabytes = Number(options.megabytes);
  if (!(megabytes >= 1 && megabytes <= 10_000)) throw new Error('--megabytes takes 1 to 10000');
  const beside = Number(options.beside);
  if (!(beside >= 0 && beside <= 10_000_000)) throw new Error('--beside takes 0 to 10000000');
  const figures = await measureReplay(megabytes, beside, say);
  process.stdout.write(renderReplay(figures));
  await writeReport({ replay: figures });
}

async function search(): Promise<void> {
  const commands = Number(options.commands);
  if (!(commands >= 1000 && commands <= 100_000_000)) {
    throw new Error('--commands takes 1000 to 100000000');
  }
  const figures = await measureSearch(commands, options.data ?? null, say);
  process.stdout.write(renderSearch(figures));
  await writeReport({ search: figures });
}

async function lists(): Promise<void> {
  const sessions = Number(options.sessions);
  if (!(sessions >= 1000 && sessions <= 10_000_000)) {
    throw new Error('--sessions takes 1000 to 10000000');
  }
  const figures = await measureLists(sessions, options.data ?? null, say);
  process.stdout.write(renderLists(figures));
  await writeReport({ lists: figures });
}

async function floods(): Promise<void> {
  const megabytes = Number(options.flood);
  if (!(megabytes >= 1 && megabytes <= 1000)) throw new Error('--flood takes 1 to 1000 megabytes');
  const figures = await measureFloods(megabytes);
  process.stdout.write(renderFloods(figures));
  await writeReport({ floods: figures });
}

async function recording(): Promise<void> {
  const effort = options.quick ? RECORDING_QUICK : RECORDING_FULL;
  const startMs = performance.now();
  const figures = await measureRecording(effort, (text) => {
    say(`${((performance.now() - startMs) / 1000).toFixed(0).padStart(4)} s  ${text}`);
  });
  process.stdout.write(renderRecording(figures));
  await writeReport({ quick: options.quick, recording: figures });
}

async function masks(): Promise<void> {
  const figures = measureMasks();
  process.stdout.write(renderMasks(figures));
  await writeReport({ masks: figures });
}

async function approvals(): Promise<void> {
  const figures = await measureApprovals(options.quick ? 50 : 500);
  process.stdout.write(renderApprovals(figures));
  await writeReport({ approvals: figures });
}

async function connections(): Promise<void> {
  const lanes = lanesFrom(options.lanes);
  await using track = await openTrack(lanes, undefined, undefined, true);
  const figures = await measureConnect(track, options.quick ? QUICK : FULL);
  process.stdout.write(renderTable(figures, lanes));
  await writeReport({ figures: figures.map((one) => ({ ...one, ratios: ratiosOf(one) })) });
}

async function writeReport(figures: object): Promise<void> {
  const report = { at: new Date().toISOString(), node: process.version, ...figures };
  await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  say(`written to ${options.json}`);
}

/** What is measured by itself. */
const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  approvals,
  connections,
  floods,
  lists,
  masks,
  recording,
  replay,
  search,
};

async function main(): Promise<void> {
  const effort = options.quick ? QUICK : FULL;
  const lanes = lanesFrom(options.lanes);
  say('starting servers');
  await using track = await openTrack(lanes, undefined, undefined, true);
  const figures: Figure[] = [];
  say('connections');
  figures.push(...(await measureConnect(track, effort)));
  figures.push(await measureMultiplexed(track, effort));
  say('keystrokes');
  figures.push(...(await measureKeystrokes(track, effort)));
  say('bulk output');
  const files = await bulkFiles(track, effort);
  for (const [kind, file] of Object.entries(files)) {
    figures.push(await measureBulk(track, effort, `bulk, ${kind}`, file));
  }
  say('bulk input');
  figures.push(await measureUpload(track, effort, 'upload, text', files.text));
  say('decisions');
  const decisions = await measureDecisions(track.folder, options.quick ? 20_000 : 100_000);
  const storage = track.bastion === null ? null : await measureStorage(track.bastion, files);

  process.stdout.write(renderTable(figures, lanes));
  if (storage !== null) {
    for (const [kind, share] of Object.entries(storage.chunkBytesPerByte)) {
      process.stdout.write(`bytes stored per byte recorded, ${kind}: ${share.toFixed(4)}\n`);
    }
    const table = storage.tableBytesPerByte.toFixed(4);
    process.stdout.write(`bytes of all recording tables per byte recorded: ${table}\n`);
  }
  process.stdout.write(renderDecisions(decisions));
  const report = {
    at: new Date().toISOString(),
    node: process.version,
    processors: cpus().map(({ model }) => model),
    quick: options.quick,
    cipher: track.cipher,
    figures: figures.map((figure) => ({ ...figure, ratios: ratiosOf(figure) })),
    storage,
    decisions,
  };
  await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  say(`written to ${options.json}`);
}

// The first Ctrl-C reaches the children too; what waits for them fails, and everything is taken down.
process.once('SIGINT', () => say('stopping'));
const [part, ...others] = positionals;
const measurePart = part === undefined ? main : PARTS[part];
if (others.length > 0 || measurePart === undefined) {
  const parts = Object.keys(PARTS).join(', ');
  throw new Error(`no such part: ${positionals.join(' ')} (parts: ${parts})`);
}
await measurePart();
