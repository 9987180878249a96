/**
 * The journal of sessions, whose refusals of access name the version of the directory. Not caught here: a
 * change between the refusal and its entry, of which the entry names the later version.
 */
import type { EventType } from '../journal/event.ts';
import type { Journal } from '../session/ports.ts';
import type { DirectoryVersions } from './directory-versions.ts';

const REFUSALS: readonly EventType[] = ['access.refused', 'forward.refused'];

export function withDirectoryVersion(
  journal: Journal,
  versions: Pick<DirectoryVersions, 'current'>,
): Journal {
  return {
    append: async (event) => {
      if (!REFUSALS.includes(event.type)) return journal.append(event);
      const directoryVersion = await versions.current();
      return journal.append({ ...event, data: { ...event.data, directoryVersion } });
    },
  };
}
