/**
 * Events as a terminal must get them to show what the client saw. A session without a terminal had no
 * line discipline that turns LF into CR LF, so its recorded bytes alone would print staircases.
 * Not caught here: control characters of binary output, which act on the player's screen.
 */
import type { CastHeader, RecordedEvent } from './event.ts';

/** The same events; in a recording without a terminal, LF has CR before it. What is stored stays as it is. */
export async function* asPlayed(
  header: Pick<CastHeader, 'term'>,
  events: AsyncIterable<RecordedEvent>,
): AsyncGenerator<RecordedEvent> {
  let endsWithReturn = false;
  for await (const event of events) {
    if (header.term !== null || event.code !== 'o') {
      yield event;
      continue;
    }
    const { text } = event;
    const first = text.startsWith('\n') && endsWithReturn ? '\n' : '';
    yield { ...event, text: first + text.slice(first.length).replace(/(?<!\r)\n/g, '\r\n') };
    if (text !== '') endsWithReturn = text.endsWith('\r');
  }
}
