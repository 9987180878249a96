/** A recording in a file of its own: it proves itself, then plays. Nothing is loaded from anywhere. */
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

async function showProof(recording: ExportedDocument): Promise<void> {
  const place = document.getElementById('proof');
  if (place === null) return;
  let proof: Proof;
  try {
    proof = await prove(recording, place.dataset['key'] ?? '');
  } catch {
    proof = { kind: 'broken', why: 'the file can’t be read as a recording' };
  }
  place.textContent = sentence(proof);
  place.dataset['proof'] = proof.kind;
}

const recording = JSON.parse(text('recording')) as ExportedDocument;
void showProof(recording);
followReplay((host, startMs) => openReplay(host, startMs, { data: castOf(recording) }));
