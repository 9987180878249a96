/** What happened, why, what to do next. */
import type { ErrorProps } from '../../server/http/pages.ts';
import type { AssetPaths } from '../build.ts';
import { Document } from '../parts/document.tsx';
import { sentence } from '../parts/visible.tsx';

export function ErrorPage(props: ErrorProps & { readonly assets: AssetPaths }) {
  const { frame, status, title } = props;
  return (
    <Document frame={frame} assets={props.assets} title={title} current={null} narrow>
      <section class="panel sheet">
        <p class="status muted">{status}</p>
        <h1>{title}</h1>
        <p>{sentence(props.message)}</p>
        <p class="muted">{sentence(props.hint)}</p>
        {frame.viewer === null && [401, 403, 503].includes(status) && (
          <p>
            <a class="button" href={props.signIn}>
              Go to the sign-in page
            </a>
          </p>
        )}
        {frame.viewer !== null && (
          <p>
            <a class="button" href="/sessions">
              Go to the sessions
            </a>
          </p>
        )}
      </section>
    </Document>
  );
}
