/** A recording in a file of its own: it proves itself, then plays. Nothing is loaded from anywhere. */
import { clockTime } from '../parts/format.ts';
import { hiddenText, visibleText } from '../parts/visible.tsx';
import {
  compareListed,
  verdictOf,
  type Listed,
  type ListedRow,
  type RowMark,
  type Verdict,
} from './listed.ts';
import { openReplay } from './player.ts';
import { dataOf, prove, type ExportedDocument, type Proof } from './proof.ts';
import { followReplay } from './timeline.ts';

const SHOWN_CODES = new Set(['o', 'r', 'm']);

function text(id: string): string {
  return document.getElementById(id)?.textContent ?? '';
}

/** asciicast v2. A session without a terminal had nothing that turned LF into CR LF. */
function castOf({ events, header }: ExportedDocument): string {
  const lines: unknown[] = [{ version: 2, width: header.cols, height: header.rows }];
  for (const event of events) {
    if (!SHOWN_CODES.has(event.code)) continue;
    const data = dataOf(event);
    const shown =
      event.code === 'o' && header.term === null ? data.replace(/(?<!\r)\n/g, '\r\n') : data;
    lines.push([event.atUs / 1e6, event.code, shown]);
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function sentence(proof: Proof): string {
  switch (proof.kind) {
    case 'intact':
      return `Intact: all ${proof.chunks} chunks are what was recorded, and the signature is that of the key ${proof.keyId}.`;
    case 'unsigned':
      return `The ${proof.chunks} chunks follow each other as recorded; ${proof.signed} of them are signed, for the session still ran when this file was made.`;
    case 'unable':
      return `All ${proof.chunks} chunks follow each other as recorded; this browser can’t check the Ed25519 signature of the key ${proof.keyId}.`;
    case 'foreign':
      return `All ${proof.chunks} chunks follow each other as recorded, but the signature is that of the key ${proof.keyId}, which is not the one in this file.`;
    case 'blind':
      return 'Nothing can be verified here: this browser offers no cryptography to this page. Take another one, or: sallyport verify --file.';
    case 'broken':
      return `NOT what was recorded: ${proof.why}.`;
  }
}

/** The elements of the list: nothing else may stand in it. */
function rowsOf(): readonly Element[] {
  return Array.from(document.getElementById('commands')?.children ?? []);
}

function readList(): Listed {
  const { complete, whole } = document.getElementById('proof')?.dataset ?? {};
  return {
    rows: rowsOf().map(readRow),
    count: text('command-count'),
    sessionId: text('session-id'),
    keyId: text('key-id'),
    isComplete: complete === 'true',
    isWhole: whole === 'true',
  };
}

function readRow(row: Element): ListedRow {
  const number = row.querySelector('.seq')?.textContent ?? '';
  const isNumbered = /^\d{1,7}$/.test(number) && row.id === `cmd-${number}`;
  const atMs = Number((row instanceof HTMLElement && row.dataset['atMs']) || NaN);
  const isTimed = row.querySelector('.at')?.textContent === clockTime(atMs);
  const marks = Array.from(row.querySelectorAll('.why > .badge'), (badge) => badge.textContent);
  return {
    ...readText(row.querySelector('a.command > code.text')),
    seq: isNumbered ? Number(number) : null,
    atMs: isTimed ? atMs : null,
    isMasked: marks.some((mark) => /^\d+ masked$/.test(mark)),
  };
}

/** The text that the page was made of. Anything that `Visible` doesn't write is no text. */
function readText(place: Element | null): Pick<ListedRow, 'text' | 'isCut'> {
  const foreign = place?.childNodes.length === 1 ? place.firstElementChild : null;
  if (foreign?.nodeName !== 'BDI') return { text: null, isCut: false };
  let read = '';
  let isCut = false;
  for (const node of foreign.childNodes) {
    const shown = node.textContent ?? '';
    const isMark = node instanceof HTMLElement && node.className === 'control';
    if (isCut || (!isMark && node.nodeType !== Node.TEXT_NODE)) return { text: null, isCut };
    isCut = isMark && /^… and [\d,]+ more characters$/.test(shown);
    const plain = isMark ? hiddenText(shown) : shown;
    if (!isCut && plain === null) return { text: null, isCut };
    if (!isCut) read += plain;
  }
  return { text: read, isCut };
}

function markRow(row: Element, mark: RowMark): void {
  if (mark.kind === 'partly') return;
  const isOther = mark.kind === 'differs';
  const badge = document.createElement('span');
  badge.className = 'badge bad';
  badge.textContent = isOther ? 'NOT what was recorded' : 'not in the recording';
  const place = row.querySelector('.why') ?? row;
  place.prepend(badge);
  row.setAttribute('data-proof', mark.kind);
  if (!isOther) return;
  const recorded = document.createElement('span');
  recorded.textContent = `recorded: ${visibleText(mark.label)}`;
  badge.after(' ', recorded, ' ');
}

async function showProof(recording: ExportedDocument, listed: Listed): Promise<void> {
  const place = document.getElementById('proof');
  if (place === null) return;
  const rows = rowsOf();
  let proof: Proof;
  try {
    proof = await prove(recording, place.dataset['key'] ?? '');
  } catch {
    proof = { kind: 'broken', why: 'the file can’t be read as a recording' };
  }
  let verdict: Verdict = { kind: proof.kind, text: sentence(proof) };
  if (proof.kind !== 'broken') {
    const comparison = compareListed(listed, recording.events);
    for (const [index, mark] of comparison.marks) {
      const row = rows[index];
      if (row !== undefined) markRow(row, mark);
    }
    verdict = verdictOf(proof, verdict.text, listed, recording, comparison);
  }
  place.textContent = verdict.text;
  place.dataset['proof'] = verdict.kind;
}

const recording = JSON.parse(text('recording')) as ExportedDocument;
void showProof(recording, readList());
followReplay((host, startMs) => openReplay(host, startMs, { data: castOf(recording) }));
