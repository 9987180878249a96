/** The HTML document around every page. */
import type { ComponentChildren } from 'preact';
import type { Frame } from '../../server/http/pages.ts';
import type { AssetPaths } from '../build.ts';
import { Visible } from './visible.tsx';

export interface DocumentProps {
  readonly frame: Frame;
  readonly assets: AssetPaths;
  readonly title: string;
  readonly current: 'sessions' | 'search' | 'approvals' | null;
  /** Paths of further style sheets and scripts, in order. */
  readonly styles?: readonly string[];
  readonly scripts?: readonly { readonly path: string; readonly module: boolean }[];
  /** A page that is one card in the middle. */
  readonly narrow?: boolean;
  readonly children: ComponentChildren;
}

export function Document(props: DocumentProps) {
  const { assets, frame, styles = [], scripts = [] } = props;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${props.title} · Sallyport`}</title>
        <link rel="icon" href={assets.icon} type="image/svg+xml" />
        {styles.map((path) => (
          <link key={path} rel="stylesheet" href={path} />
        ))}
        <link rel="stylesheet" href={assets.style} />
        {scripts.map(({ path, module }) =>
          module ? (
            <script key={path} type="module" src={path} />
          ) : (
            <script key={path} defer src={path} />
          ),
        )}
      </head>
      <body class={props.narrow === true ? 'narrow' : undefined}>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <TopBar frame={frame} current={props.current} />
        <main id="main">{props.children}</main>
      </body>
    </html>
  );
}

function TopBar(props: { readonly frame: Frame; readonly current: DocumentProps['current'] }) {
  const { viewer, waiting } = props.frame;
  const page = (name: DocumentProps['current']) => (props.current === name ? 'page' : undefined);
  return (
    <header class="bar">
      <a class="brand" href="/">
        <Gate />
        Sallyport
      </a>
      {viewer !== null && (
        <nav aria-label="Main">
          <a href="/sessions" aria-current={page('sessions')}>
            Sessions
          </a>
          <a href="/search" aria-current={page('search')}>
            Search
          </a>
          {waiting !== null && (
            <a href="/approvals" aria-current={page('approvals')}>
              Approvals
              {waiting > 0 && (
                <span class="count" aria-label={`${waiting} waiting`}>
                  {waiting > 99 ? '99+' : waiting}
                </span>
              )}
            </a>
          )}
        </nav>
      )}
      <span class="grow" />
      {viewer !== null && (
        <form class="viewer" method="post" action="/sign-out">
          <span class="who" title={`roles: ${['user', ...viewer.roles].join(', ')}`}>
            <Visible text={viewer.name} />
          </span>
          <button type="submit" class="quiet">
            Sign out
          </button>
        </form>
      )}
    </header>
  );
}

function Gate() {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M1.5 15V7a6.5 6.5 0 0 1 13 0v8h-4V8a2.5 2.5 0 0 0-5 0v7z" fill="currentColor" />
    </svg>
  );
}
