/** The approvals page: says when the list has changed, and sends a decision only once. */

/** How often the list of waiting requests is asked for. */
const POLL_INTERVAL_MS = 5000;

const shown = document.getElementById('waiting')?.dataset['ids'] ?? '';
const news = document.getElementById('news');

async function poll(): Promise<void> {
  if (document.hidden || news === null) return;
  const answer = await fetch('/api/v1/approvals?status=waiting&limit=200');
  if (!answer.ok) return;
  const { items } = (await answer.json()) as { items: readonly { readonly id: string }[] };
  const ids = items.map((one) => one.id);
  news.hidden = ids.toSorted().join(' ') === shown.split(' ').toSorted().join(' ');
}

setInterval(() => {
  // The network may be away for a while; the next poll asks again.
  poll().catch(() => {});
}, POLL_INTERVAL_MS);

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches('.decide')) return;
  // Disabled at once, the pressed button would not be part of the form.
  setTimeout(() => {
    for (const button of form.querySelectorAll('button')) button.disabled = true;
  });
});
