/** A believable set of sessions and requests for tests of the pages, hostile ones among them. */
import type { CommandView } from '../../server/http/ports.ts';
import { HOSTILE } from './hostile-text.ts';
import type { HttpWorld } from './http-world.ts';
import { approvalView, commandView, keptSession, sessionId, sessionView } from './http-world.ts';

/** The long session that most tests open. */
export const REPLAYED = sessionId(7);
export const HOSTILE_SESSION = sessionId(6);

const REPLAYED_COMMANDS: readonly CommandView[] = [
  commandView(1, { text: 'uname -sr', certainty: 'observed' }),
  commandView(2, { text: 'cat /etc/os-release', certainty: 'observed' }),
  commandView(3, {
    text: 'ls --color=always -la /etc | head -60 && find /var/log -name "*.gz" -mtime +30 -print0 | xargs -0 du -ch | sort -h | tail -20 | tee /tmp/old-logs.txt && wc -l /tmp/old-logs.txt',
    certainty: 'observed',
  }),
  commandView(4, {
    text: 'rm -rf /',
    certainty: 'observed',
    decision: 'deny',
    rule: 'no-wipe',
    reason: 'system paths',
    exitStatus: null,
  }),
  commandView(5, { text: 'journalctl -u nginx --since -1h | grep -c 502', exitStatus: 1 }),
  commandView(6, {
    text: 'systemctl restart nginx',
    decision: 'hold',
    rule: 'restart-service',
    reason: 'a person looks first',
    approval: 'k3v9',
    certainty: 'observed',
  }),
  commandView(7, {
    text: '$(echo cm0gLXJm | base64 -d) /srv/cache',
    certainty: 'uncertain',
    decision: 'hold',
    rule: null,
    reason: "the command's name comes from a substitution",
    approval: 'm2p4',
  }),
  commandView(8, {
    text: 'SELECT count(*) FROM orders\nWHERE state = $$new$$;',
    language: 'sql',
    argv: null,
  }),
  ...Array.from({ length: 22 }, (_, index) =>
    commandView(index + 9, { text: `curl -fsS https://localhost/health/${index + 1}` }),
  ),
];

/** Fills the world. */
export function setScene(world: HttpWorld): void {
  const alice = { name: 'alice', kind: 'human' } as const;
  const people = { run: null, task: null, attribution: null } as const;
  world.recordings.add(
    keptSession(1, [commandView(1, { text: 'df -h' })], {
      kind: 'exec',
      startedAt: '2025-12-30T08:12:00.000Z',
      endedAt: '2025-12-30T08:12:00.400Z',
    }),
    keptSession(2, [commandView(1)], {
      ...people,
      principal: alice,
      target: 'db-01',
      login: 'postgres',
      via: 'jump',
      startedAt: '2025-12-31T17:41:09.000Z',
      endedAt: '2025-12-31T18:02:44.000Z',
    }),
    keptSession(3, [], {
      kind: 'exec',
      status: 'failed',
      exitStatus: null,
      startedAt: '2026-01-01T09:20:00.000Z',
      endedAt: '2026-01-01T09:20:10.000Z',
      recording: { durationMs: 10_000, chunks: 1, headHash: null, complete: false },
    }),
    keptSession(5, [commandView(1, { text: 'top' })], {
      ...people,
      principal: alice,
      status: 'active',
      endedAt: null,
      exitStatus: null,
      startedAt: '2026-01-01T09:58:00.000Z',
    }),
    keptSession(
      6,
      [commandView(1, { text: HOSTILE }), commandView(2, { text: 'x'.repeat(60_000) })],
      {
        principal: { name: HOSTILE, kind: 'agent' },
        target: 't'.repeat(300),
        login: HOSTILE,
        source: HOSTILE,
        run: HOSTILE,
        task: 'y'.repeat(500),
      },
    ),
    keptSession(7, REPLAYED_COMMANDS, {
      startedAt: '2026-01-01T10:00:00.000Z',
      endedAt: '2026-01-01T10:00:31.900Z',
      attribution: 'verified',
      bytesOut: 184_220,
      recording: { ...sessionView(7).recording, chunks: 7 },
    }),
  );
  world.approvals.views.push(
    approvalView('k3v9', { session: REPLAYED, commandSeq: 6 }),
    approvalView('m2p4', {
      session: REPLAYED,
      commandSeq: 7,
      text: '$(echo cm0gLXJm | base64 -d) /srv/cache',
      rule: null,
      reason: "the command's name comes from a substitution",
      expiresAt: '2026-01-01T10:04:40.000Z',
    }),
    approvalView('hx66', { session: HOSTILE_SESSION, principal: HOSTILE, text: HOSTILE }),
    approvalView('a1b2', {
      status: 'approved',
      text: 'shutdown -r +5',
      decidedBy: 'audrey',
      decidedAt: '2026-01-01T09:12:00.000Z',
      decisionReason: 'kernel update, announced',
    }),
    approvalView('c3d4', {
      status: 'refused',
      text: 'kubectl exec -it payments-0 -- sh',
      decidedBy: 'alice',
      decidedAt: '2026-01-01T08:30:00.000Z',
      decisionReason: 'use the read-only role',
    }),
    approvalView('e5f6', { status: 'expired', text: 'reboot' }),
  );
}

/** Everything that an approver may be shown, much of it hostile. */
export function setRequests(world: HttpWorld): void {
  const { approvals } = world;
  approvals.views.push(
    approvalView('lng2', {
      session: REPLAYED,
      kind: 'file',
      text: `write ${'/very/long'.repeat(60)} ${HOSTILE}\n\u202egnp.exe\u200b <script>alert(1)</script>`,
      principal: HOSTILE,
      target: 't'.repeat(120),
      reason: 'z'.repeat(400),
      grounds: [
        { rule: 'files', isDoubt: false, why: HOSTILE },
        { rule: null, isDoubt: true, why: 'the name comes from a variable' },
      ],
      demands: [
        {
          rule: 'files',
          approvers: ['group:sre', 'alice'],
          minimum: 2,
          fourEyes: true,
          escalation: { at: '2026-01-01T10:08:00.000Z', to: ['group:lead'] },
        },
      ],
      escalatedAt: '2026-01-01T10:08:00.000Z',
      votes: [
        { by: HOSTILE, decision: 'approved', reason: HOSTILE, at: '2026-01-01T10:04:00.000Z' },
      ],
      repeatable: false,
      onceBecause: 'a secret in it is masked',
    }),
    approvalView('std7', {
      status: 'approved',
      decidedBy: 'alice',
      decidedAt: '2026-01-01T10:01:00.000Z',
      scope: 'time',
      until: '2026-01-01T18:01:00.000Z',
      uses: 4,
    }),
  );
  for (const id of ['k3v9', 'lng2']) {
    approvals.backgrounds.set(id, {
      session: sessionView(7, { run: HOSTILE, attribution: 'claimed', status: 'active' }),
      certainty: 'uncertain',
      resolved: [
        {
          argv: ['systemctl', 'restart', HOSTILE],
          text: 'x',
          via: ['sudo', HOSTILE],
          language: 'shell',
        },
        { argv: null, text: HOSTILE, via: [], language: 'sql' },
      ],
      moreResolved: 3,
      earlier: [commandView(1, { text: HOSTILE }), commandView(2, { decision: 'deny' })],
    });
  }
}
