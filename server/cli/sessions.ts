/** `sessions …`: what happened, for auditors at a command line. Looking is journalled. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPages } from '../../web/index.ts';
import { HarmlessOutput, TERMINAL_AS_BEFORE } from '../asciicast/harmless.ts';
import { withStores, type Stores } from '../context.ts';
import { messageOf, SallyportError } from '../errors.ts';
import { encodeRecording, refuseLargePage } from '../http/exports.ts';
import type { SessionQuery, SessionView } from '../http/ports.ts';
import { FORMATS } from '../http/query.ts';
import { printable } from '../printable.ts';
import { publicKeyOf } from './recording-keys.ts';
import { table } from './table.ts';
import type { Verb, VerbInput } from './verb.ts';

const PAGE = 200;
/** Commands that are read at once. */
const COMMANDS_AT_ONCE = 5000;
/** Longest pause that `play` keeps unless it is told otherwise, seconds. */
const MAX_PAUSE_S = 2;
const MAX_IDLE_S = 86_400;

const list: Verb = {
  name: 'sessions list',
  usage:
    '[--principal NAME] [--target NAME] [--status STATUS] [--since TIME] [--q TEXT] [--limit N]',
  summary: 'sessions, newest first',
  options: {
    principal: { type: 'string' },
    target: { type: 'string' },
    status: { type: 'string' },
    since: { type: 'string' },
    q: { type: 'string' },
    limit: { type: 'string' },
  },
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ journal, recordings }) => {
      const query = sessionQuery(input);
      const { limit: _limit, ...asked } = query;
      // Which sessions have a text in their commands says what people typed.
      if (query.q !== undefined) {
        await journal.append({
          type: 'recording.viewed',
          principal: null,
          source: input.source,
          session: null,
          target: query.target ?? null,
          data: { what: 'search', ...asked },
        });
      }
      const page = await recordings.listSessions(query);
      if (input.options.flag('json')) return json(input, page);
      const rows = page.items.map((one) => [
        one.id,
        one.startedAt,
        one.status,
        one.kind,
        one.principal.name,
        `${one.login}@${one.target}`,
        one.commandCount,
        one.deniedCount,
        one.heldCount,
        one.exitStatus,
      ]);
      await input.terminal.out(
        table(
          [
            'ID',
            'STARTED',
            'STATUS',
            'KIND',
            'PRINCIPAL',
            'WHERE',
            'COMMANDS',
            'DENIED',
            'HELD',
            'EXIT',
          ],
          rows,
        ),
      );
      if (page.next !== null) input.terminal.err(`more: --limit above ${query.limit}\n`);
      return 0;
    }),
};

const show: Verb = {
  name: 'sessions show',
  usage: 'ID',
  summary: 'everything known about one session',
  options: {},
  positionals: [1, 1],
  run: (input) =>
    withStores(input, async (stores) => {
      const session = await sessionOf(stores, input);
      if (input.options.flag('json')) return json(input, session);
      const facts: [string, string | number | null][] = [
        ['id', session.id],
        ['kind', session.kind],
        ['principal', `${session.principal.name} (${session.principal.kind})`],
        ['where', `${session.login}@${session.target}, ${session.via}`],
        ['source', session.source],
        ['run', session.run],
        ['task', session.task],
        ['started', session.startedAt],
        ['ended', session.endedAt],
        ['status', session.status],
        ['exit status', session.exitStatus],
        ['terminal', `${session.width}x${session.height}`],
        [
          'commands',
          `${session.commandCount}, ${session.deniedCount} denied, ${session.heldCount} held, ${session.maskedCount} masked`,
        ],
        ['output bytes', session.bytesOut],
        [
          'recording',
          `${session.recording.durationMs} ms in ${session.recording.chunks} chunks, ${
            session.recording.complete ? 'complete' : 'not complete'
          }`,
        ],
        ['head hash', session.recording.headHash],
      ];
      await input.terminal.out(
        facts
          .map(([name, value]) => `${name.padEnd(13)} ${printable(String(value ?? '-'), 300)}\n`)
          .join(''),
      );
      return 0;
    }),
};

