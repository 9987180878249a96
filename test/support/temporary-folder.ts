/** Folders for tests that the account of an embedded database can enter, also as root. */
import { chmod, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder below the system's temporary one; removing it is the caller's. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-test-')));
  await chmod(folder, 0o711);
  return folder;
}
