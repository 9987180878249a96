/** The session page: the replay comes in segments, as they are needed. */
import { openReplay } from './player.ts';
import { followReplay } from './timeline.ts';

await followReplay((host, startMs) => {
  const url = host.dataset['index'] ?? '';
  return openReplay(host, startMs, { driver: 'recording', format: 'segmented', url });
});