const commands: Verb = {
  name: 'sessions commands',
  usage: 'ID',
  summary: 'the commands of one session and how each was decided',
  options: {},
  positionals: [1, 1],
  run: (input) =>
    withStores(input, async (stores) => {
      const session = await sessionOf(stores, input);
      await journalLook(stores, input, session, 'recording.viewed', { what: 'commands' });
      const items = await allCommands(stores, session.id);
      if (input.options.flag('json')) return json(input, { items, next: null });
      const rows = items.map((one) => [
        one.seq,
        `${(one.atMs / 1000).toFixed(1)}s`,
        one.decision,
        one.rule,
        one.certainty,
        one.exitStatus,
        one.masked,
        one.text,
        one.reason,
      ]);
      await input.terminal.out(
        table(
          ['N', 'AT', 'DECISION', 'RULE', 'CERTAINTY', 'EXIT', 'MASKED', 'COMMAND', 'REASON'],
          rows,
        ),
      );
      return 0;
    }),
};

const exportSession: Verb = {
  name: 'sessions export',
  usage: 'ID [--format cast|cast2|txt|json|html] [-o FILE]',
  summary:
    'one recording as a file; cast2 plays everywhere, html plays and proves itself in a browser',
  options: { format: { type: 'string' }, output: { type: 'string', short: 'o' } },
  positionals: [1, 1],
  run: (input) =>
    withStores(input, async (stores) => {
      const wanted = input.options.text('format') ?? 'cast';
      const format = FORMATS.find((one) => one === wanted);
      if (format === undefined) {
        throw new SallyportError(
          'usage.invalid',
          `there is no export format "${printable(wanted, 40)}"`,
          `take one of: ${FORMATS.join(', ')}`,
        );
      }
      const session = await sessionOf(stores, input);
      refuseLargePage(format, session);
      await journalLook(stores, input, session, 'recording.exported', { format });
      const header = await stores.recordings.header(session.id);
      const seal = await stores.recordings.chain(session.id);
      if (header === null) throw unknownSession(session.id);
      const events = stores.recordings.events(session.id);
      const page =
        format === 'html'
          ? await exportedPage(stores, session, seal?.head?.keyId ?? null)
          : NO_PAGE;
      const pieces = encodeRecording(format, { header, events, seal, page });
      const file = input.options.text('output');
      if (file === null) for await (const piece of pieces) await input.terminal.out(piece);
      else await writeFileFrom(file, pieces);
      return 0;
    }),
};

const play: Verb = {
  name: 'sessions play',
  usage: 'ID [--speed N] [--idle SECONDS]',
  summary: 'replay one recording in this terminal; pauses last at most 2 s, or what --idle says',
  options: { speed: { type: 'string' }, idle: { type: 'string' } },
  positionals: [1, 1],
  run: (input) =>
    withStores(input, async (stores) => {
      const speed = Number(input.options.text('speed') ?? '1');
      if (!(speed > 0 && speed <= 1000)) {
        throw new SallyportError('usage.invalid', 'the speed is no number', 'take 0.1 to 1000');
      }
      const idleS = Number(input.options.text('idle') ?? MAX_PAUSE_S);
      if (!(idleS >= 0 && idleS <= MAX_IDLE_S)) {
        throw new SallyportError('usage.invalid', '--idle is no number', `take 0 to ${MAX_IDLE_S}`);
      }
      const session = await sessionOf(stores, input);
      await journalLook(stores, input, session, 'recording.viewed', { what: 'play' });
      // The target wrote what this terminal is about to get.
      const harmless = new HarmlessOutput();
      let lastUs = 0;
      for await (const event of stores.recordings.events(session.id)) {
        if (event.code !== 'o') continue;
        const pauseS = Math.min(idleS, (event.atUs - lastUs) / 1e6) / speed;
        if (pauseS > 0.001) await sleep(pauseS * 1000);
        lastUs = event.atUs;
        await input.terminal.out(harmless.push(event.text));
      }
      await input.terminal.out(TERMINAL_AS_BEFORE);
      return 0;
    }),
};

