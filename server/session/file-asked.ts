/**
 * What a request of SFTP is as an operation on files. Pure. Not caught here: where its paths lead.
 */
import { quoted, type FileVerb } from '../policy/file-operation.ts';
import { attributesText } from '../sftp/attributes.ts';
import {
  OPEN_APPEND,
  OPEN_CREATE,
  OPEN_READ,
  OPEN_TRUNCATE,
  OPEN_WRITE,
  type RequestOf,
} from '../sftp/request.ts';
import { pathText } from './file-paths.ts';

/** A path of a request. */
export interface AskedPath {
  readonly bytes: Buffer;
  /** The operation follows a link at its end. */
  readonly follows: boolean;
}

/** An operation before its paths are resolved. */
export interface Asked {
  readonly verb: FileVerb;
  readonly paths: readonly AskedPath[];
  readonly detail: string | null;
  /** Later requests may depend on it. */
  readonly changes: boolean;
}

const PATH_VERBS = {
  lstat: 'stat',
  stat: 'stat',
  opendir: 'list',
  remove: 'remove',
  rmdir: 'rmdir',
  realpath: 'realpath',
  readlink: 'readlink',
  statvfs: 'statvfs',
  'expand-path': 'realpath',
} as const satisfies Record<string, FileVerb>;

/** What the name itself is the object of, and not what it leads to. */
const NAMES: ReadonlySet<string> = new Set(['lstat', 'remove', 'rmdir', 'readlink', 'lsetstat']);

/** A request that names a file. */
export type NamingRequest = RequestOf<
  | keyof typeof PATH_VERBS
  | 'open'
  | 'setstat'
  | 'lsetstat'
  | 'mkdir'
  | 'rename'
  | 'posix-rename'
  | 'hardlink'
  | 'symlink'
>;

export function askedBy(request: NamingRequest): Asked {
  switch (request.kind) {
    case 'lstat':
    case 'stat':
    case 'opendir':
    case 'remove':
    case 'rmdir':
    case 'realpath':
    case 'readlink':
    case 'statvfs':
    case 'expand-path': {
      const { kind, path } = request;
      const paths = [{ bytes: path, follows: !NAMES.has(kind) }];
      const changes = kind === 'remove' || kind === 'rmdir';
      return { verb: PATH_VERBS[kind], paths, detail: null, changes };
    }
    case 'open': {
      const { verb, changes } = openVerb(request.flags);
      const detail = (request.flags & OPEN_APPEND) === 0 ? null : 'at its end';
      return { verb, paths: [{ bytes: request.path, follows: true }], detail, changes };
    }
    case 'setstat':
    case 'lsetstat': {
      const paths = [{ bytes: request.path, follows: request.kind === 'setstat' }];
      return { verb: 'setstat', paths, detail: textOf(request.attributes), changes: true };
    }
    case 'mkdir': {
      const paths = [{ bytes: request.path, follows: false }];
      return { verb: 'mkdir', paths, detail: textOf(request.attributes), changes: true };
    }
    case 'rename':
    case 'posix-rename': {
      const paths = [request.from, request.to].map((bytes) => ({ bytes, follows: false }));
      return { verb: 'rename', paths, detail: null, changes: true };
    }
    case 'hardlink': {
      // Some systems link to what a link leads to.
      const paths = [
        { bytes: request.from, follows: true },
        { bytes: request.to, follows: false },
      ];
      return { verb: 'hardlink', paths, detail: null, changes: true };
    }
    case 'symlink': {
      const detail = `-> ${quoted(pathText(request.leadsTo))}`;
      const paths = [{ bytes: request.link, follows: false }];
      return { verb: 'symlink', paths, detail, changes: true };
    }
  }
}

/** As OpenSSH's server opens: what isn't for writing is for reading, and may still create or cut. */
function openVerb(flags: number): { readonly verb: FileVerb; readonly changes: boolean } {
  const writes = (flags & (OPEN_WRITE | OPEN_APPEND | OPEN_CREATE | OPEN_TRUNCATE)) !== 0;
  const reads = (flags & OPEN_READ) !== 0 || (flags & OPEN_WRITE) === 0;
  if (!writes) return { verb: 'read', changes: false };
  return { verb: reads ? 'update' : 'write', changes: true };
}

function textOf(attributes: Parameters<typeof attributesText>[0]): string | null {
  const text = attributesText(attributes);
  return text === '' ? null : text;
}
