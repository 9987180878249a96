/** One session as a file of its own: replay, commands and proof, with everything that they need inside. */
import type { ExportedProps } from '../../server/http/pages.ts';
import type { InlineAssets } from '../build.ts';
import { KindBadge, StatusBadge, StoppedBadges } from '../parts/badge.tsx';
import { CommandList } from '../parts/command-list.tsx';
import { Fact } from '../parts/facts.tsx';
import { clockTime } from '../parts/format.ts';
import { Moment } from '../parts/moment.tsx';
import { Visible } from '../parts/visible.tsx';

/** Stands where the recording goes; what surrounds it is the file's start and end. */
export const RECORDING_PLACE = '%RECORDING%';

export function ExportedPage(props: ExportedProps & { readonly inline: InlineAssets }) {
  const { commands, inline, keyId, publicKey, session } = props;
  // Nothing may be loaded from anywhere, and nothing runs but the two scripts below.
  const policy = [
    "default-src 'none'",
    `script-src ${inline.scriptHashes.map((hash) => `'${hash}'`).join(' ')} 'wasm-unsafe-eval'`,
    "style-src 'unsafe-inline'",
    'font-src data:',
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={policy} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`Session ${session.id.slice(-12)} · Sallyport`}</title>
        <style dangerouslySetInnerHTML={{ __html: inline.playerStyle }} />
        <style dangerouslySetInnerHTML={{ __html: inline.style }} />
      </head>
      <body>
        <main id="main">
          <div class="row title">
            <h1>
              <Visible text={session.principal.name} />
              <span class="muted">on</span>
              <Visible text={session.target} />
            </h1>
            <KindBadge kind={session.principal.kind} />
            <StatusBadge status={session.status} />
            <StoppedBadges session={session} />
          </div>
          <dl class="facts">
            <Fact name="Session">
              <code id="session-id">{session.id}</code>
            </Fact>
            <Fact name="Login">
              <Visible text={session.login} />
            </Fact>
            <Fact name="From">
              <Visible text={session.source} />
            </Fact>
            <Fact name="Started">
              <Moment at={session.startedAt} saysUtc />
            </Fact>
            <Fact name="Length">{clockTime(session.recording.durationMs)}</Fact>
          </dl>
          <div class="replay">
            <div class="stage">
              <section class="panel player" aria-label="Replay">
                <div id="player" data-cols={session.width} data-rows={session.height}>
                  <p class="waiting" id="player-status" role="status">
                    Loading the replay…
                  </p>
                </div>
              </section>
              <section class="panel integrity" aria-labelledby="integrity-heading">
                <h2 id="integrity-heading">Integrity</h2>
                <p
                  id="proof"
                  role="status"
                  data-key={publicKey}
                  data-complete={String(session.recording.complete)}
                  data-whole={String(session.recording.complete && session.status === 'closed')}
                >
                  Checking…
                </p>
                <p id="unproven">
                  <b>Not proven by this file:</b> who it was, on which target, from where and at
                  what time of day, and how each command was decided: allowed, denied or held, by
                  which rule and by whom, its exit status and how long it ran. Compare with the
                  journal: <code>sallyport verify {session.id}</code>
                </p>
                <p class="muted">
                  Proven are the output, the session’s id, and of each command its number, its time
                  and the first 200 characters of its text, with line breaks as spaces. All of it is
                  checked by this page itself, and whoever could write this file could have written
                  another page too: compare the key{' '}
                  <code class="hash" id="key-id">
                    {keyId}
                  </code>{' '}
                  with what the bastion’s operator publishes, or check the recording’s JSON export
                  with <code>sallyport verify --file</code>.
                </p>
              </section>
            </div>
            <CommandList
              window={{
                items: commands,
                from: 1,
                size: commands.length,
                earlier: null,
                next: null,
              }}
              total={session.commandCount}
              sessionId={null}
            />
          </div>
        </main>
        <script
          type="application/json"
          id="recording"
          dangerouslySetInnerHTML={{ __html: RECORDING_PLACE }}
        />
        <script dangerouslySetInnerHTML={{ __html: inline.playerScript }} />
        <script type="module" dangerouslySetInnerHTML={{ __html: inline.exportedScript }} />
      </body>
    </html>
  );
}
