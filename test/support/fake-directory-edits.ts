/** Changes of the directory that are noted and change nothing. */
import type { DirectoryEditDesk, EditOutcome } from '../../server/http/directory-ports.ts';

export class FakeDirectoryEdits implements DirectoryEditDesk {
  /** What was asked for, `put principals`. */
  readonly asked: string[] = [];

  async put(...[kind, , { grantId }]: Parameters<DirectoryEditDesk['put']>): Promise<EditOutcome> {
    this.asked.push(`put ${kind}`);
    return { ...DONE, name: grantId };
  }

  async remove(...[kind, name]: Parameters<DirectoryEditDesk['remove']>): Promise<EditOutcome> {
    this.asked.push(`remove ${kind} ${name}`);
    return DONE;
  }

  async seal(name: string): ReturnType<DirectoryEditDesk['seal']> {
    this.asked.push(`seal ${name}`);
    return { version: 1, publicKey: null };
  }

  async entry(): Promise<unknown> {
    return null;
  }

  async currentVersion(): Promise<number> {
    return 7;
  }

  async versions(): ReturnType<DirectoryEditDesk['versions']> {
    return { items: [], next: null };
  }

  async version(): ReturnType<DirectoryEditDesk['version']> {
    return null;
  }
}

const DONE = {
  kind: 'done',
  name: null,
  isNew: false,
  version: 8,
  changes: [],
  warnings: [],
} as const;
