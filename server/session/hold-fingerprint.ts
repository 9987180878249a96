/**
 * What has to be equal for a later request to pass by an earlier approval: the text, every reading of it and
 * everything that it was resolved to. Not caught here: what programs do differently the next time.
 */
import { createHash } from 'node:crypto';
import type { Decision } from '../policy/decision.ts';
import type { ReadCommand, ResolvedCommand } from '../shell/command.ts';
import type { JudgedLine } from './gate.ts';
import { bothReadings } from './line-text.ts';
import type { ApprovalKind, ApprovalRepeat } from './ports.ts';

/** What a hold is about. */
export function holdKind({ commands }: Pick<Decision, 'commands'>): ApprovalKind {
  const language = commands[0]?.language;
  return language === 'file' || language === 'forward' ? language : 'command';
}

/** Whether the same can be approved for longer, by what it is recognised, or why not. */
export function repeatOf(
  { decision, line, inForce }: Pick<JudgedLine, 'decision' | 'line' | 'inForce'>,
  policy: string,
): ApprovalRepeat {
  if (line.secret) return { kind: 'never', why: 'it was typed without echo' };
  if (line.certainty === 'uncertain' || decision.certainty === 'uncertain') {
    return { kind: 'never', why: 'what it would run can’t be read with certainty' };
  }
  if (decision.commands.length === 0) {
    return { kind: 'never', why: 'it is no command that could be the same again' };
  }
  const judged = {
    text: bothReadings(line),
    candidates: line.candidates,
    whole: line.whole ?? null,
    unshown: line.unshown ?? null,
    input: line.input ?? null,
    language: line.language,
    rule: decision.rule,
    grounds: decision.grounds ?? [],
    commands: decision.commands.map(whatRuns),
  };
  const fingerprint = createHash('sha256').update(JSON.stringify(judged)).digest('hex');
  return { kind: 'possible', fingerprint, policy, policyVersion: inForce.version };
}

function whatRuns(command: ReadCommand) {
  const { argv, directory, language, redirections, text, via } = command;
  const directories = 'directories' in command ? (command as ResolvedCommand).directories : null;
  return { argv, directory, directories, language, redirections, text, via };
}
