/**
 * Where a path of a client really leads on the target: links are resolved by asking the target, right
 * before each decision; nothing is remembered. Not caught here: a link that somebody else puts there
 * between the answer and the operation, what is mounted twice, and names of one file that are no links.
 */
import { posix } from 'node:path';
import type { FilePlace } from '../policy/file-operation.ts';
import { STATUS_FAILURE, STATUS_NO_SUCH_FILE, STATUS_OK } from '../sftp/reply.ts';
import { pathRequest } from '../sftp/request.ts';
import { MAX_PATH_BYTES } from '../sftp/wire.ts';
import type { FileTarget } from './file-target.ts';

/** As Linux. */
const MAX_LINKS = 40;
/** Names in one path, with what its links put in. */
const MAX_NAMES = 1024;

export type Resolved =
  | { readonly kind: 'place'; readonly place: FilePlace }
  /** The target can't go there; it has answered with this status. */
  | { readonly kind: 'nowhere'; readonly status: number };

export class FilePaths {
  readonly #target: FileTarget;
  /** Where relative paths begin. */
  readonly #home: string;
  /** The target's REALPATH resolves links; that of some servers only tidies up. */
  readonly #resolvesLinks: boolean;

  private constructor(target: FileTarget, home: string, resolvesLinks: boolean) {
    this.#target = target;
    this.#home = home;
    this.#resolvesLinks = resolvesLinks;
  }

  /** Asks the target where it begins, and how it resolves; null = it doesn't say. */
  static async begin(target: FileTarget): Promise<FilePaths | null> {
    const [home, link] = await Promise.all([
      realPath(target, Buffer.from('.')),
      realPath(target, Buffer.from(KNOWN_LINK)),
    ]);
    if (typeof home === 'number' || !home.startsWith('/')) return null;
    return new FilePaths(target, home, typeof link === 'string' && link !== KNOWN_LINK);
  }

  /** The path as the client spelt it, made absolute, without `.` and `..`. */
  spelt(path: Buffer): string {
    const text = pathText(path);
    return normalised(text.startsWith('/') ? text : `${this.#home}/${text}`);
  }

  /**
   * @param follows the operation follows a link at the end of the path
   */
  async resolve(path: Buffer, follows: boolean): Promise<Resolved> {
    const spelt = this.spelt(path);
    const { directory, name } = splitPath(path);
    // The rest of such names is a directory, whatever the operation.
    const isWhole = follows || name.length === 0 || /^\.\.?$/.test(name.toString('latin1'));
    const found = await this.#real(isWhole ? path : directory);
    if (typeof found === 'number') return { kind: 'nowhere', status: found };
    const real = isWhole ? found : posix.join(found, pathText(name));
    return { kind: 'place', place: { path: real, spelt: real === spelt ? null : spelt } };
  }

  async #real(path: Buffer): Promise<string | number> {
    if (!this.#resolvesLinks) return this.#walk(path);
    const found = await realPath(this.#target, path);
    // Some don't resolve what isn't there yet.
    return found === STATUS_NO_SUCH_FILE ? this.#walk(path) : found;
  }

  /** Follows the path name by name; what isn't there is no link. */
  async #walk(path: Buffer): Promise<string | number> {
    const text = path.toString('latin1');
    const names = text.split('/');
    // Names stay bytes until the end; the home is text already.
    let real = text.startsWith('/') ? '' : Buffer.from(this.#home).toString('latin1');
    if (real === '/') real = '';
    let links = 0;
    for (let steps = 0; names.length > 0; steps++) {
      if (steps > MAX_NAMES) return STATUS_FAILURE;
      const name = names.shift() ?? '';
      if (name === '' || name === '.') continue;
      if (name === '..') {
        real = real.slice(0, Math.max(0, real.lastIndexOf('/')));
        continue;
      }
      const next = `${real}/${name}`;
      const bytes = Buffer.from(next, 'latin1');
      const { reply } = await this.#target.ask('readlink', (id) =>
        pathRequest('readlink', id, bytes),
      );
      const [leadsTo] = reply.kind === 'name' ? reply.names : [];
      if (leadsTo === undefined) {
        real = next;
        continue;
      }
      links++;
      if (links > MAX_LINKS || leadsTo.length > MAX_PATH_BYTES) return STATUS_FAILURE;
      const link = leadsTo.toString('latin1');
      if (link.startsWith('/')) real = '';
      names.unshift(...link.split('/'));
    }
    return real === '' ? '/' : pathText(Buffer.from(real, 'latin1'));
  }
}

/** A link on every Linux. */
const KNOWN_LINK = '/proc/self';

/** What the target's REALPATH says, or its status. */
async function realPath(target: FileTarget, path: Buffer): Promise<string | number> {
  const { reply } = await target.ask('realpath', (id) => pathRequest('realpath', id, path));
  if (reply.kind === 'status') return reply.code === STATUS_OK ? STATUS_FAILURE : reply.code;
  const [found] = reply.kind === 'name' ? reply.names : [];
  return found === undefined ? STATUS_FAILURE : normalised(pathText(found));
}

/** Everything before the last name, and that name. */
function splitPath(path: Buffer): { readonly directory: Buffer; readonly name: Buffer } {
  const end = path.lastIndexOf('/');
  const directory = end < 0 ? Buffer.from('.') : path.subarray(0, Math.max(1, end));
  return { directory, name: path.subarray(end + 1) };
}

function normalised(path: string): string {
  const tidy = posix.normalize(path).replace(/^\/+/, '/');
  return tidy.length > 1 && tidy.endsWith('/') ? tidy.slice(0, -1) : tidy;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The path as text; bytes that are no UTF-8 are written out, so that different paths stay different. */
export function pathText(path: Buffer): string {
  try {
    return UTF8.decode(path);
  } catch {
    return path
      .toString('latin1')
      .replace(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
  }
}
