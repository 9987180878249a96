/** Checks the recording in the browser: chain and signature at once, and all of its content when asked to. */
import { prove, proveChain, type ExportedDocument, type Proof } from './proof.ts';

export function verifyHere(): void {
  const place = document.getElementById('verification');
  const button = document.getElementById('verify-all');
  if (place === null) return;
  const { chain: chainUrl = '', key = '', recording: recordingUrl = '' } = place.dataset;

  const show = (proof: Proof, isAll: boolean): void => {
    place.textContent = sentence(proof, isAll);
    place.dataset['proof'] = proof.kind;
    if (button !== null) button.hidden = isAll || proof.kind === 'blind';
  };

  async function check(url: string, isAll: boolean): Promise<void> {
    if (place === null) return;
    place.textContent = isAll ? 'Loading and checking the whole recording…' : 'Checking…';
    try {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(String(answer.status));
      const read: unknown = await answer.json();
      const proof = isAll
        ? await prove(read as ExportedDocument, key)
        : await proveChain(read as ExportedDocument['seal'], key);
      show(proof, isAll);
    } catch {
      place.textContent =
        'It could not be checked here: the recording could not be read. Reload the page, or use the command below.';
      place.dataset['proof'] = 'failed';
    }
  }

  void check(chainUrl, false);
  button?.addEventListener('click', () => {
    (button as HTMLButtonElement).disabled = true;
    void check(recordingUrl, true).finally(() => {
      (button as HTMLButtonElement).disabled = false;
    });
  });
}

function sentence(proof: Proof, isAll: boolean): string {
  switch (proof.kind) {
    case 'intact':
      return `Verified in this browser: ${chunks(proof.chunks, isAll)}, and the signature is that of the bastion’s key.`;
    case 'unsigned':
      return `Verified in this browser: ${chunks(proof.chunks, isAll)}; ${proof.signed} of them are signed so far.`;
    case 'unable':
      return `Cannot verify the signature here: this browser lacks Ed25519; ${chunks(proof.chunks, isAll)}.`;
    case 'foreign':
      return `Signed by the key ${proof.keyId}, which this bastion does not have; ${chunks(proof.chunks, isAll)}.`;
    case 'blind':
      return 'Cannot verify here: this browser offers no cryptography to this page, which needs https.';
    case 'broken':
      return `NOT what was recorded: ${proof.why}.`;
  }
}

function chunks(count: number, isAll: boolean): string {
  if (count === 1) return `the only chunk is ${isAll ? 'what was recorded' : 'in its place'}`;
  return `all ${count} chunks ${isAll ? 'are what was recorded' : 'follow each other'}`;
}
