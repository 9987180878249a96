/**
 * What masking costs, with all detectors, and what it takes for a secret in ordinary output of this machine:
 * listings, sources, manual pages, logs, dumps. Nothing is planted in them, so whatever is masked there is
 * printed by detector, for a person to judge.
 */
import { execFileSync } from 'node:child_process';
import { DETECTOR_NAMES, type DetectorName } from '../../server/mask/detection.ts';
import { Detectors } from '../../server/mask/detectors.ts';
import { Masker } from '../../server/mask/masker.ts';
import { PLANTED } from '../support/planted-secrets.ts';
import { percentile } from './statistics.ts';

const MAX_SAMPLE_BYTES = 8_000_000;
const ROUNDS = 4;
/** As much as an SSH packet holds, and as a program on a terminal writes at once. */
const BULK_BYTES = 32_768;
const SMALL_BYTES = 200;
const LATENCY_CHUNKS = 20_000;
const SPLITS = 20_000;

const SAMPLES: readonly (readonly [name: string, command: string])[] = [
  ['ls -lR', 'ls -lR /usr/share'],
  ['ls -lR, coloured', 'ls -lR --color=always /usr/share'],
  ['find', 'find /usr'],
  ['dpkg -l', 'dpkg -l; dpkg -l; dpkg -l'],
  ['sources', 'find server web -name "*.ts*" | xargs cat'],
  ['git log -p', 'git log -p -300 -- server web migrations'],
  ['JavaScript', 'find node_modules -name "*.js" -size -60k | head -600 | xargs cat'],
  ['Python', 'find /usr/lib/python3* -name "*.py" | xargs cat'],
  ['logs', 'cat /var/log/*.log /var/log/apt/*.log'],
  ['manual pages', 'for f in /usr/share/man/man1/*.gz; do zcat $f | head -c 20000; done'],
  ['hexdump -C', 'head -c 1500000 "$(command -v git)" | hexdump -C'],
  ['base64', 'head -c 4000000 "$(command -v git)" | base64'],
  [
    '/proc',
    'i=0; while [ $i -lt 200 ]; do i=$((i+1)); cat /proc/meminfo /proc/stat /proc/interrupts /proc/vmstat; done',
  ],
];

export interface MaskFigures {
  readonly samples: readonly {
    readonly name: string;
    readonly megabytes: number;
    readonly bulkMbS: number;
    readonly smallMbS: number;
    readonly masked: Readonly<Partial<Record<DetectorName, number>>>;
  }[];
  readonly latencyUs: { readonly p50: number; readonly p99: number };
  readonly splits: { readonly planted: number; readonly found: number };
}

export function measureMasks(): MaskFigures {
  const samples = SAMPLES.map(([name, command]) => {
    const bytes = asPrinted(command);
    const masker = new Masker(new Detectors(DETECTOR_NAMES), 80);
    masker.push(bytes);
    masker.end();
    const counts = DETECTOR_NAMES.map((one, number) => [one, masker.count(number)] as const);
    return {
      name,
      megabytes: bytes.length / 1e6,
      bulkMbS: throughput(bytes, BULK_BYTES),
      smallMbS: throughput(bytes, SMALL_BYTES),
      masked: Object.fromEntries(counts.filter(([, count]) => count > 0)),
    };
  });
  return { samples, latencyUs: latency(), splits: splits() };
}

/** Output of a command as a terminal gets it. */
function asPrinted(command: string): Buffer {
  const out = execFileSync(
    'sh',
    ['-c', `{ ${command}; } 2>/dev/null | head -c ${MAX_SAMPLE_BYTES}`],
    {
      maxBuffer: 2 * MAX_SAMPLE_BYTES,
    },
  );
  return Buffer.from(out.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
}

/** The best of some rounds, by processor time: others may be working. */
function throughput(bytes: Buffer, chunk: number): number {
  let best = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const masker = new Masker(new Detectors(DETECTOR_NAMES), 80);
    const { user } = process.cpuUsage();
    for (let at = 0; at < bytes.length; at += chunk) masker.push(bytes.subarray(at, at + chunk));
    masker.end();
    best = Math.max(best, bytes.length / Math.max(1, process.cpuUsage().user - user));
  }
  return best;
}

function latency(): MaskFigures['latencyUs'] {
  const bytes = asPrinted('ls -lR --color=always /usr/share');
  const masker = new Masker(new Detectors(DETECTOR_NAMES), 80);
  const times: number[] = [];
  for (let count = 0, at = 0; count < LATENCY_CHUNKS; count += 1) {
    at = (at + SMALL_BYTES) % Math.max(1, bytes.length - SMALL_BYTES);
    const started = performance.now();
    masker.push(bytes.subarray(at, at + SMALL_BYTES));
    times.push((performance.now() - started) * 1000);
  }
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

/** Secrets in ordinary lines, cut at random places. */
function splits(): MaskFigures['splits'] {
  const detectors = new Detectors(DETECTOR_NAMES);
  let found = 0;
  for (let count = 0; count < SPLITS; count += 1) {
    const planted = PLANTED[count % PLANTED.length];
    if (planted === undefined) break;
    const bytes = Buffer.from(
      `total 12\r\nvalue: ${planted.text.replaceAll('\n', '\r\n')}\r\nnext\r\n`,
    );
    const masker = new Masker(detectors, 80);
    const out: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const to = at + 1 + Math.floor(Math.random() * 60);
      out.push(masker.push(bytes.subarray(at, to)));
      at = to;
    }
    const text = Buffer.concat([...out, masker.end()]).toString();
    if (planted.pieces.every((piece) => !text.includes(piece))) found += 1;
  }
  return { planted: SPLITS, found };
}

export function renderMasks({ latencyUs, samples, splits }: MaskFigures): string {
  const rows = samples.map(({ bulkMbS, masked, megabytes, name, smallMbS }) => {
    const what = Object.entries(masked).map(([detector, count]) => `${detector} ${count}`);
    return `| ${name} | ${megabytes.toFixed(1)} | ${bulkMbS.toFixed(0)} | ${smallMbS.toFixed(0)} | ${what.join(', ') || 'nothing'} |`;
  });
  const all = samples.reduce((sum, { megabytes }) => sum + megabytes, 0);
  return [
    `| output | MB | MB/s, chunks of ${BULK_BYTES} | of ${SMALL_BYTES} | masked |`,
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    `${all.toFixed(1)} MB of ordinary output`,
    `a chunk of ${SMALL_BYTES} bytes takes ${latencyUs.p50.toFixed(0)} µs (p50), ${latencyUs.p99.toFixed(0)} µs (p99)`,
    `${splits.found} of ${splits.planted} planted secrets cut at random places were masked`,
    '',
  ].join('\n');
}
