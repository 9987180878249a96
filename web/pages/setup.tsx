/** What the one-time link shows: one button, so that fetching the page doesn't use the link up. */
import type { SetupProps } from '../../server/http/pages.ts';
import type { AssetPaths } from '../build.ts';
import { Document } from '../parts/document.tsx';

export function SetupPage(props: SetupProps & { readonly assets: AssetPaths }) {
  return (
    <Document frame={props.frame} assets={props.assets} title="Sign in" current={null} narrow>
      <section class="panel sheet">
        <h1>Sign in to Sallyport</h1>
        <p>This link signs this browser in. It works once, within 15 minutes of being printed.</p>
        <form method="post" action={props.action}>
          <button type="submit" class="primary big">
            Sign in
          </button>
        </form>
        <p class="muted">Did somebody send you this link unasked? Then close this page.</p>
      </section>
    </Document>
  );
}
