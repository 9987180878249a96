/** Whether the record has what clients and targets got, byte for byte. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import { silentLogger } from '../../server/log.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { createRecordingReader } from '../../server/store/recording-reader.ts';
import type { ClientResult } from './load.ts';
import type { FaultScene } from './scene.ts';

/** How long sessions may take to be closed after their clients have ended. */
const CLOSE_WAIT_MS = 40_000;
const NOTICE = /(?:\r\n)?sallyport: [^\r\n]*(?:\r?\n|$)/g;

export interface Checked {
  readonly sessions: number;
  readonly failedSessions: number;
  readonly incompleteSessions: number;
  readonly clientBytes: number;
  readonly commands: number;
  /** In words; none = everything is as promised. */
  readonly faults: readonly string[];
}

/** Compares what `clients` got with the record; the database must be there, nothing may run. */
export async function checkRecord(
  scene: FaultScene,
  clients: readonly ClientResult[],
): Promise<Checked> {
  const database = await openDatabase({
    url: scene.databaseUrl,
    homeDirectory: '/nowhere',
    logger: silentLogger,
  });
  try {
    return await new RecordCheck(scene, database).run(clients);
  } finally {
    await database.close();
  }
}

/** What `sallyport verify --all` finds wrong. */
export async function verifyAll(scene: FaultScene): Promise<readonly string[]> {
  const { status, stdout, stderr } = await scene.cli('verify', '--all');
  if (status === 0) return [];
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => !line.startsWith('ok'));
  return [`verify: ${lines.join('; ')}`];
}

class RecordCheck {
  readonly #scene: FaultScene;
  readonly #database: Database;
  readonly #faults: string[] = [];
  #sessions = 0;
  #failed = 0;
  #incomplete = 0;
  #bytes = 0;
  #commands = 0;

  constructor(scene: FaultScene, database: Database) {
    this.#scene = scene;
    this.#database = database;
  }

  async run(clients: readonly ClientResult[]): Promise<Checked> {
    const witnessed = await readFile(this.#scene.witness, 'utf8');
    for (const client of clients) await this.#check(client, witnessed);
    return {
      sessions: this.#sessions,
      failedSessions: this.#failed,
      incompleteSessions: this.#incomplete,
      clientBytes: this.#bytes,
      commands: this.#commands,
      faults: this.#faults,
    };
  }

  async #check(client: ClientResult, witnessed: string): Promise<void> {
    const say = (what: string): void =>
      void this.#faults.push(`${client.run} (${client.kind}, ${client.mode}): ${what}`);
    if (client.hung) {
      const tail = JSON.stringify(client.stdout.subarray(-200).toString('latin1'));
      say(`the client hung after ${tail} ${client.stderr}`);
    }
    const received = withoutNotices(client.stdout);
    const ran = witnessed.split('\n').filter((line) => line.startsWith(`${client.run}-`));
    this.#bytes += received.length;
    this.#commands += ran.length;
    const session = await this.#sessionOf(client.run);
    if (session === null) {
      if (received.length > 0) say(`${received.length} bytes without a session`);
      if (ran.length > 0) say(`${ran.length} commands without a session`);
      return;
    }
    const { id, status, complete } = session;
    this.#sessions += 1;
    if (status === 'active') say('the session is still open');
    if (status === 'failed') this.#failed += 1;
    if (!complete) this.#incomplete += 1;
    const reader = createRecordingReader(this.#database);
    const events: RecordedEvent[] = [];
    for await (const event of reader.events(id)) events.push(event);
    const recorded = withoutErrors(bytesOf(events), client.stderr);
    const mayLack = client.mode === 'continue' && !complete;
    const common = recorded.subarray(0, received.length).equals(received);
    if (!common && !mayLack) say(difference(received, recorded));
    if (!complete && client.mode !== 'continue') say('the recording says that it is not complete');
    const texts = (await reader.commands(id)).map((one) => one.text);
    compareCommands(ran, texts, 'row', say);
    compareCommands(ran, await this.#decidedTexts(id), 'journal entry', say);
  }

  async #sessionOf(
    run: string,
  ): Promise<{ readonly id: string; readonly status: string; readonly complete: boolean } | null> {
    const deadlineMs = Date.now() + CLOSE_WAIT_MS;
    for (;;) {
      const row = await this.#database
        .knex<{ id: string; status: string; complete: boolean; run: string }>('sessions')
        .where('run', run)
        .first('id', 'status', 'complete');
      if (row === undefined) return null;
      if (row.status !== 'active' || Date.now() > deadlineMs) return row;
      await sleep(100);
    }
  }

  async #decidedTexts(id: string): Promise<readonly string[]> {
    const rows = await this.#database
      .knex<{ body: string; session: string; type: string }>('journal')
      .where({ session: id, type: 'command.decided' })
      .select('body');
    return rows.map(({ body }) => (JSON.parse(body) as { data: { text: string } }).data.text);
  }
}

/** What stands for a line that the terminal did not show while it was typed, or not legibly. */
const UNSHOWN = /\((?:the rest was )?not echoed\)|\(unreadable line\)/;

/** Every line that ran has a text, or one that could not be shown stands for it. */
function compareCommands(
  ran: readonly string[],
  texts: readonly string[],
  where: string,
  say: (what: string) => void,
): void {
  const missing = ran.filter((line) => !texts.some((text) => text.includes(`${line} `)));
  if (missing.length <= texts.filter((text) => UNSHOWN.test(text)).length) return;
  say(
    `the target ran ${missing.join(' ')} without a ${where}; these are: ${JSON.stringify(texts)}`,
  );
}

/** The exact bytes of the target's output. */
function bytesOf(events: readonly RecordedEvent[]): Buffer {
  const parts: Buffer[] = [];
  let isExact = false;
  for (const event of events) {
    if (event.code === 'b') parts.push(Buffer.from(event.base64, 'base64'));
    if (event.code === 'o' && !isExact && !/^(?:\r\n)?sallyport: /.test(event.text)) {
      parts.push(Buffer.from(event.text));
    }
    isExact = event.code === 'b';
  }
  return Buffer.concat(parts);
}

/** The record has errors in between, which the client got apart. */
function withoutErrors(recorded: Buffer, stderr: string): Buffer {
  let rest = recorded;
  for (const line of stderr.replace(NOTICE, '').match(/[^\n]*\n/g) ?? []) {
    const bytes = Buffer.from(line);
    const at = rest.indexOf(bytes);
    if (at >= 0) rest = Buffer.concat([rest.subarray(0, at), rest.subarray(at + bytes.length)]);
  }
  return rest;
}

function withoutNotices(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  return text.includes('sallyport: ') ? Buffer.from(text.replace(NOTICE, ''), 'latin1') : bytes;
}

function difference(received: Buffer, recorded: Buffer): string {
  let at = 0;
  while (at < received.length && received[at] === recorded[at]) at += 1;
  const around = (bytes: Buffer): string =>
    JSON.stringify(bytes.subarray(Math.max(0, at - 20), at + 40).toString('latin1'));
  return `byte ${at} of ${received.length} received differs from the ${recorded.length} recorded: ${around(received)} is ${around(recorded)}`;
}
