/** Keeps the place inside a page (`#cmd-12`) on the way to the issuer, which no server hears of. */
const link = document.querySelector<HTMLAnchorElement>('#sign-in');
if (link !== null && location.hash !== '') {
  const url = new URL(link.href);
  url.searchParams.set('to', (url.searchParams.get('to') ?? '/') + location.hash);
  link.href = url.href;
}
