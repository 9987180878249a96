/**
 * The policy of the demo, and a starting point for others. Not caught here: hosts whose users live
 * elsewhere than in `/root` and `/home`.
 *
 * Deletes are guarded by naming what must stay: top-level directories one by one, not as `/*`. A session
 * starts in the login's home, so `rm -rf build` means `~/build` (`/root/build` or `/home/NAME/build`),
 * which nothing here names; after a `cd` to a place that can't be known, every directory is possible,
 * and a name like `etc` or `lib` matches.
 */
import type { PolicyDocument } from './document.ts';

export const DEFAULT_POLICY: PolicyDocument = {
  default: 'allow',
  uncertain: 'hold',
  holdTimeout: '10m',
  use: ['wipe', 'credentials', 'power'],
};
