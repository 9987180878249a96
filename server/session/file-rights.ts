/**
 * What a grant's `files:` leaves of the operations on files, whatever the policy says. Pure. Not caught
 * here: what a command does to files; a grant for transfers alone has no channel for one.
 */
import type { FileAccess } from '../access/grant.ts';
import type { Decision } from '../policy/decision.ts';
import { refusedFiles, type FileOperation, type FileVerb } from '../policy/file-operation.ts';

const READS: ReadonlySet<FileVerb> = new Set([
  'realpath',
  'stat',
  'statvfs',
  'readlink',
  'list',
  'read',
]);

/** A rename only of what the session itself has uploaded. */
const UPLOADS: ReadonlySet<FileVerb> = new Set([
  'realpath',
  'stat',
  'statvfs',
  'write',
  'mkdir',
  'setstat',
]);

/**
 * The refusal; null = the grant leaves it to the policy.
 * @param isOwn the session itself has written the file that the operation moves
 */
export function refusedByGrant(
  files: FileAccess,
  operation: FileOperation,
  isOwn: boolean,
): Decision | null {
  const { verb } = operation;
  const refuse = (reason: string) => refusedFiles(operation, `files: ${files}`, reason);
  switch (files) {
    case 'full':
      return null;
    case 'read-only':
      return READS.has(verb)
        ? null
        : refuse('your grant lets you read files here and change nothing');
    case 'upload-only':
      if (UPLOADS.has(verb) || (verb === 'rename' && isOwn)) return null;
      return refuse(
        verb === 'rename'
          ? 'your grant lets you rename only what you have uploaded in this session'
          : 'your grant lets you upload files here; it lets you read, list and remove nothing',
      );
  }
}
