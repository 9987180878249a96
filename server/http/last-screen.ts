/**
 * The last screen of a session as text, from what is stored of it. Not caught here: what was printed and is
 * not stored yet; the live view shows that a moment later.
 */
import { Played } from '../asciicast/played.ts';
import { firstKeyframe } from '../terminal/keyframe.ts';
import { Screen } from '../terminal/screen.ts';
import type {
  HeaderReader,
  LiveReader,
  RecordingReader,
  ReplayReader,
  ScreenView,
} from './ports.ts';

/** Output behind the newest keyframe that is followed; of more the screen is left out. */
export const MAX_FOLLOWED_CHARACTERS = 4 * 1024 * 1024;

type Recordings = Pick<RecordingReader, 'session'> &
  HeaderReader &
  Pick<ReplayReader, 'eventsFrom'> &
  Pick<LiveReader, 'newestKeyframe'>;

/** null = there is none, or too much would have to be followed. */
export async function lastScreen(
  recordings: Recordings,
  sessionId: string,
): Promise<ScreenView | null> {
  const header = await recordings.header(sessionId);
  if (header === null) return null;
  const start = (await recordings.newestKeyframe(sessionId)) ?? {
    keyframe: firstKeyframe(header),
    afterReturn: false,
    chunk: 1,
    event: 1,
  };
  const screen = new Screen(start.keyframe.cols, start.keyframe.rows, 0);
  try {
    screen.write(start.keyframe.init);
    const played = new Played(header, start.afterReturn);
    let left = MAX_FOLLOWED_CHARACTERS;
    for await (const { event } of recordings.eventsFrom(sessionId, start)) {
      const shown = played.push(event);
      if (shown.code === 'r') screen.resize(shown.cols, shown.rows);
      if (shown.code !== 'o') continue;
      left -= shown.text.length;
      if (left < 0) return null;
      screen.write(shown.text);
    }
    return shownBy(screen);
  } finally {
    screen.dispose();
  }
}

function shownBy(screen: Screen): ScreenView {
  const { cols, rows } = screen;
  const top = Math.max(0, screen.lastTextRow() - rows + 1);
  const lines = Array.from({ length: rows }, (_, row) => screen.rowText(top + row).trimEnd());
  while (lines.length > 0 && lines.at(-1) === '') lines.pop();
  return { cols, rows, lines };
}
