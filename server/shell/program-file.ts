/**
 * The program behind a name: a file that the session made may be a copy of another, or a script. Not
 * caught here: links and copies that were there before the session.
 */
import { absolutePath, baseName } from './path.ts';
import type { Frame, Runner } from './runner.ts';
import { subshell } from './runner.ts';

const PROGRAM_DIRECTORIES =
  '~/bin ~/.local/bin /usr/local/bin /usr/local/sbin /usr/bin /usr/sbin /bin /sbin'.split(' ');
const OPEN_DIRECTORY = /^\/(tmp|var\/tmp|dev\/shm)\//;

/** @returns the base name under which the program is known */
export function programName(path: string, frame: Frame, run: Runner): string {
  const { files, likeliestDirectory } = frame.state;
  const isPath = path.includes('/');
  if (!isPath && files.size === 0) return path;
  const absolute = isPath ? absolutePath(path, likeliestDirectory) : installed(path, files);
  const file = absolute === null ? undefined : files.get(absolute);
  if (file?.kind === 'copy') {
    if (baseName(file.of) !== path) {
      run.uncertain(`${path} is a copy of, or a link to, ${file.of}`);
    }
    return baseName(file.of);
  }
  if (file?.kind === 'text') {
    run.runText(file.text.replace(/^#!.*\n/, ''), subshell(frame, path));
  }
  if (file !== undefined) run.uncertain(`${path} was written in this session`);
  else if (absolute !== null && OPEN_DIRECTORY.test(absolute)) {
    run.uncertain(`${path} lies where anybody can put a program`);
  }
  return baseName(path);
}

/** Where a file of the session lies that a name without a path calls. */
function installed(name: string, files: ReadonlyMap<string, unknown>): string | null {
  for (const directory of PROGRAM_DIRECTORIES) {
    if (files.has(`${directory}/${name}`)) return `${directory}/${name}`;
  }
  return null;
}
