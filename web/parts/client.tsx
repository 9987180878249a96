/** What the pages that sign ssh clients and machines in have in common. */
import { Fact } from './facts.tsx';
import { plural } from './format.ts';
import { Visible } from './visible.tsx';

/** Where the client is, and where this browser is when that is elsewhere. */
export function Places(props: { readonly source: string; readonly browser: string }) {
  const { browser } = props;
  const source = addressIn(props.source);
  return (
    <Fact name="Comes from">
      <Visible text={source} />
      {source !== browser && (
        <span class="elsewhere">
          not from this browser’s address, <Visible text={browser} />
        </span>
      )}
    </Fact>
  );
}

/** `http:ADDRESS` or `ADDRESS:PORT` to the address. */
function addressIn(source: string): string {
  const bare = source.startsWith('http:') ? source.slice(5) : source.replace(/:\d+$/, '');
  return bare.replace(/^::ffff:(?=\d+\.)/i, '');
}

export function KeyPrint(props: { readonly algorithm: string; readonly fingerprint: string }) {
  return (
    <span class="key-print">
      <code>{props.fingerprint}</code> <span class="muted">{props.algorithm}</span>
    </span>
  );
}

/** How long something counts, in the largest unit that fits: `90 minutes`, `12 hours`, `30 days`. */
export function lifeText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const [count, unit] =
    minutes % 1440 === 0
      ? [minutes / 1440, 'day']
      : minutes % 60 === 0
        ? [minutes / 60, 'hour']
        : [minutes, 'minute'];
  return plural(count, unit);
}

/** @param value what was typed before */
export function CodeField({ value = '' }: { readonly value?: string }) {
  return (
    <label class="code-field">
      Code
      <input
        name="code"
        value={value}
        required
        maxLength={20}
        autocomplete="off"
        autocapitalize="characters"
        spellcheck={false}
        placeholder="XXXX-XXXX"
        // Whoever came here came to type it.
        autofocus
      />
    </label>
  );
}

/** @param code of the device that is refused */
export function Refusal(props: { readonly action: string; readonly code?: string }) {
  return (
    <form method="post" action={props.action}>
      {props.code !== undefined && <input type="hidden" name="code" value={props.code} />}
      <button type="submit" name="decision" value="refuse">
        This isn’t mine
      </button>
    </form>
  );
}
