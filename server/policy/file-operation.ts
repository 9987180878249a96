/**
 * What a client of file transfer asks for, judged by the same rules as commands. Pure. For patterns of
 * `command:` and `regex:` an operation reads as `sftp-server VERB PATH…`; rules about paths see each path
 * with each access by itself, so that an exception for one excuses no other.
 * Not caught here: where a path really leads on the target; who asks must have resolved it.
 */
import type { ReadCommand, ResolvedCommand } from '../shell/command.ts';
import { literal, type Word } from '../shell/word.ts';
import type { Decision, Facts, Verdict } from './decision.ts';
import { effect } from './effect.ts';
import { judgeRead } from './judge.ts';
import type { Access, Policy } from './policy.ts';

/** What each operation does to its paths, in their order. */
const TOUCHES = {
  realpath: [{ access: ['read'], tree: false }],
  stat: [{ access: ['read'], tree: false }],
  statvfs: [{ access: ['read'], tree: false }],
  readlink: [{ access: ['read'], tree: false }],
  /** The directory, and whatever is in it by any name. */
  list: [
    { access: ['read'], tree: false },
    { access: ['read'], tree: false },
  ],
  read: [{ access: ['read'], tree: false }],
  write: [{ access: ['write'], tree: false }],
  /** Opened for both. */
  update: [{ access: ['read', 'write'], tree: false }],
  mkdir: [{ access: ['write'], tree: false }],
  setstat: [{ access: ['write'], tree: false }],
  remove: [{ access: ['delete'], tree: false }],
  rmdir: [{ access: ['delete'], tree: false }],
  /** From, to: what lies below moves along, and can be read at its new place. */
  rename: [
    { access: ['read', 'delete'], tree: true },
    { access: ['write'], tree: true },
  ],
  /** The new name only: where it leads is judged when it is followed. */
  symlink: [{ access: ['write'], tree: false }],
  /** The file, its new name: what may be done by the new name may be done to the file. */
  hardlink: [
    { access: ['read', 'write'], tree: false },
    { access: ['write'], tree: false },
  ],
  copy: [
    { access: ['read'], tree: false },
    { access: ['write'], tree: false },
  ],
} as const satisfies Record<
  string,
  readonly { readonly access: readonly Access[]; readonly tree: boolean }[]
>;

export type FileVerb = keyof typeof TOUCHES;

/** A path that an operation touches. */
export interface FilePlace {
  /**
   * Absolute, without `.` and `..`, with links resolved where the target could be asked; or below `~`, the
   * login's home, where it couldn't.
   */
  readonly path: string;
  /** As the client spelt it, made absolute and normalised; null = the same. */
  readonly spelt: string | null;
}

export interface FileOperation {
  readonly verb: FileVerb;
  /** As many as the verb touches. */
  readonly places: readonly FilePlace[];
  /** What else is asked for, in words: a mode, where a link leads; null = nothing. */
  readonly detail: string | null;
  /** It belongs to an operation that was allowed, such as the mode of a file that is being written. */
  readonly isPart?: boolean;
}

/** Operations that only look; they get a row of their own only if they aren't allowed. */
const QUIET: ReadonlySet<FileVerb> = new Set(['realpath', 'stat', 'statvfs', 'readlink', 'list']);
/** Operations that show nothing of what is in a file or directory: rules that hold don't hold these. */
const GLANCES: ReadonlySet<FileVerb> = new Set(['realpath', 'stat', 'statvfs', 'readlink']);

export function isQuiet({ verb, isPart = false }: FileOperation): boolean {
  return isPart || QUIET.has(verb);
}

/** One line for people: `rename /srv/a "/srv/b c"`. */
export function fileText({ verb, places, detail }: FileOperation): string {
  const paths = places.map(({ path, spelt }) =>
    spelt === null ? quoted(path) : `${quoted(path)} (spelt ${quoted(spelt)})`,
  );
  return `${verb} ${paths.join(' ')}${detail === null ? '' : ` ${detail}`}`;
}

