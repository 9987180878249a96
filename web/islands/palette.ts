/**
 * Goes to any page from the keyboard: Ctrl K opens a list of places and of what can be done with the words
 * that are typed; `?` shows the keys. The places are those that the bar has, so nobody sees others.
 */

interface Choice {
  readonly label: string;
  readonly hint: string;
  readonly address: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function places(): Choice[] {
  const links = document.querySelectorAll<HTMLAnchorElement>('.bar nav a, .tabs a');
  const shown = [...links].map((link) => ({
    label: link.firstChild?.textContent?.trim() ?? '',
    hint: 'page',
    address: link.getAttribute('href') ?? '/',
  }));
  // In the bar it has the name of whoever is signed in.
  return [...shown, { label: 'Your keys', hint: 'page', address: '/keys' }];
}

function choicesFor(typed: string): Choice[] {
  const words = typed.trim();
  const found = places().filter(({ label }) => label.toLowerCase().includes(words.toLowerCase()));
  if (words === '') return found;
  const to = (path: string, fields: Readonly<Record<string, string>>): string =>
    `${path}?${new URLSearchParams(fields).toString()}`;
  const session: Choice[] = UUID.test(words)
    ? [{ label: words, hint: 'session', address: `/sessions/${words}` }]
    : [];
  return [
    ...session,
    ...found,
    { label: words, hint: 'in commands', address: to('/search', { in: 'commands', q: words }) },
    { label: words, hint: 'in output', address: to('/search', { in: 'output', q: words }) },
    { label: words, hint: 'sessions on target', address: to('/sessions', { target: words }) },
    { label: words, hint: 'sessions of principal', address: to('/sessions', { principal: words }) },
    { label: words, hint: 'sessions of run', address: to('/sessions', { run: words }) },
  ];
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const input = element('input', {
  type: 'text',
  role: 'combobox',
  'aria-expanded': 'true',
  'aria-controls': 'palette-list',
  'aria-label': 'Go to',
  placeholder: 'Page, session id, or words to search',
  autocomplete: 'off',
  spellcheck: 'false',
  maxlength: '200',
});
const shown = element('div', { id: 'palette-list', role: 'listbox', 'aria-label': 'Where to' });
const dialog = element('dialog', { id: 'palette', 'aria-label': 'Go to' }, input, shown);
let at = 0;

function show(): void {
  const choices = choicesFor(input.value);
  at = Math.min(at, Math.max(choices.length - 1, 0));
  shown.replaceChildren(
    ...choices.map(({ address, hint, label }, index) =>
      element(
        'a',
        {
          href: address,
          role: 'option',
          id: `palette-${index}`,
          'aria-selected': String(index === at),
          tabindex: '-1',
        },
        element('bdi', { class: 'foreign' }, label),
        element('span', { class: 'muted' }, hint),
      ),
    ),
  );
  input.setAttribute('aria-activedescendant', choices.length === 0 ? '' : `palette-${at}`);
  shown.children[at]?.scrollIntoView({ block: 'nearest' });
}

function open(): void {
  if (dialog.open) return dialog.close();
  input.value = '';
  at = 0;
  show();
  dialog.showModal();
}

input.addEventListener('input', () => {
  at = 0;
  show();
});
input.addEventListener('keydown', (event) => {
  const { length } = shown.children;
  if (event.key === 'ArrowDown') at = (at + 1) % Math.max(length, 1);
  else if (event.key === 'ArrowUp') at = (at + length - 1) % Math.max(length, 1);
  else if (event.key === 'Enter') document.getElementById(`palette-${at}`)?.click();
  else return;
  event.preventDefault();
  if (event.key !== 'Enter') show();
});
// A click beside it closes it.
dialog.addEventListener('click', (event) => {
  if (event.target === dialog) dialog.close();
});

const openButton = document.getElementById('open-palette');
if (openButton !== null) {
  document.body.append(dialog);
  openButton.hidden = false;
  openButton.addEventListener('click', open);
  document.addEventListener('keydown', (event) => {
    if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.altKey) {
      event.preventDefault();
      open();
      return;
    }
    const { target } = event;
    // The player shows keys of its own.
    const isTyping =
      target instanceof Element &&
      target.closest('input, select, textarea, #player .mount') !== null;
    if (event.key !== '?' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const shortcuts = document.getElementById('shortcuts');
    if (!(shortcuts instanceof HTMLDialogElement) || dialog.open) return;
    event.preventDefault();
    if (shortcuts.open) shortcuts.close();
    else shortcuts.showModal();
  });
}
