/** Reads the configuration from disk: one YAML file, or the YAML files of one folder in name order. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { withRevocations } from './authorities.ts';
import { readDocument, type DocumentOutcome } from './document.ts';
import type { Checks } from './entries.ts';
import { compareText, type Problem } from './problem.ts';

/** A folder may hold this many YAML files. */
export const MAX_CONFIG_FILES = 1000;
/** Larger files aren't read. */
export const MAX_CONFIG_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Reads and checks the configuration at `path`; never rejects, what can't be read is a problem.
 * Files in a folder whose names don't end in .yaml or .yml, or start with a dot, are none of ours.
 * @param path a file or a folder
 */
export async function loadDocument(path: string, checks: Checks): Promise<DocumentOutcome> {
  const read = await readTexts(path);
  if (read.kind === 'invalid') return read;
  const outcome = readDocument(read.texts, checks);
  if (outcome.kind === 'invalid') return outcome;
  const problems: Problem[] = [];
  const warnings = [...read.warnings, ...outcome.warnings];
  const { revocations } = outcome;
  const document = await withRevocations(outcome.document, revocations, checks, problems, warnings);
  return problems.length > 0 ? { kind: 'invalid', problems } : { ...outcome, document, warnings };
}

/** The texts of a configuration as they are on disk. */
export type ReadTexts =
  | {
      readonly kind: 'texts';
      readonly texts: readonly { readonly file: string; readonly text: string }[];
      readonly warnings: readonly Problem[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

/** Never rejects; what can't be read is a problem. */
export async function readTexts(path: string): Promise<ReadTexts> {
  const warnings: Problem[] = [];
  const listed = await listFiles(path, warnings);
  if (listed.kind === 'problem') return { kind: 'invalid', problems: [listed.problem] };
  const texts: { file: string; text: string }[] = [];
  const problems: Problem[] = [];
  for (const file of listed.files) {
    const read = await readText(file);
    if (read.kind === 'problem') problems.push(read.problem);
    else texts.push({ file, text: read.text });
  }
  // References can't be judged while a file is missing.
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'texts', texts, warnings };
}

type Unreadable = { readonly kind: 'problem'; readonly problem: Problem };

async function listFiles(
  path: string,
  warnings: Problem[],
): Promise<{ readonly kind: 'files'; readonly files: readonly string[] } | Unreadable> {
  let names: string[];
  try {
    if (!(await stat(path)).isDirectory()) return { kind: 'files', files: [path] };
    names = await readdir(path);
  } catch (thrown) {
    return unreadable(path, thrown);
  }
  const files: string[] = [];
  for (const name of names.sort(compareText)) {
    if (name.startsWith('.')) continue;
    const file = join(path, name);
    if (/\.ya?ml$/.test(name)) files.push(file);
    else if (await isFolder(file)) {
      warnings.push(problemOf(file, 'folders in the folder are not read', 'move its files up'));
    }
  }
  if (files.length === 0) {
    const problem = problemOf(path, 'the folder holds no .yaml or .yml file', 'put one there');
    return { kind: 'problem', problem };
  }
  if (files.length > MAX_CONFIG_FILES) {
    const message = `the folder holds ${files.length} files, more than ${MAX_CONFIG_FILES}`;
    return { kind: 'problem', problem: problemOf(path, message, 'join some of them') };
  }
  return { kind: 'files', files };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

async function readText(
  file: string,
): Promise<{ readonly kind: 'text'; readonly text: string } | Unreadable> {
  try {
    const found = await stat(file);
    if (!found.isFile()) {
      return {
        kind: 'problem',
        problem: problemOf(file, 'is no regular file', 'give a YAML file'),
      };
    }
    if (found.size > MAX_CONFIG_FILE_BYTES) {
      const message = `the file has ${found.size} bytes, more than ${MAX_CONFIG_FILE_BYTES}`;
      return {
        kind: 'problem',
        problem: problemOf(file, message, 'split it into a folder of files'),
      };
    }
    const bytes = await readFile(file);
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (thrown) {
    if (thrown instanceof TypeError) {
      return {
        kind: 'problem',
        problem: problemOf(file, 'the file is not valid UTF-8', 'save it as UTF-8'),
      };
    }
    return unreadable(file, thrown);
  }
}

function unreadable(path: string, thrown: unknown): Unreadable {
  const code = (thrown as NodeJS.ErrnoException).code;
  const problem =
    code === 'ENOENT'
      ? problemOf(path, 'there is no such file or folder', 'correct the path')
      : problemOf(
          path,
          `can't be read: ${messageOf(thrown)}`,
          'give this user the right to read it',
        );
  return { kind: 'problem', problem };
}

function problemOf(file: string, message: string, hint: string): Problem {
  return { file, line: 1, column: 1, message, hint };
}