/** The path, in quotes where it would not be plain without. */
export function quoted(path: string): string {
  return /^[\p{L}\p{M}\p{N}@%+=:,./~_^-]+$/u.test(path) ? path : visibleJson(path);
}

/** JSON, with what moves or hides text on a screen written out as well. */
function visibleJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f]|\p{Cf}|\p{Zl}|\p{Zp}/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, hold: 1, deny: 2 };

/**
 * The strictest verdict over all paths, in both spellings. The policy's default counts as for a command,
 * but not for `realpath`, without which no client can begin.
 */
export function judgeFiles(policy: Policy, facts: Facts, operation: FileOperation): Decision {
  const command = commandOf(operation);
  let strictest: Decision | null = null;
  for (const isSpelt of [false, true]) {
    if (isSpelt && operation.places.every(({ spelt }) => spelt === null)) break;
    const named = operation.places.map(({ path, spelt }) =>
      closed(isSpelt ? (spelt ?? path) : path),
    );
    const words = [...['sftp-server', operation.verb].map(literal), ...named.map(wordOf)];
    const text = ['sftp-server', operation.verb, ...named].join(' ');
    const paths = operation.verb === 'list' ? [...named, anyNameIn(named[0] ?? '')] : named;
    for (const [position, { access, tree }] of TOUCHES[operation.verb].entries()) {
      for (const one of access) {
        const resolved: ResolvedCommand = { ...command, ...PLAIN, words };
        const reach = effect(new Set([one]), wordOf(paths[position] ?? ''), tree);
        const effects = [{ effect: reach, directories: ['/'], paths: null }];
        const subject = { command, resolved, statement: null, invocation: null, effects };
        const read = { subjects: [subject], uncertain: [] };
        const decision = excused(operation, judgeRead(policy, facts, read, { text }));
        if (strictest === null || STRICTNESS[decision.verdict] > STRICTNESS[strictest.verdict]) {
          strictest = decision;
        }
      }
    }
  }
  return strictest ?? plainDenial('it names no path', command);
}

/** Nothing but what its effects say, in no directory of its own. */
const PLAIN = {
  directories: ['/'],
  redirected: [],
  isFunction: false,
  carries: false,
  sql: null,
} as const;

function commandOf(operation: FileOperation): ReadCommand {
  return {
    argv: [operation.verb, ...operation.places.map(({ path }) => path)],
    text: fileText(operation),
    via: [],
    language: 'file',
    redirections: [],
    directory: null,
    stdinLanguage: null,
    readsInput: false,
  };
}

function wordOf(path: string): Word {
  const [home, user] = /^~([\w.-]*)(?=\/|$)/.exec(path) ?? [];
  if (home === undefined || user === undefined) return literal(path);
  return [{ kind: 'home', user: user === '' ? null : user }, ...literal(path.slice(home.length))];
}

/** A name that only rules about all names in the directory fit. */
function anyNameIn(directory: string): string {
  return `${directory === '/' ? '' : directory}/\ufffe`;
}

/** A name with a character that stands for an open place of a pattern must not fit every pattern. */
function closed(path: string): string {
  return path.replace(/[\ue000-\ue002]/g, '\ufffd');
}

function excused({ verb }: FileOperation, decision: Decision): Decision {
  const isExcused =
    (decision.verdict === 'hold' && GLANCES.has(verb)) ||
    (verb === 'realpath' && decision.rule === null);
  return isExcused
    ? { ...decision, verdict: 'allow', rule: null, reason: null, deciding: null, approvers: [] }
    : decision;
}

function plainDenial(reason: string, command: ReadCommand): Decision {
  return {
    verdict: 'deny',
    certainty: 'exact',
    rule: null,
    reason,
    deciding: 0,
    commands: [command],
    approvers: [],
  };
}

/** What something beside the policy refuses, under the name of what refuses it. */
export function refusedFiles(operation: FileOperation, rule: string, reason: string): Decision {
  return { ...plainDenial(reason, commandOf(operation)), rule };
}