export const sessionVerbs: readonly Verb[] = [list, show, commands, exportSession, play];

function sessionQuery(input: VerbInput): SessionQuery {
  const { options } = input;
  const limit = Number(options.text('limit') ?? '50');
  const status = options.text('status');
  const since = options.text('since');
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE) {
    throw new SallyportError('usage.invalid', '--limit is out of range', `take 1 to ${PAGE}`);
  }
  if (status !== null && !['active', 'closed', 'failed'].includes(status)) {
    throw new SallyportError(
      'usage.invalid',
      `--status ${printable(status, 40)} is unknown`,
      'take active, closed or failed',
    );
  }
  if (since !== null && Number.isNaN(Date.parse(since))) {
    throw new SallyportError(
      'usage.invalid',
      `--since ${printable(since, 40)} is no time`,
      'write it as 2026-01-31 or 2026-01-31T12:00:00Z',
    );
  }
  const text = (name: 'principal' | 'target' | 'q'): Record<string, string> => {
    const value = options.text(name);
    return value === null ? {} : { [name]: value };
  };
  return {
    limit,
    ...text('principal'),
    ...text('target'),
    ...text('q'),
    ...(status === null ? {} : { status: status as 'active' | 'closed' | 'failed' }),
    ...(since === null ? {} : { since: new Date(since).toISOString() }),
  };
}

async function sessionOf(stores: Stores, input: VerbInput): Promise<SessionView> {
  const id = input.positionals[0] ?? '';
  const session = await stores.recordings.session(id);
  if (session !== null) return session;
  throw unknownSession(id);
}

function unknownSession(id: string): SallyportError {
  return new SallyportError(
    'object.unknown',
    `there is no session ${printable(id, 60)}`,
    'see: npx sallyport sessions list',
  );
}

/** However many they are. */
async function allCommands({ recordings }: Stores, id: string) {
  const all = [];
  for (let from = 1; ;) {
    const some = await recordings.commands(id, { from, limit: COMMANDS_AT_ONCE });
    all.push(...some);
    const last = some.at(-1);
    if (last === undefined || some.length < COMMANDS_AT_ONCE) return all;
    from = last.seq + 1;
  }
}

const NO_PAGE = () => ({ start: '', end: '' });

async function exportedPage(
  { home, recordings }: Stores,
  session: SessionView,
  signedBy: string | null,
): Promise<() => { readonly start: string; readonly end: string }> {
  const { keyId, publicKey } = await publicKeyOf(home, signedBy);
  const commands = await recordings.commands(session.id);
  const pages = await createPages();
  return () => pages.exported({ session, commands, keyId, publicKey });
}

async function journalLook(
  stores: Stores,
  input: VerbInput,
  session: SessionView,
  type: 'recording.viewed' | 'recording.exported',
  data: Record<string, string>,
): Promise<void> {
  await stores.journal.append({
    type,
    principal: null,
    source: input.source,
    session: session.id,
    target: session.target,
    data,
  });
}

async function json(input: VerbInput, value: unknown): Promise<number> {
  await input.terminal.out(`${JSON.stringify(value)}\n`);
  return 0;
}

async function writeFileFrom(file: string, pieces: AsyncIterable<string>): Promise<void> {
  const stream = createWriteStream(file, { mode: 0o600 });
  const done = finished(stream);
  // Awaited below; a failure before that must not count as unhandled.
  done.catch(() => {});
  try {
    for await (const piece of pieces) {
      if (!stream.write(piece)) await Promise.race([once(stream, 'drain'), done]);
    }
    stream.end();
    await done;
  } catch (error) {
    // What stands in the way of reading has its own text.
    if (error instanceof SallyportError) throw error;
    throw new SallyportError(
      'usage.invalid',
      `${file} can't be written (${messageOf(error)})`,
      'name a file in a folder that you may write to',
      { cause: error },
    );
  }
}
