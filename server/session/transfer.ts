/**
 * Exec requests that carry files: which program serves them, and in which direction. Pure. Not caught here:
 * such a program beside another one, or behind a pipe; its bytes are output like any other then.
 */
import type { FileAccess } from '../access/grant.ts';
import type { Decision } from '../policy/decision.ts';
import { isSecluded } from '../policy/file-servers.ts';
import type { ResolvedCommand } from '../shell/command.ts';
import { hasOption, readOptions } from '../shell/options.ts';
import { optionGrammar } from '../shell/option-table.ts';
import { readShell } from '../shell/read.ts';
import { initialState } from '../shell/state.ts';
import { exactText } from '../shell/word.ts';
import { plainDecision } from './line-text.ts';
import type { ChannelRequest } from './ports.ts';
import { scpCall, type ScpCall } from './scp-call.ts';

export type Transfer = { readonly kind: 'scp'; readonly call: ScpCall } | BulkTransfer;

/** Its bytes are counted and hashed; what it does is in its words. */
export interface BulkTransfer {
  readonly kind: 'bulk';
  readonly program: string;
  readonly does: Direction;
}

/** What a transfer does to files of the target. */
export interface Direction {
  readonly reads: boolean;
  readonly writes: boolean;
  readonly deletes: boolean;
}

const READS: Direction = { reads: true, writes: false, deletes: false };
const WRITES: Direction = { reads: false, writes: true, deletes: false };
const ANYTHING: Direction = { reads: true, writes: true, deletes: true };

type Served = (words: readonly string[]) => Direction | null;

/** By program: what its words say; null = it serves no transfer. */
const BULK: Readonly<Record<string, Served>> = {
  rsync: (words) => {
    if (words[0] !== '--server' || words.includes('--daemon') || words.some(isSecluded))
      return null;
    const deletes = words.some((word) => /^--(?:del|remove-s|force$)/.test(word));
    return { ...(words.includes('--sender') ? READS : WRITES), deletes };
  },
  git: ([verb = '']) => GIT[verb] ?? null,
  'git-upload-pack': () => READS,
  'git-upload-archive': () => READS,
  'git-receive-pack': () => WRITES,
  'git-lfs-transfer': (words) => (words.at(-1) === 'upload' ? WRITES : READS),
  hg: ([option, , verb, mode, ...more]) =>
    option === '-R' && verb === 'serve' && mode === '--stdio' && more.length === 0
      ? ANYTHING
      : null,
  svnserve: (words) => (words.includes('-t') || words.includes('--tunnel') ? ANYTHING : null),
  borg: ([verb]) => (verb === 'serve' ? ANYTHING : null),
  unison: ([mode]) => (mode === '-server' ? ANYTHING : null),
};
const GIT: Readonly<Record<string, Direction>> = {
  'upload-pack': READS,
  'upload-archive': READS,
  'receive-pack': WRITES,
};

/** Words without which no request is a transfer. */
const HINT = /\b(?:scp|rsync|git|hg|svnserve|borg|unison)\b/;
/** Programs that may start one and change nothing about it. */
const WRAPPER =
  /^(?:sudo|doas|env|command|exec|nice|ionice|nohup|timeout|setsid|stdbuf|(?:ba|da|z|k)?sh -c)$/;
/**
 * Where systems install them. A program of that name elsewhere is somebody's own, and so may be the one that
 * an assignment leads to: their output is recorded like any other.
 */
const INSTALLED = /^(?:\/(?:usr\/)?(?:local\/)?(?:s?bin|lib(?:exec)?\/git-core)\/)?[\w-]+$/;
const ASSIGNMENT = /(?:^|[\s'"])[A-Za-z_]\w*\+?=/;
/** Beyond, it is no call of such a program. */
const MAX_REQUEST_BYTES = 16_384;

/** What the request transfers; null = it is a command like any other. */
export function transferOf({ kind, command, pty }: ChannelRequest): Transfer | null {
  if (kind !== 'exec' || command === null || pty !== null) return null;
  if (command.length > MAX_REQUEST_BYTES) return null;
  const text = command.toString('utf8');
  if (!HINT.test(text) || ASSIGNMENT.test(text) || !isOneCommand(text)) return null;
  const { commands, uncertain } = readShell(text, initialState(false));
  const own = commands.filter(({ carries }) => !carries);
  const [only] = own;
  if (only === undefined || own.length > 1 || uncertain.length > 0) return null;
  if (only.redirected.length > 0 || only.isFunction) return null;
  if (!only.via.every((one) => WRAPPER.test(one))) return null;
  const path = exactText(only.words[0] ?? []) ?? '';
  if (!INSTALLED.test(path)) return null;
  const program = path.replace(/^.*\//, '');
  if (program === 'scp') return scpTransfer(only);
  const words = only.argv?.slice(1);
  if (words === undefined || !Object.hasOwn(BULK, program)) return null;
  const does = BULK[program]?.(words) ?? null;
  return does === null ? null : { kind: 'bulk', program, does };
}

function scpTransfer(command: ResolvedCommand): Transfer | null {
  const read = readOptions(command.words.slice(1), optionGrammar('scp'), false);
  if (hasOption(read, '-t') === hasOption(read, '-f')) return null;
  const call = scpCall(read, command.directories);
  return call === null ? null : { kind: 'scp', call };
}

/** No pipe, list, substitution or loop: those would be commands of their own around it. */
function isOneCommand(text: string): boolean {
  // What quotes hold for one shell is text of the next one.
  const isNested = /\bsh\s+-\w*c\b/.test(text);
  const bare = isNested ? text : text.replace(/'[^']*'|\\[^]/g, '').replace(/"[^"`$]*"/g, '');
  return !/[;|&<>()`\n\r]/.test(bare);
}

/** What the grant's `files:` refuses of it, whatever the policy says; null = nothing. */
export function refusedTransfer(files: FileAccess, transfer: BulkTransfer | null): Decision | null {
  if (files === 'full' || transfer === null) return null;
  const { reads, writes, deletes } = transfer.does;
  const refuse = (reason: string): Decision => ({
    ...plainDecision('deny', reason, 'exact'),
    rule: `files: ${files}`,
  });
  if (files === 'read-only') {
    return writes || deletes
      ? refuse('your grant lets you read files here and change nothing')
      : null;
  }
  return reads || deletes
    ? refuse('your grant lets you upload files here; it lets you read and remove nothing')
    : null;
}
