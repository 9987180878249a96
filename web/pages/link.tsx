/** Where a person signs an ssh client in: what it is, the code that its terminal shows, and for how long. */
import type { LinkProps, SignedClientProps } from '../../server/http/link-page-props.ts';
import type { LinkKeyView, LinkView } from '../../server/http/link-ports.ts';
import type { AssetPaths } from '../build.ts';
import { Document } from '../parts/document.tsx';
import { Fact } from '../parts/facts.tsx';
import { dateTime } from '../parts/format.ts';
import { CodeField, KeyPrint, lifeText, Places, Refusal } from '../parts/client.tsx';
import { Visible } from '../parts/visible.tsx';

export function LinkPage(props: LinkProps & { readonly assets: AssetPaths }) {
  const { action, assets, browser, frame, link, lives, problem } = props;
  const keys = lives.length === 0 ? [] : link.keys.filter(mayBeRemembered);
  return (
    <Document frame={frame} assets={assets} title="Sign ssh in" current={null} narrow>
      <section class="panel sheet">
        <h1>Sign an ssh client in</h1>
        {problem !== null && (
          <p class="notice bad" role="alert">
            {problem}
          </p>
        )}
        <p class="notice hold">
          Did <strong>you</strong> just run ssh, and is the code on <strong>your</strong> terminal?
          If somebody sent you this link or a code, they get in as you: choose “This isn’t mine”.
        </p>
        <dl class="client-facts">
          <Places source={link.source} browser={browser} />
          <Fact name="Asks for">
            <Asked link={link} />
          </Fact>
          <Fact name={link.keys.length > 1 ? 'Keys shown' : 'Key shown'}>
            {link.keys.length === 0 ? 'none' : link.keys.map((key) => <Shown one={key} />)}
          </Fact>
          <Fact name="Signs in as">
            <Visible text={frame.viewer?.name ?? ''} />
          </Fact>
        </dl>
        <form method="post" action={action} class="client-form">
          <CodeField />
          {keys.length > 0 && <Remembering keys={keys} lives={lives} />}
          <p class="row">
            <button type="submit" name="decision" value="once" class="primary big">
              Sign in once
            </button>
            {keys.length > 0 && (
              <button type="submit" name="decision" value="remember" class="big">
                Sign in and remember the key
              </button>
            )}
          </p>
        </form>
        <Refusal action={action} />
        <p class="muted">
          The link ends at {dateTime(link.expiresAt).slice(11)} UTC, or when ssh is stopped.
        </p>
      </section>
    </Document>
  );
}

function mayBeRemembered({ isProven, standing }: LinkKeyView): boolean {
  return isProven && (standing.kind === 'unknown' || standing.kind === 'expired');
}

function Asked({ link }: { readonly link: LinkView }) {
  const { login, target } = link;
  if (login === null) return <Visible text={target} />;
  return (
    <>
      <Visible text={target} /> as <Visible text={login} />
    </>
  );
}

function Shown({ one }: { readonly one: LinkKeyView }) {
  const { standing } = one;
  return (
    <span class="shown-key">
      <KeyPrint algorithm={one.algorithm} fingerprint={one.fingerprint} />
      {standing.kind === 'expired' && (
        <span class="muted">yours, remembered until {dateTime(standing.at)} UTC</span>
      )}
      {standing.kind === 'revoked' && <span class="muted">yours, and revoked</span>}
      {standing.kind === 'taken' && <span class="muted">can’t be remembered</span>}
      {standing.kind === 'unknown' && !one.isProven && (
        <span class="muted">not proven, so it can’t be remembered</span>
      )}
    </span>
  );
}

function Remembering(props: {
  readonly keys: readonly LinkKeyView[];
  readonly lives: readonly number[];
}) {
  const { keys, lives } = props;
  const usual = keys.find(({ standing }) => standing.kind === 'expired') ?? keys[0];
  return (
    <fieldset>
      <legend>If the key is remembered</legend>
      {keys.length === 1 ? (
        <input type="hidden" name="key" value={keys[0]?.fingerprint} />
      ) : (
        keys.map(({ algorithm, fingerprint }) => (
          <label class="choice" key={fingerprint}>
            <input
              type="radio"
              name="key"
              value={fingerprint}
              checked={fingerprint === usual?.fingerprint}
            />
            <KeyPrint algorithm={algorithm} fingerprint={fingerprint} />
          </label>
        ))
      )}
      <label class="choice">
        it signs you in by itself for
        <select name="life">
          {lives.map((ms) => (
            <option key={ms} value={String(ms)} selected={ms === lives.at(-1)}>
              {lifeText(ms)}
            </option>
          ))}
        </select>
      </label>
      <p class="muted">
        See and revoke your keys under <a href="/keys">Keys</a>.
      </p>
    </fieldset>
  );
}

/** What became of it. */
export function SignedClientPage(props: SignedClientProps & { readonly assets: AssetPaths }) {
  const { assets, client, done, frame } = props;
  const isIn = done === 'signed-in';
  return (
    <Document frame={frame} assets={assets} title="Sign in" current={null} narrow>
      <section class="panel sheet">
        <h1>{isIn ? 'Signed in' : 'Refused'}</h1>
        {isIn && client === 'ssh' && <p>Go back to the terminal: ssh goes on by itself.</p>}
        {isIn && client === 'device' && <p>Go back to the machine: it goes on by itself.</p>}
        {!isIn && (
          <p>
            Nobody gets in by it. If somebody asked you to open the link or to type a code, tell an
            administrator: the journal has where it came from.
          </p>
        )}
        <p class="muted">
          This tab can be closed. Keys that count for you are under <a href="/keys">Keys</a>.
        </p>
      </section>
    </Document>
  );
}
