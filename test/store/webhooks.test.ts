import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebhookEntry } from '../../server/access/directory.ts';
import type { AuditEvent } from '../../server/journal/event.ts';
import { systemClock } from '../../server/clock.ts';
import { silentLogger } from '../../server/log.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { applyDirectory } from '../../server/store/directory-apply.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import { startWebhooks, webhookStates } from '../../server/store/webhooks.ts';
import { freshUrl } from '../support/database.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const KEY = Buffer.alloc(32, 7);
const VARIABLES: Readonly<Record<string, string>> = {
  SALLYPORT_WEBHOOK_KEY: `whsec_${KEY.toString('base64')}`,
};
const WAIT_MS = 20_000;

describe('webhooks', function () {
  this.timeout(60_000);
  let receiver: WebhookReceiver;
  let url: string;
  let database: Database;
  let journal: StoredJournal;
  const stops: (() => Promise<void>)[] = [];

  const open = (): Promise<Database> =>
    openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger });

  before(async () => {
    receiver = await new WebhookReceiver().start();
  });
  after(() => receiver.kill());
  beforeEach(async () => {
    receiver.received.length = 0;
    url = await freshUrl();
    database = await open();
    journal = createJournal({ database, clock: systemClock, logger: silentLogger });
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    await database.close();
  });

  async function apply(...webhooks: readonly Partial<WebhookEntry>[]): Promise<void> {
    const entries = webhooks.map((one, index): WebhookEntry => ({
      name: `hook${index + 1}`,
      url: `${receiver.url}/ok`,
      events: ['approval.*', 'command.denied'],
      format: 'json',
      secretEnv: ['SALLYPORT_WEBHOOK_KEY'],
      private: true,
      ...one,
    }));
    const nothing = { principals: [], credentials: [], targets: [], grants: [], policies: {} };
    const options = { prune: false, dryRun: false };
    await applyDirectory(database, { ...nothing, webhooks: entries }, options);
  }

  async function start(on: Database = database, retryAfterMs: readonly number[] = [50, 50]) {
    const sender = await startWebhooks({
      database: on,
      journal,
      clock: systemClock,
      logger: silentLogger,
      publicUrl: () => 'https://bastion.example',
      variable: (name) => VARIABLES[name] ?? null,
      retryAfterMs,
      timeoutMs: 500,
      chance: () => 0,
    });
    stops.push(() => sender.close());
    return sender;
  }

  async function happen(text: string, changes: Partial<AuditEvent> = {}): Promise<void> {
    await journal.append({
      type: 'approval.requested',
      principal: 'bot',
      source: null,
      session: null,
      target: 'web1',
      data: { id: 'ab12cd', text },
      ...changes,
    });
  }

  async function until(isSo: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; await sleep(20)) {
      if (await isSo()) return;
    }
    assert.fail('it took too long');
  }

  function textsAt(path: string): readonly string[] {
    return receiver.received
      .filter((one) => one.url === path)
      .map(
        ({ body }) =>
          (JSON.parse(body) as { data: { details: { text: string } } }).data.details.text,
      );
  }

  it('tells of what happens from then on, signed, in order, and of nothing else', async () => {
    await happen('before');
    await apply({});
    await start();
    for (const text of ['one', 'two', 'three']) await happen(text);
    await happen('other', { type: 'session.started' });
    await happen('allowed', { type: 'command.decided', data: { verdict: 'allow', text: 'x' } });
    await happen('denied', { type: 'command.decided', data: { verdict: 'deny', text: 'denied' } });
    const [first] = await receiver.messages('/ok', 4);
    assert.deepEqual(textsAt('/ok'), ['one', 'two', 'three', 'denied']);
    assert.ok(first !== undefined);
    const {
      'webhook-id': id,
      'webhook-signature': signature,
      'webhook-timestamp': at,
    } = first.headers;
    const digest = createHmac('sha256', KEY).update(`${id}.${at}.${first.body}`).digest('base64');
    assert.equal(signature, `v1,${digest}`);
    await until(async () => (await webhookStates(database)).every(({ waiting }) => waiting === 0));
  });

  it('tells again until it is taken, and then what waited, though the receiver was killed', async () => {
    await apply({});
    await start(
      database,
      Array.from({ length: 100 }, () => 100),
    );
    await happen('one');
    await receiver.messages('/ok', 1);
    await receiver.kill();
    await happen('two');
    await happen('three');
    await until(
      async () => (await webhookStates(database))[0]?.lastError?.includes('ECONNREFUSED') === true,
    );
    await receiver.start();
    await receiver.messages('/ok', 3);
    assert.deepEqual([...new Set(textsAt('/ok'))].sort(), ['one', 'three', 'two']);
    await until(async () => (await webhookStates(database))[0]?.waiting === 0);
    assert.equal((await webhookStates(database))[0]?.lastError, null);
  });

  it('gives up what nobody takes, says so in the journal, and goes on with the rest', async () => {
    await apply(
      { url: `${receiver.url}/refused`, events: ['*'] },
      { url: `${receiver.url}/hanging`, events: ['approval.*'] },
      { events: ['approval.*'] },
    );
    const sender = await start();
    await happen('one');
    await receiver.messages('/ok', 1);
    await receiver.messages('/refused', 3);
    const failed = async (): Promise<readonly string[]> => {
      const { items } = await journal.list({ types: ['webhook.failed'], limit: 50 });
      return items.map(({ data }) => {
        const { attempts, webhook, why } = data as Readonly<Record<string, string | number>>;
        return `${webhook} ${attempts}: ${why}`;
      });
    };
    await until(async () => (await failed()).some((one) => one.startsWith('hook2')));
    assert.ok((await failed()).includes('hook1 3: it answered 400: invalid_payload'));
    assert.ok((await failed()).includes('hook2 3: it did not answer within 0.5 s'));
    const states = await webhookStates(database);
    assert.deepEqual(states.map(({ name, waiting }) => [name, waiting]).at(2), ['hook3', 0]);
    assert.ok(states.every(({ dead, name }) => dead >= 1 || name === 'hook3'));
    // A failure is told to others, never to whom it is about: that would never end.
    const told = receiver.received.filter(
      (one) => one.url === '/refused' && one.body.includes('webhook.failed'),
    );
    assert.ok(told.every(({ body }) => !body.includes('"webhook":"hook1"')));
    await until(async () => sender.counts().dead >= 2);
  });

  it('sends nothing while its key or address is missing', async () => {
    await apply(
      { secretEnv: ['SALLYPORT_WEBHOOK_MISSING'] },
      { url: 'env:SALLYPORT_WEBHOOK_MISSING', format: 'slack', secretEnv: [] },
    );
    await start(
      database,
      Array.from({ length: 100 }, () => 100),
    );
    await happen('one');
    await until(async () =>
      (await webhookStates(database)).every(({ lastError }) => lastError !== null),
    );
    const errors = (await webhookStates(database)).map(({ lastError }) => lastError);
    assert.deepEqual(errors, Array(2).fill('the variable SALLYPORT_WEBHOOK_MISSING is not set'));
    assert.equal(receiver.received.length, 0);
  });

  it('sends from one process at a time, and from the next when that one is gone', async () => {
    await apply({});
    const there = await open();
    stops.push(() => there.close());
    const first = await start();
    await start(there);
    for (let count = 1; count <= 30; count += 1) await happen(`n${count}`);
    await receiver.messages('/ok', 30);
    await until(async () => (await webhookStates(database))[0]?.waiting === 0);
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    assert.equal(new Set(ids).size, 30);
    assert.equal(ids.length, 30);
    await first.close();
    await happen('last');
    await receiver.messages('/ok', 31);
  });
});
