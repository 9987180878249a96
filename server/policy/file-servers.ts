/**
 * Programs that are told by their input what to do to files. Where a session starts one and judges each of
 * its requests, the words that start it count for little; anywhere else it is a doubt. Not caught here:
 * servers under other names.
 */
import type { ResolvedCommand } from '../shell/command.ts';
import { leading } from '../shell/options.ts';
import { exactText, isUnknown } from '../shell/word.ts';
import { effectsOf } from './effects.ts';
import { RESTRICTION } from './effects-transfers.ts';
import type { Read } from './judge.ts';

const TOLD_BY_INPUT = /^(?:sftp-server|internal-sftp|rsync|unison|borg|svnserve)$/;

/** Without what a file server does to files. */
export function served({ subjects, uncertain }: Read): Read {
  return {
    uncertain,
    subjects: subjects.map((subject) => {
      const { resolved } = subject;
      if (resolved === null || !isFileServer(nameOf(resolved))) return subject;
      const started = { ...resolved, words: resolved.words.slice(0, 1) };
      const effects = effectsOf(started, nameOf(resolved)).map((effect) => {
        return { effect, directories: resolved.directories, paths: null };
      });
      return { ...subject, effects };
    }),
  };
}

/** With the doubt about programs that are told by their input what to do to files. */
export function unserved({ subjects, uncertain }: Read): Read {
  const doubts = subjects.flatMap(({ resolved }) => {
    const why = resolved === null ? null : toldByInput(nameOf(resolved), resolved);
    return why === null ? [] : [{ why }];
  });
  return doubts.length === 0
    ? { subjects, uncertain }
    : { subjects, uncertain: [...uncertain, ...doubts] };
}

function nameOf({ words }: ResolvedCommand): string {
  return exactText(words[0] ?? [])?.replace(/^.*\//, '') ?? '';
}

/** Programs whose requests can be judged one by one where a session starts them. */
function isFileServer(program: string): boolean {
  return /^(?:scp|sftp-server|internal-sftp)$/.test(program);
}

/**
 * Why nobody can tell from its words what the command does to files: its input says it. Null = it can be
 * told.
 * @param program base name
 */
export function toldByInput(
  program: string,
  command: Pick<ResolvedCommand, 'words'>,
): string | null {
  if (!TOLD_BY_INPUT.test(program)) return null;
  const words = command.words.slice(1).map((word) => exactText(word) ?? leading(word));
  if (/^(?:sftp-server|internal-sftp)$/.test(program)) {
    return `${program} reads what to do to files from its input`;
  }
  if (program === 'rsync' && words.includes('--server')) {
    if (command.words.some((word) => isUnknown(word) && !leading(word).startsWith('/'))) {
      return 'the words of rsync are not known';
    }
    if (words.some(isSecluded)) {
      return 'rsync reads its paths from its input';
    }
    if (words.includes('--daemon')) return 'which files a daemon of rsync serves is not known';
  }
  if (program === 'unison' && words.includes('-server')) {
    return 'unison reads what to do to files from its input';
  }
  const serves =
    (program === 'borg' && words.includes('serve')) ||
    (program === 'svnserve' && words.some((word) => /^(?:-t|--tunnel)$/.test(word)));
  if (serves && !words.some((word) => RESTRICTION.test(word))) {
    return program === 'borg'
      ? 'borg serves any repository; give it --restrict-to-path DIR'
      : 'svnserve serves any repository; give it -r DIR';
  }
  return null;
}

/** An option of rsync that sends the words themselves by the input. */
export function isSecluded(word: string): boolean {
  if (word.startsWith('--')) return word === '--protect-args' || word === '--secluded-args';
  // Letters before the one that takes the rest as its value.
  return /^-[a-zA-Z]*s/.test(word.replace(/^(-[a-zA-Z]*?)[efBTM][^]*$/, '$1'));
}
