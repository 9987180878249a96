/** The keys that count for the viewer now. */
import type { OwnKeysProps } from '../../server/http/link-page-props.ts';
import type { OwnKeyView } from '../../server/http/link-ports.ts';
import type { AssetPaths } from '../build.ts';
import { KeyPrint } from '../parts/client.tsx';
import { Document } from '../parts/document.tsx';
import { dateTime } from '../parts/format.ts';
import { Visible } from '../parts/visible.tsx';

const ORIGINS: Readonly<Record<OwnKeyView['origin'], string>> = {
  configuration: 'of the configuration',
  link: 'remembered at an ssh sign-in',
  device: 'registered by sallyport login',
  token: 'registered with a token',
};

export function OwnKeysPage(props: OwnKeysProps & { readonly assets: AssetPaths }) {
  const { assets, frame, isRevoked, keys } = props;
  return (
    <Document frame={frame} assets={assets} title="Your keys" current={null}>
      <div class="row title">
        <h1>Your keys</h1>
      </div>
      {isRevoked && (
        <p class="notice good" role="status">
          The key is revoked. What was opened with it ends now.
        </p>
      )}
      {keys.length === 0 ? (
        <div class="panel empty">
          <p>No key counts for you now. ssh with an unknown key shows a link to sign in by.</p>
        </div>
      ) : (
        <ul class="cards own-keys">
          {keys.map((key) => (
            <li class="panel" key={key.id}>
              <KeyPrint algorithm={key.algorithm} fingerprint={key.fingerprint} />
              <p class="muted">
                {ORIGINS[key.origin]}
                {key.comment !== '' && (
                  <>
                    {' · '}
                    <Visible text={key.comment} />
                  </>
                )}
                {key.registeredFrom !== null && (
                  <>
                    {' · from '}
                    <Visible text={key.registeredFrom} />
                  </>
                )}
                {key.expiresAt === null ? '' : ` · until ${dateTime(key.expiresAt)} UTC`}
              </p>
              {key.origin !== 'configuration' && (
                <form method="post" action={`/keys/${encodeURIComponent(key.id)}/revoke`}>
                  <button type="submit">Revoke</button>
                </form>
              )}
            </li>
          ))}
        </ul>
      )}
      <p class="muted">
        A revoked key stays revoked. Keys of the configuration are taken out there, by an admin.
      </p>
    </Document>
  );
}
