/** Rows of sessions and commands, and the objects of the outside contract that they become. */
import type { PrincipalKind } from '../access/principal.ts';
import type { Certainty, Verdict } from '../policy/decision.ts';
import type { Language } from '../shell/command.ts';

export interface SessionRow {
  readonly id: string;
  readonly kind: 'shell' | 'exec' | 'sftp' | 'scp' | 'forward';
  readonly principal: string;
  readonly principal_kind: PrincipalKind;
  readonly target: string;
  readonly login: string;
  readonly via: 'direct' | 'jump';
  readonly source: string;
  readonly run: string | null;
  readonly task: string | null;
  readonly attribution: 'verified' | 'declared' | 'claimed' | null;
  readonly started_at: Date;
  readonly ended_at: Date | null;
  readonly status: 'active' | 'closed' | 'failed';
  readonly exit_status: number | null;
  readonly width: number;
  readonly height: number;
  readonly bytes_out: number | null;
  readonly duration_us: number | null;
  readonly complete: boolean;
  readonly command_count: number;
  readonly denied_count: number;
  readonly held_count: number;
  readonly masked_count: number;
  readonly chunk_count: number;
  readonly last_us: number | null;
  readonly output_bytes: number | null;
  readonly head_chunks: number | null;
  readonly head_hash: Buffer | null;
  readonly reviewed_at: Date | null;
  readonly reviewed_by: string | null;
}

/**
 * Sessions with their figures: of commands always from their rows; of chunks only while the session
 * is active, because an ended session's row and head say it, and long sessions have many chunks.
 */
export const SESSIONS_WITH_FIGURES = `
  sessions
  left join lateral (
    select count(*) as command_count,
           count(*) filter (where verdict = 'deny') as denied_count,
           count(*) filter (where verdict = 'hold') as held_count,
           coalesce(sum(coalesce(command_ends.masked, commands.masked)), 0)::int as masked_count
    from commands left join command_ends using (session_id, seq) where session_id = sessions.id
  ) as of_commands on true
  left join lateral (
    select count(*) as chunk_count, max(t1_us) as last_us, sum(output_bytes)::bigint as output_bytes
    from chunks where session_id = sessions.id and sessions.status = 'active'
  ) as of_chunks on true
  left join lateral (
    select chunks as head_chunks, hash as head_hash
    from heads where session_id = sessions.id order by chunks desc limit 1
  ) as of_head on true
  left join lateral (
    select case when kind = 'reviewed' then at end as reviewed_at, by_name as reviewed_by
    from session_reviews where session_id = sessions.id order by seq desc limit 1
  ) as of_reviews on true`;

/** The session object of the outside contract. */
export function sessionView(row: SessionRow) {
  return {
    id: row.id,
    kind: row.kind,
    principal: { name: row.principal, kind: row.principal_kind },
    target: row.target,
    login: row.login,
    via: row.via,
    source: row.source,
    run: row.run,
    task: row.task,
    attribution: row.attribution,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    status: row.status,
    exitStatus: row.exit_status,
    width: row.width,
    height: row.height,
    commandCount: row.command_count,
    deniedCount: row.denied_count,
    heldCount: row.held_count,
    maskedCount: row.masked_count,
    bytesOut: row.bytes_out ?? row.output_bytes ?? 0,
    recording: {
      durationMs: milliseconds(row.duration_us ?? row.last_us ?? 0),
      // Of one that runs the head is up to a minute old.
      chunks: Math.max(row.head_chunks ?? 0, row.chunk_count),
      headHash: row.head_hash?.toString('hex') ?? null,
      complete: row.complete,
    },
    reviewed:
      row.reviewed_at === null
        ? null
        : { by: row.reviewed_by ?? '', at: row.reviewed_at.toISOString() },
  };
}

/** Columns of a CommandRow, from `commands` and, where the command has ended, `command_ends`. */
export const COMMAND_COLUMNS = `
  commands.seq, commands.at_us, commands.text, commands.certainty, commands.verdict, commands.rule,
  commands.reason, commands.language, commands.argv, commands.policy, commands.policy_version,
  commands.directory_version,
  command_ends.exit_status, command_ends.output_from_us, command_ends.output_to_us,
  coalesce(command_ends.masked, commands.masked) as masked,
  (select id from approvals
   where approvals.session_id = commands.session_id and approvals.command_seq = commands.seq
   order by requested_at desc limit 1) as approval`;

export interface CommandRow {
  readonly seq: number;
  readonly at_us: number;
  readonly text: string;
  readonly certainty: Certainty;
  readonly verdict: Verdict;
  readonly rule: string | null;
  readonly reason: string | null;
  readonly approval: string | null;
  readonly language: Language | 'file' | 'forward';
  readonly argv: readonly string[] | null;
  readonly policy: string | null;
  readonly policy_version: number | null;
  readonly directory_version: number | null;
  readonly exit_status: number | null;
  readonly output_from_us: number | null;
  readonly output_to_us: number | null;
  /** Secrets that were replaced in text and output. */
  readonly masked: number;
}

/** The command object of the outside contract. */
export function commandView(row: CommandRow) {
  return {
    seq: row.seq,
    atMs: milliseconds(row.at_us),
    text: row.text,
    certainty: row.certainty,
    decision: row.verdict,
    rule: row.rule,
    reason: row.reason,
    approval: row.approval,
    language: row.language,
    argv: row.argv,
    policy: row.policy,
    policyVersion: row.policy_version,
    directoryVersion: row.directory_version,
    exitStatus: row.exit_status,
    outputFromMs: row.output_from_us === null ? null : milliseconds(row.output_from_us),
    outputToMs: row.output_to_us === null ? null : milliseconds(row.output_to_us),
    masked: row.masked,
  };
}

export function milliseconds(us: number): number {
  return Math.round(us / 1000);
}
