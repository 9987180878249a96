/** Search in the commands and the output of one session. Without scripts it leads to the search page. */
import type { SessionView } from '../../server/http/ports.ts';

export function SessionSearch({ session }: { readonly session: SessionView }) {
  return (
    <section class="panel session-search" aria-labelledby="search-heading">
      <form class="row" id="session-search" method="get" action="/search" role="search">
        <h2 id="search-heading">Search</h2>
        <input type="hidden" name="session" value={session.id} />
        <input
          type="search"
          name="q"
          id="session-q"
          maxLength={200}
          required
          placeholder="Text to find in this session"
          aria-label="Text to search for in this session"
          autocomplete="off"
          spellcheck={false}
        />
        <select name="in" id="session-in" aria-label="Search in">
          <option value="output">output</option>
          <option value="commands">commands</option>
        </select>
        <button type="submit">Search</button>
        <span class="muted" id="hit-count" role="status" />
      </form>
      <ol class="session-hits" id="session-hits" aria-label="Hits" hidden />
    </section>
  );
}

/** Where the island shows what one command printed. */
export function OutputPanel() {
  return (
    <section class="panel output-panel" id="output-panel" aria-labelledby="output-heading" hidden>
      <div class="row head">
        <h2 id="output-heading">Output</h2>
        <span class="muted" id="output-note" role="status" />
        <span class="grow" />
        <button type="button" id="output-copy">
          Copy
        </button>
        <a class="button" id="output-file" href="/sessions" download>
          Save
        </a>
        <button type="button" id="output-close">
          Close
        </button>
      </div>
      <pre id="output-text" tabIndex={0} role="group" aria-label="What it printed" />
    </section>
  );
}
