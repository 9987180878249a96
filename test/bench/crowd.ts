/** What a database holds that has been in use for long: many sessions of others, and a long journal. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../server/clock.ts';
import type { AuditEvent } from '../../server/journal/event.ts';
import { silentLogger } from '../../server/log.ts';
import type { Database } from '../../server/store/database.ts';
import { createJournal } from '../../server/store/journal.ts';
import { fillSessions } from './lists.ts';

/** Journal entries that are on their way at once: what the journal takes in one transaction. */
const AT_ONCE = 250;
/** One sign-in of so many is by the person whose sessions are opened. */
const OWN_SHARE = 50;

/**
 * @param sessions of others, with three commands each
 * @param principal whose sessions are opened: signs in often
 */
export async function fillCrowd(
  database: Database,
  sessions: number,
  principal: string,
  say: (text: string) => void,
): Promise<void> {
  await fillSessions(database.owner ?? database.knex, 0, sessions, say);
  const journal = createJournal({ database, clock: systemClock, logger: silentLogger });
  const entries = sessions * 2;
  for (let at = 0; at < entries; at += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, entries - at) }, (_, n) =>
      journal.append(entry(at + n, principal)),
    );
    await Promise.all(some);
    if ((at + AT_ONCE) % 100_000 === 0) say(`${at + AT_ONCE} journal entries`);
  }
  await (database.owner ?? database.knex).raw('vacuum analyze journal');
}

function entry(number: number, principal: string): AuditEvent {
  const isSignIn = number % 2 === 0;
  const isOwn = isSignIn && number % (2 * OWN_SHARE) === 0;
  return {
    type: isSignIn ? 'auth.succeeded' : 'session.started',
    principal: isOwn ? principal : `agent-${number % 50}`,
    source: `192.0.2.9:${1024 + (number % 60_000)}`,
    session: isSignIn ? null : uuid(number),
    target: isSignIn ? null : `host-${number % 200}`,
    data: isSignIn ? { method: 'publickey' } : { attempt: number },
  };
}

function uuid(number: number): string {
  const hex = randomBytes(16).toString('hex');
  return `${number.toString(16).padStart(8, '0')}-${hex.slice(0, 4)}-7${hex.slice(4, 7)}-8${hex.slice(7, 10)}-${hex.slice(10, 22)}`;
}
