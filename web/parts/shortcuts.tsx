/** What keys do, for people who look for it. The palette's island shows it; without scripts there are none. */

export type Shortcut = readonly [keys: readonly string[], what: string];

const EVERYWHERE: readonly Shortcut[] = [
  [['Ctrl K'], 'go to a page, a session or a search'],
  [['?'], 'show this'],
  [['Esc'], 'close'],
];

const LISTS: Readonly<Record<string, readonly Shortcut[]>> = {
  approvals: [
    [['j', 'k'], 'next and previous request'],
    [['a'], 'approve'],
    [['d'], 'deny'],
    [['Enter'], 'open the request'],
  ],
  sessions: [
    [['j', 'k'], 'next and previous command, in a session'],
    [['p'], 'play or pause, in a session'],
    [['←', '→'], 'five seconds back and forth, where the player has the focus'],
    [['/'], 'find a command, in a session'],
    [['n', 'N'], 'next and previous hit of a search, in a session'],
  ],
};

export function Shortcuts({ current }: { readonly current: string | null }) {
  const here = (current === null ? undefined : LISTS[current]) ?? [];
  return (
    <dialog id="shortcuts" aria-labelledby="shortcuts-heading">
      <h2 id="shortcuts-heading">Keys</h2>
      <dl>
        {[...here, ...EVERYWHERE].map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
