/** The output of one command as text beside the replay, to read and to copy. */
import { visibleText } from '../parts/visible.tsx';

/** As it is, but for what would move, hide or reorder other text. */
function readable(text: string): string {
  const shown = (part: string): string => visibleText(part, Number.MAX_SAFE_INTEGER);
  const lines = text.split('\n').map((line) => line.split('\t').map(shown).join('\t'));
  return lines.join('\n');
}

export function showOutputs(): void {
  const list = document.getElementById('commands');
  const panel = document.getElementById('output-panel');
  const heading = document.getElementById('output-heading');
  const note = document.getElementById('output-note');
  const text = document.getElementById('output-text');
  const file = document.getElementById('output-file') as HTMLAnchorElement | null;
  if (list === null || panel === null || text === null || heading === null) return;
  let opener: HTMLElement | null = null;
  let asked = 0;
  let printed = '';

  const say = (words: string): void => {
    if (note !== null) note.textContent = words;
  };

  async function show(link: HTMLAnchorElement): Promise<void> {
    asked += 1;
    const mine = asked;
    opener = link;
    if (heading === null || panel === null || text === null) return;
    const seq = link.dataset['seq'] ?? '';
    heading.textContent = `Output of command ${seq}`;
    text.textContent = '';
    panel.hidden = false;
    say('Loading…');
    if (file !== null) {
      file.href = link.href;
      file.download = `output-${seq}.txt`;
    }
    try {
      const answer = await fetch(link.href);
      if (!answer.ok) throw new Error(String(answer.status));
      const words = await answer.text();
      if (mine !== asked) return;
      printed = words;
      text.textContent = readable(words);
      const isCut = answer.headers.get('x-sallyport-cut') === 'yes';
      if (isCut) say('Only its start; the download has everything.');
      else say(words === '' ? 'It printed nothing that is text.' : '');
    } catch {
      if (mine === asked) say('It could not be loaded. Try again in a moment.');
    }
    panel.scrollIntoView({ block: 'nearest' });
    text.focus({ preventScroll: true });
  }

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(printed);
      say('Copied.');
    } catch {
      // No permission, or a page that isn't served over https: the person copies what is selected.
      getSelection()?.selectAllChildren(text ?? document.body);
      say('Selected: press Ctrl C to copy it.');
    }
  }

  list.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a.output-link') : null;
    if (!(link instanceof HTMLAnchorElement)) return;
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void show(link);
  });
  document.getElementById('output-copy')?.addEventListener('click', () => void copy());
  const close = (): void => {
    panel.hidden = true;
    opener?.focus();
  };
  document.getElementById('output-close')?.addEventListener('click', close);
  panel.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
  });
}
