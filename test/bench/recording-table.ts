/** What `npm run bench -- recording` found, as tables for people. Pure. */
import type { ClientFigure } from './recording-clients.ts';
import type { LoadFigure, RecordingFigures, StoredFigure } from './recording.ts';

const NAME_WIDTH = 26;
const CELL_WIDTH = 12;

export function renderRecording(figures: RecordingFigures): string {
  const { allTableBytesPerByte, disk, load, processors, tableBytesPerByte, verify, verifyLargest } =
    figures;
  const facts: (readonly [string, string])[] = [
    [
      'load of this machine',
      `${load.map((one) => one.toFixed(1)).join(' to ')}, ${processors} cores`,
    ],
    ['synchronous write of 4 KB', `${ms(disk.p50Ms)} ms p50, ${ms(disk.p99Ms)} ms p99`],
    ['verify, largest session', verified(verifyLargest)],
    ['verify, all mixed', verified(verify)],
    ['whole tables', `${share(tableBytesPerByte)} bytes per byte of the texts below`],
    ['', `${share(allTableBytesPerByte)} bytes per byte of this whole run`],
  ];
  return [
    ...facts.map(([name, value]) => `${name.padEnd(NAME_WIDTH)}${value}`),
    '',
    row('chunk bytes per byte', ['MB', 'calm', 'in bulk']),
    ...[...figures.outputs, allOf(figures.outputs)].map((one) =>
      row(`  ${one.name}`, [
        (one.bytes / 1e6).toFixed(1),
        share(one.calmChunkBytesPerByte),
        share(one.bulkChunkBytesPerByte),
      ]),
    ),
    '',
    row('', ['keys/s', 'append p50', 'p99', 'due p50', 'p99', 'MB/s', 'stored MB/s', 'bytes/byte']),
    ...figures.loads.flatMap(loadLines),
    '',
    row('real client', ['echo p50', 'direct', 'echo p99', 'direct', 'MB/s', 'direct']),
    ...figures.clients.map(clientLine),
    '',
  ].join('\n');
}

function allOf(outputs: readonly StoredFigure[]): StoredFigure {
  const sum = (part: (one: StoredFigure) => number): number =>
    outputs.reduce((total, one) => total + part(one), 0);
  const bytes = sum((one) => one.bytes);
  return {
    name: 'all',
    bytes,
    calmChunkBytesPerByte: sum((one) => one.calmChunkBytesPerByte * one.bytes) / bytes,
    bulkChunkBytesPerByte: sum((one) => one.bulkChunkBytesPerByte * one.bytes) / bytes,
  };
}

function loadLines(figure: LoadFigure, index: number, all: readonly LoadFigure[]): string[] {
  const { bulk, bulkMbPerS, chunkBytesPerByte, keys, keysPerS, lane, sessions, storedMbPerS } =
    figure;
  const isFirst = all[index - 1]?.sessions !== sessions;
  const cells = [
    String(keysPerS),
    ms(keys.p50Ms),
    ms(keys.p99Ms),
    ms(keys.dueP50Ms),
    ms(keys.dueP99Ms),
    bulkMbPerS.toFixed(1),
    storedMbPerS?.toFixed(1) ?? '–',
    chunkBytesPerByte === null ? '–' : share(chunkBytesPerByte),
  ];
  const refusals =
    keys.refused + bulk.refusals.length === 0
      ? []
      : [
          `  refused: ${keys.refused} keys, ${bulk.refusals.length} sessions: ${bulk.refusals[0] ?? ''}`,
        ];
  return [
    ...(isFirst ? [`${sessions} ${sessions === 1 ? 'session' : 'sessions'} at once`] : []),
    row(`  ${lane}`, cells),
    ...refusals,
  ];
}

function clientLine(figure: ClientFigure): string {
  return row(`  ${figure.mode}`, [
    ms(figure.echoP50Ms),
    ms(figure.directEchoP50Ms),
    ms(figure.echoP99Ms),
    ms(figure.directEchoP99Ms),
    figure.mbPerS.toFixed(1),
    figure.directMbPerS.toFixed(1),
  ]);
}

function verified({ bytes, intact, seconds, sessions }: RecordingFigures['verify']): string {
  const rate = (bytes / 1e6 / seconds).toFixed(0);
  return `${rate} MB/s (${(bytes / 1e6).toFixed(0)} MB, ${intact} of ${sessions} intact)`;
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(NAME_WIDTH) + cells.map((cell) => cell.padStart(CELL_WIDTH)).join('');
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0);
}

function share(value: number): string {
  return value.toFixed(3);
}
