/** The bar above every page: where one can go, and who one is. */
import type { Frame } from '../../server/http/pages.ts';
import { Visible } from './visible.tsx';

interface Place {
  readonly name: string;
  readonly address: string;
  readonly word: string;
  /** Whose bar shows it. */
  readonly for: 'everybody' | 'readers' | 'approvers';
}

const PLACES = [
  { name: 'overview', address: '/overview', word: 'Overview', for: 'readers' },
  { name: 'sessions', address: '/sessions', word: 'Sessions', for: 'everybody' },
  { name: 'runs', address: '/runs', word: 'Runs', for: 'everybody' },
  { name: 'search', address: '/search', word: 'Search', for: 'everybody' },
  { name: 'access', address: '/access', word: 'Access', for: 'everybody' },
  { name: 'approvals', address: '/approvals', word: 'Approvals', for: 'approvers' },
  { name: 'rules', address: '/rules', word: 'Rules', for: 'readers' },
  { name: 'directory', address: '/principals', word: 'Directory', for: 'readers' },
  { name: 'journal', address: '/journal', word: 'Journal', for: 'readers' },
] as const satisfies readonly Place[];

export type PlaceName = (typeof PLACES)[number]['name'];

export function TopBar(props: { readonly frame: Frame; readonly current: PlaceName | null }) {
  const { frame } = props;
  const { viewer } = frame;
  return (
    <header class="bar">
      <a class="brand" href="/">
        <Gate />
        Sallyport
      </a>
      {viewer !== null && (
        <nav aria-label="Main">
          {placesFor(frame).map(({ name, address, word }) => (
            <a key={name} href={address} aria-current={name === props.current ? 'page' : undefined}>
              {word}
              {name === 'approvals' && <Count waiting={frame.waiting ?? 0} />}
            </a>
          ))}
        </nav>
      )}
      <span class="grow" />
      {viewer !== null && (
        <button type="button" id="open-palette" class="quiet" hidden>
          Go to <kbd>Ctrl K</kbd>
        </button>
      )}
      {viewer !== null && (
        <form class="viewer" method="post" action="/sign-out">
          <a
            class="who"
            href="/keys"
            title={`your keys; roles: ${['user', ...viewer.roles].join(', ')}`}
          >
            <Visible text={viewer.name} />
          </a>
          <button type="submit" class="quiet">
            Sign out
          </button>
        </form>
      )}
    </header>
  );
}

function placesFor(frame: Frame): readonly Place[] {
  return PLACES.filter((place) => {
    if (place.for === 'readers') return frame.readsAll;
    return place.for === 'everybody' || frame.waiting !== null;
  });
}

function Count({ waiting }: { readonly waiting: number }) {
  if (waiting === 0) return null;
  return (
    <span class="count" aria-label={`${waiting} waiting`}>
      {waiting > 99 ? '99+' : waiting}
    </span>
  );
}

function Gate() {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M1.5 15V7a6.5 6.5 0 0 1 13 0v8h-4V8a2.5 2.5 0 0 0-5 0v7z" fill="currentColor" />
    </svg>
  );
}
