/** Keeping a page up to date: when something has happened, and the page as the server writes it now. */

/** null = the server has no such page now. */
export async function freshPage(address: string): Promise<Document | null> {
  const answer = await fetch(address);
  if (!answer.ok) return null;
  return new DOMParser().parseFromString(await answer.text(), 'text/html');
}

/** One after the other, so that an older answer never replaces a newer one. What fails waits for the next news. */
export function inTurn(renew: () => Promise<void>): () => void {
  let last: Promise<void> = Promise.resolve();
  return () => {
    last = last.then(renew).catch(() => {});
  };
}

/** @param missed the connection is there again: what is in the page may be older */
export function newsFrom(address: string, missed: () => void): EventSource {
  const events = new EventSource(address);
  let isFirst = true;
  events.addEventListener('open', () => {
    if (!isFirst) missed();
    isFirst = false;
  });
  return events;
}
