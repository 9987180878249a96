/** The HTML document around every page. */
import type { ComponentChildren } from 'preact';
import type { Frame } from '../../server/http/pages.ts';
import type { AssetPaths } from '../build.ts';
import { TopBar, type PlaceName } from './navigation.tsx';
import { Shortcuts } from './shortcuts.tsx';

export interface DocumentProps {
  readonly frame: Frame;
  readonly assets: AssetPaths;
  readonly title: string;
  readonly current: PlaceName | null;
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
        {frame.viewer !== null && <script type="module" src={assets.paletteScript} />}
      </head>
      <body class={props.narrow === true ? 'narrow' : undefined}>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <TopBar frame={frame} current={props.current} />
        <main id="main" tabIndex={-1}>
          {props.children}
        </main>
        {frame.viewer !== null && <Shortcuts current={props.current} />}
      </body>
    </html>
  );
}
