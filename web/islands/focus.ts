/** Keeps the focus where somebody has it, while parts of the page are replaced by newer ones. */

/** Whoever stood on a control stands on the same one afterwards, or on what it was in. */
export function keepFocus(change: () => void): void {
  const focused = document.activeElement;
  const home = focused?.closest('[id]')?.id ?? '';
  change();
  if (focused === null || focused.isConnected) return;
  const key = keyOf(focused);
  const controls = document.querySelectorAll<HTMLElement>('a[href], button, summary, [tabindex]');
  const same = [...controls].find((one) => keyOf(one) === key) ?? document.getElementById(home);
  same?.focus({ preventScroll: true });
}

/** What a control is told from others by. */
function keyOf(one: Element): string {
  const told = ['id', 'href', 'value', 'aria-label'].map((name) => one.getAttribute(name) ?? '');
  const form = one.closest('form')?.getAttribute('action') ?? '';
  return [one.tagName, form, ...told].join(' ');
}
