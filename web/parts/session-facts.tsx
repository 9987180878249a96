/** How somebody proved who they are, and on which terms the session ran. */
import type { SessionProps } from '../../server/http/pages.ts';
import { Badge } from './badge.tsx';
import { Fact } from './facts.tsx';
import { Moment } from './moment.tsx';
import { Visible } from './visible.tsx';

const METHODS: Readonly<Record<string, string>> = {
  publickey: 'public key',
  certificate: 'certificate',
  jump: 'jump through the bastion',
  'keyboard-interactive': 'sign-in in a browser',
};

/** What the journal calls the facts of a sign-in. */
const FACTS: Readonly<Record<string, string>> = {
  key: 'Key',
  authority: 'Authority',
  keyId: 'Certificate',
  serial: 'Serial',
  host: 'Reached as',
  link: 'Link',
  shownKeys: 'Keys that were shown',
  browser: 'Browser',
  rememberedUntil: 'Key remembered until',
};

export function SessionTerms({ details, session }: SessionProps) {
  const { proof, terms } = details;
  return (
    <details class="panel terms">
      <summary>
        Identity and terms
        {proof === null ? (
          <span class="muted"> · their sign-in is not among those of the day before</span>
        ) : (
          <>
            <span class="muted">
              {' '}
              · signed in by{' '}
              <Visible
                text={
                  (Object.hasOwn(METHODS, proof.method) && METHODS[proof.method]) || proof.method
                }
              />
            </span>{' '}
            <Badge tone="ok" title="the bastion checked it itself">
              proved
            </Badge>
          </>
        )}
      </summary>
      <dl class="facts">
        {proof !== null && (
          <>
            <Fact name="Signed in">
              <Moment at={proof.at} saysUtc />
            </Fact>
            {proof.facts.map(([name, value]) => (
              <Fact
                key={name}
                name={<Visible text={Object.hasOwn(FACTS, name) ? (FACTS[name] ?? name) : name} />}
              >
                <code>
                  <Visible text={value} />
                </code>
              </Fact>
            ))}
          </>
        )}
        {terms.map(([name, value]) => (
          <Fact key={name} name={<Visible text={name} />}>
            <Visible text={value} />
          </Fact>
        ))}
        <Fact name="Session">
          <code>{session.id}</code>
        </Fact>
      </dl>
    </details>
  );
}
