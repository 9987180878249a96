/** Where a person types the code of a machine without a browser, and sees which machine it is. */
import type { DeviceProps } from '../../server/http/link-page-props.ts';
import type { AssetPaths } from '../build.ts';
import { CodeField, KeyPrint, lifeText, Places, Refusal } from '../parts/client.tsx';
import { Document } from '../parts/document.tsx';
import { Fact } from '../parts/facts.tsx';
import { dateTime } from '../parts/format.ts';
import { Visible } from '../parts/visible.tsx';

export function DevicePage(props: DeviceProps & { readonly assets: AssetPaths }) {
  const { assets, code, device, frame, problem } = props;
  return (
    <Document frame={frame} assets={assets} title="Sign a machine in" current={null} narrow>
      <section class="panel sheet">
        <h1>Sign a machine in</h1>
        {problem !== null && (
          <p class="notice bad" role="alert">
            {problem}
          </p>
        )}
        {device === null ? (
          <form method="post" action="/device" class="client-form">
            <p>
              Run <code>sallyport login</code> on a machine without a browser, and type the code
              that it shows.
            </p>
            <CodeField value={code} />
            <p>
              <button type="submit" class="primary big">
                Go on
              </button>
            </p>
          </form>
        ) : (
          <Machine {...props} device={device} />
        )}
      </section>
    </Document>
  );
}

function Machine(props: DeviceProps & { readonly device: NonNullable<DeviceProps['device']> }) {
  const { browser, code, device, frame, lifeMs } = props;
  const { key } = device;
  const isRegistered = key?.standing.kind === 'unknown' || key?.standing.kind === 'expired';
  return (
    <>
      <p class="notice hold">
        Did <strong>you</strong> just run <code>sallyport login</code> there? If somebody sent you
        the code, they get in as you: choose “This isn’t mine”.
      </p>
      <dl class="client-facts">
        <Places source={device.source} browser={browser} />
        <Fact name="Signs in as">
          <Visible text={frame.viewer?.name ?? ''} />, with all that you may do, for{' '}
          {lifeText(lifeMs)}
        </Fact>
        <Fact name="Key">
          {key === null ? (
            'none; it can’t use ssh by this'
          ) : (
            <span class="shown-key">
              <KeyPrint algorithm={key.algorithm} fingerprint={key.fingerprint} />
              <span class="muted">
                {isRegistered ? 'opens ssh for as long' : 'is not registered by this'}
              </span>
            </span>
          )}
        </Fact>
      </dl>
      <form method="post" action="/device">
        <input type="hidden" name="code" value={code} />
        <button type="submit" name="decision" value="allow" class="primary big">
          Sign it in
        </button>
      </form>
      <Refusal action="/device" code={code} />
      <p class="muted">The code ends at {dateTime(device.expiresAt).slice(11)} UTC.</p>
    </>
  );
}
