/** A decided command as a row and as a journal event. */
import type { AuditEvent } from '../journal/event.ts';
import type { DecidedCommand } from '../session/ports.ts';
import type { ReadCommand } from '../shell/command.ts';
import { auditEvent, type SessionNames } from './head-row.ts';
import { storable, storableJson } from './storable.ts';

/** The command that speaks for a line: the one that decided, or the only one. */
function speakerOf({ commands, deciding }: DecidedCommand['decision']): ReadCommand | null {
  if (deciding !== null) return commands[deciding] ?? null;
  return commands.length === 1 ? (commands[0] ?? null) : null;
}

export function commandRow(sessionId: string, command: DecidedCommand): Record<string, unknown> {
  const { decision } = command;
  const speaker = speakerOf(decision);
  const argv = speaker?.argv ?? null;
  return {
    session_id: sessionId,
    seq: command.seq,
    at_us: command.atUs,
    text: storable(command.text),
    masked: command.masked ?? 0,
    certainty: command.certainty,
    verdict: decision.verdict,
    rule: decision.rule === null ? null : storable(decision.rule),
    reason: decision.reason === null ? null : storable(decision.reason),
    policy: command.judgedBy?.policy ?? null,
    policy_version: command.judgedBy?.version ?? null,
    directory_version: command.judgedBy?.directoryVersion ?? null,
    language: speaker?.language ?? decision.commands[0]?.language ?? 'shell',
    argv: argv === null ? null : JSON.stringify(storableJson(argv)),
    commands: JSON.stringify(
      storableJson(
        decision.commands.map(({ argv, text, via, language }) => ({ argv, text, via, language })),
      ),
    ),
  };
}

/** The journal has the exact text, also where the row can't hold it. */
export function decidedEvent(names: SessionNames, command: DecidedCommand): AuditEvent {
  const { verdict, rule, reason, deciding } = command.decision;
  return auditEvent('command.decided', names, {
    seq: command.seq,
    atUs: command.atUs,
    text: command.text,
    masked: command.masked ?? 0,
    certainty: command.certainty,
    verdict,
    rule,
    reason,
    deciding,
    policy: command.judgedBy?.policy ?? null,
    policyVersion: command.judgedBy?.version ?? null,
    directoryVersion: command.judgedBy?.directoryVersion ?? null,
  });
}
