/** Where nobody is signed in yet: the way to the issuer, or what to do without one. */
import type { SignInProps } from '../../server/http/pages.ts';
import type { AssetPaths } from '../build.ts';
import { Document } from '../parts/document.tsx';
import { visibleText } from '../parts/visible.tsx';

export function SignInPage(props: SignInProps & { readonly assets: AssetPaths }) {
  const { assets, frame, issuer } = props;
  return (
    <Document
      frame={frame}
      assets={assets}
      title="Sign in"
      current={null}
      scripts={[{ path: assets.signInScript, module: true }]}
      narrow
    >
      <section class="panel sheet">
        <h1>Sign in to Sallyport</h1>
        {issuer === null ? (
          <p>
            Open a one-time link. The demo prints one when it starts; an administrator makes one
            with <code>npx sallyport token create --principal NAME --link</code>.
          </p>
        ) : (
          <>
            <p>You go to your organisation’s sign-in page and come back here.</p>
            <p>
              <a class="button primary big" id="sign-in" href={issuer.action}>
                Sign in with {visibleText(issuer.title, 100)}
              </a>
            </p>
            <p class="muted">
              Is that page down? Then an administrator can make a one-time link with
              <br />
              <code>npx sallyport token create --principal NAME --link</code>
            </p>
          </>
        )}
      </section>
    </Document>
  );
}
