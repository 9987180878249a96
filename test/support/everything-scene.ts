/** A world in which every page has something to show, much of it hostile. */
import { accessView } from './fake-access.ts';
import { FINGERPRINT, LINK_CODE } from './fake-links.ts';
import { HOSTILE } from './hostile-text.ts';
import { commandView, keptSession, people, sessionId, type HttpWorld } from './http-world.ts';
import { REPLAYED, setRequests, setScene } from './web-scene.ts';

const OWN_NUMBER = 8;
/** A session of the auditor themselves, and one that runs. */
export const OWN_SESSION = sessionId(OWN_NUMBER);
export const RUNNING = sessionId(5);
const SHA = 'ab'.repeat(32);

export async function setEverything(world: HttpWorld): Promise<void> {
  setScene(world);
  setRequests(world);
  setRuns(world);
  world.recordings.add(
    keptSession(OWN_NUMBER, [commandView(1)], { principal: { name: 'audrey', kind: 'human' } }),
    keptSession(9, [commandView(1)], { principal: { name: 'uma', kind: 'human' }, run: null }),
  );
  world.access.requests.push(
    accessView('ask1'),
    accessView('ask2', {
      status: 'granted',
      reason: HOSTILE,
      approvedBy: ['alice'],
      grantedS: 3600,
      grantedAt: '2026-01-01T10:00:00.000Z',
      endsAt: '2026-01-01T11:00:00.000Z',
    }),
    accessView('ask3', { status: 'refused', settledBy: 'piet', settledWhy: 'not today' }),
  );
  const { reviews, savedFilters } = world.options;
  await savedFilters.save(people.audrey.id, 'denied', 'decision=deny');
  await savedFilters.save(people.audrey.id, HOSTILE, 'principal=deploy-bot');
  const audrey = { session: REPLAYED, by: 'audrey', source: 'http:127.0.0.1' };
  await reviews.note({ ...audrey, command: 4, text: `first line\n${HOSTILE}` });
  for (const kind of ['reviewed', 'withdrawn', 'reviewed'] as const) {
    await reviews.review({ ...audrey, kind });
  }
  world.clientSignIns.device = {
    code: LINK_CODE,
    view: {
      source: '203.0.113.7:51514',
      key: { algorithm: 'ssh-ed25519', fingerprint: FINGERPRINT, standing: { kind: 'unknown' } },
      expiresAt: '2026-01-01T10:14:00.000Z',
    },
  };
  await setJournal(world);
}

function setRuns({ recordings }: HttpWorld): void {
  const bot = { attribution: 'verified', endedAt: '2026-01-01T09:10:00.000Z' } as const;
  recordings.add(
    keptSession(0x21, [commandView(1, { text: 'make' }), commandView(2, { text: 'fetch a' })], {
      ...bot,
      run: '4711',
      startedAt: '2026-01-01T08:00:00.000Z',
    }),
    keptSession(
      0x22,
      [
        commandView(1, { text: 'make' }),
        commandView(2, { text: 'fetch b' }),
        commandView(3, { text: HOSTILE, decision: 'deny', rule: 'x', exitStatus: null }),
      ],
      { ...bot, run: '4712', startedAt: '2026-01-01T09:00:00.000Z' },
    ),
  );
}

async function setJournal({ audit }: HttpWorld): Promise<void> {
  const base = {
    principal: 'deploy-bot',
    source: '192.0.2.7:51514',
    session: REPLAYED,
    target: 'web-01',
  };
  const content = { bytes: 1200, sha256: SHA, from: 0, to: 1200, complete: true, status: 0 };
  const kept = [{ direction: 'written', parts: 2, bytes: 13, sha256: SHA }];
  await audit.append({
    ...base,
    session: null,
    type: 'auth.succeeded',
    data: { method: 'publickey', key: FINGERPRINT, userName: 'x' },
  });
  await audit.append({
    ...base,
    type: 'session.started',
    data: { policy: 'default', policyVersion: 7, recording: 'strict' },
  });
  await audit.append({
    ...base,
    type: 'file.written',
    data: { ...content, seq: 3, path: `/srv/${HOSTILE}`, kept },
  });
  await audit.append({
    ...base,
    type: 'file.renamed',
    data: { seq: 2, path: '/srv/a', to: '/srv/b' },
  });
  await audit.append({
    ...base,
    type: 'command.decided',
    data: { text: HOSTILE, decision: 'deny', commands: [{ argv: ['rm', '-rf', '/'] }] },
  });
}
