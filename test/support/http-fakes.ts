/**
 * In-memory stand-ins for what the HTTP adapter reads and writes. They behave, they don't count calls:
 * a token works once, the first decision wins, a journal that is told to fail fails.
 */
import { generateKeyPairSync } from 'node:crypto';
import type { Principal } from '../../server/access/principal.ts';
import type { CastHeader, RecordedEvent } from '../../server/asciicast/event.ts';
import { encodeEventLine } from '../../server/asciicast/event-line.ts';
import { Played } from '../../server/asciicast/played.ts';
import type {
  ChainReader,
  CommandRange,
  CommandView,
  EventPlace,
  HeaderReader,
  KeptFileReader,
  LiveReader,
  KeyframePlace,
  Page,
  RecordingReader,
  ReplayReader,
  SearchDesk,
  SearchPage,
  SearchQuery,
  SessionQuery,
  SessionView,
  SignIns,
} from '../../server/http/ports.ts';
import { CHAIN_START, chunkHash } from '../../server/journal/chain.ts';
import { createHeadSigner } from '../../server/journal/signature.ts';
import { firstKeyframe, Keyframer } from '../../server/terminal/keyframe.ts';

type Chain = NonNullable<Awaited<ReturnType<ChainReader['chain']>>>;

/** Contents that are kept of command 3 of every session, written, in two parts. */
export function fakeFiles(): KeptFileReader {
  return {
    async *contents({ seq, direction }) {
      if (seq !== 3 || direction !== 'written') return;
      yield Buffer.from('kept ');
      yield Buffer.from('contents');
    },
  };
}

/** Signs the heads of all fake recordings. */
export const recordingKey = createHeadSigner(generateKeyPairSync('ed25519').privateKey);

/** Everything that is kept about one session. */
export interface KeptSession {
  readonly view: SessionView;
  readonly commands: readonly CommandView[];
  readonly events: readonly RecordedEvent[];
  /** Terminal type; null without a terminal. */
  readonly term: string | null;
}

export class FakeRecordings
  implements RecordingReader, ChainReader, HeaderReader, ReplayReader, LiveReader
{
  readonly kept: KeptSession[] = [];
  /** How many events were handed out, over all reads. */
  eventsRead = 0;
  /** The recording breaks after so many events; null = it doesn't. */
  breaksAfter: number | null = null;
  /** Sessions without keyframes until they are prepared. */
  readonly unprepared = new Set<string>();
  readonly prepared: string[] = [];
  neverPrepares = false;

  add(...sessions: readonly KeptSession[]): void {
    this.kept.push(...sessions);
  }

  /** Newest first; the cursor is the id to go on after. */
  async listSessions(query: SessionQuery): Promise<Page<SessionView>> {
    const newest = this.kept.toSorted((a, b) => (a.view.id < b.view.id ? 1 : -1));
    const all = newest.filter((one) => matches(one, query)).map((one) => one.view);
    const { cursor, limit } = query;
    const before = cursor === undefined ? all : all.filter((one) => one.id < cursor);
    const items = before.slice(0, limit);
    return { items, next: before.length > limit ? (items.at(-1)?.id ?? null) : null };
  }

  async session(id: string): Promise<SessionView | null> {
    return this.#find(id)?.view ?? null;
  }

  async commands(
    sessionId: string,
    { from, limit }: CommandRange = { from: 1, limit: Infinity },
  ): Promise<readonly CommandView[]> {
    const all = this.#find(sessionId)?.commands ?? [];
    return all.filter(({ seq }) => seq >= from).slice(0, limit);
  }

  async commandMarks(sessionId: string): ReturnType<ReplayReader['commandMarks']> {
    return this.commands(sessionId);
  }

  async outputRange(sessionId: string, seq: number): ReturnType<ReplayReader['outputRange']> {
    const command = this.#find(sessionId)?.commands.find((one) => one.seq === seq);
    const { outputFromMs = null, outputToMs = null } = command ?? {};
    if (outputFromMs === null) return null;
    return { fromUs: outputFromMs * 1000, toUs: outputToMs === null ? null : outputToMs * 1000 };
  }

  async head(sessionId: string): ReturnType<ChainReader['head']> {
    return (await this.chain(sessionId))?.head ?? null;
  }

  async header(sessionId: string): Promise<CastHeader | null> {
    const found = this.#find(sessionId);
    if (found === undefined) return null;
    const { height, login, principal, startedAt, target, width } = found.view;
    return {
      cols: width > 0 ? width : 80,
      rows: height > 0 ? height : 24,
      term: found.term,
      timestampS: Date.parse(startedAt) / 1000,
      title: `${principal.name} on ${login}@${target}`,
      command: null,
    };
  }

  async *events(sessionId: string): AsyncIterable<RecordedEvent> {
    let read = 0;
    for (const event of this.#find(sessionId)?.events ?? []) {
      if (read === this.breaksAfter) throw new Error('a chunk is missing');
      read += 1;
      this.eventsRead += 1;
      yield event;
    }
  }

  async *eventsFrom(sessionId: string, from: EventPlace): ReturnType<ReplayReader['eventsFrom']> {
    let number = Math.max(from.event, from.chunk) - 1;
    for (const event of this.#find(sessionId)?.events.slice(number) ?? []) {
      if (number === this.breaksAfter) throw new Error('a chunk is missing');
      number += 1;
      this.eventsRead += 1;
      yield { number, chunk: number, event };
    }
  }

  /** Keyframes are made here, of what is there now; `unprepared` recordings have none before. */
  async prepare(sessionId: string): Promise<void> {
    this.prepared.push(sessionId);
    if (!this.neverPrepares) this.unprepared.delete(sessionId);
  }

  async keyframePlaces(sessionId: string): Promise<readonly KeyframePlace[]> {
    return this.unprepared.has(sessionId)
      ? []
      : (await this.#keyframes(sessionId)).map((one) => one.place);
  }

  async keyframeAt(sessionId: string, n: number): ReturnType<ReplayReader['keyframeAt']> {
    if (this.unprepared.has(sessionId)) return null;
    const found = (await this.#keyframes(sessionId))[n - 1];
    if (found === undefined) return null;
    const { afterReturn, keyframe, place } = found;
    return { keyframe, afterReturn, chunk: place.chunk, event: place.event };
  }

  /** Sessions that somebody watches, and whom to tell. */
  readonly watchers = new Map<string, Set<() => void>>();

  watch(sessionId: string, onNews: () => void): () => void {
    const watching = this.watchers.get(sessionId) ?? new Set();
    this.watchers.set(sessionId, watching.add(onNews));
    return () => {
      watching.delete(onNews);
      if (watching.size === 0) this.watchers.delete(sessionId);
    };
  }

  /** Tells everybody who watches. */
  news(sessionId: string): void {
    for (const onNews of this.watchers.get(sessionId) ?? []) onNews();
  }

  async newestKeyframe(sessionId: string): ReturnType<ReplayReader['keyframeAt']> {
    const { length } = await this.keyframePlaces(sessionId);
    return length === 0 ? null : this.keyframeAt(sessionId, length);
  }

  /** Each event is a chunk of its own. */
  async chunkOf(sessionId: string, event: number): ReturnType<LiveReader['chunkOf']> {
    const most = Math.min(event, this.#find(sessionId)?.events.length ?? 0);
    return most < 1 ? null : { chunk: most, lastEvent: most };
  }

  async #keyframes(sessionId: string) {
    const header = await this.header(sessionId);
    const events = this.#find(sessionId)?.events ?? [];
    if (header === null) return [];
    const played = new Played(header);
    const keyframer = new Keyframer(firstKeyframe(header));
    try {
      return events.flatMap((event, index) => {
        const afterReturn = played.endsWithReturn;
        const cut = keyframer.push(played.push(event));
        if (cut === null) return [];
        const { atUs, idleUs, pauses } = cut.keyframe;
        const place = { atUs, idleUs, pauses, newPauses: cut.pauses };
        const number = index + 1;
        return [
          {
            keyframe: cut.keyframe,
            afterReturn,
            place: { ...place, chunk: number, event: number },
          },
        ];
      });
    } finally {
      keyframer.dispose();
    }
  }

  async chain(sessionId: string): Promise<Chain | null> {
    const found = this.#find(sessionId);
    if (found === undefined) return null;
    const { chunks: count, headHash } = found.view.recording;
    const size = Math.ceil(found.events.length / Math.max(count, 1));
    let prevHash = CHAIN_START;
    const chunks = Array.from({ length: count }, (_, index) => {
      const events = found.events.slice(index * size, (index + 1) * size);
      const lines = Buffer.from(events.map(encodeEventLine).join(''));
      const header = {
        sessionId,
        seq: index + 1,
        t0Us: events[0]?.atUs ?? 0,
        t1Us: events.at(-1)?.atUs ?? 0,
        firstEvent: index * size + 1,
        events: events.length,
        rawLength: lines.length,
      };
      const sealed = { ...header, prevHash, hash: chunkHash(prevHash, header, lines) };
      prevHash = sealed.hash;
      return sealed;
    });
    if (headHash === null) return { sessionId, chunks, head: null };
    const statement = { chunks: count, events: found.events.length, hash: prevHash };
    const signature = recordingKey.sign({ sessionId, ...statement });
    const { keyId } = recordingKey;
    return { sessionId, chunks, head: { chunks: count, hash: prevHash, keyId, signature } };
  }

  #find(id: string): KeptSession | undefined {
    return this.kept.find((one) => one.view.id === id);
  }
}

function matches({ commands, view }: KeptSession, query: SessionQuery): boolean {
  const { decision, kind, principal, q, run, since, status, target, until } = query;
  return (
    (kind === undefined || view.kind === kind) &&
    (decision === undefined || commands.some((one) => one.decision === decision)) &&
    (query.reviewed === undefined || (query.reviewed === 'yes') === (view.reviewed != null)) &&
    (principal === undefined || view.principal.name === principal) &&
    (target === undefined || view.target === target) &&
    (run === undefined || view.run === run) &&
    (status === undefined || view.status === status) &&
    (since === undefined || view.startedAt >= since) &&
    (until === undefined || view.startedAt <= until) &&
    (q === undefined || commands.some((one) => one.text.includes(q)))
  );
}

export class FakeSignIns implements SignIns {
  readonly #setups = new Map<string, Principal>();
  readonly #tokens = new Map<string, Principal>();
  #issued = 0;

  /** A one-time set-up token for this principal. */
  setup(principal: Principal): string {
    const token = `setup-${++this.#issued}`;
    this.#setups.set(token, principal);
    return token;
  }

  /** A live token for this principal. */
  token(principal: Principal): string {
    const token = `token-${++this.#issued}`;
    this.#tokens.set(token, principal);
    return token;
  }

  async redeemSetup(setup: string): Promise<{ token: string; principal: Principal } | null> {
    const principal = this.#setups.get(setup);
    this.#setups.delete(setup);
    return principal === undefined ? null : { token: this.token(principal), principal };
  }

  async principalByToken(token: string): Promise<Principal | null> {
    return this.#tokens.get(token) ?? null;
  }

  async revoke(token: string): Promise<void> {
    this.#tokens.delete(token);
  }
}

/** Searches the texts of commands in what is kept; the cursor is how many hits were before. */
export class FakeSearch implements SearchDesk {
  readonly #recordings: FakeRecordings;
  /** What could not be looked through, as the next pages say it. */
  missing: SearchPage['missing'] = { cutSessions: 0, waitingSessions: 0 };
  /** What is thrown instead of an answer. */
  failure: Error | null = null;

  constructor(recordings: FakeRecordings) {
    this.#recordings = recordings;
  }

  async search(query: SearchQuery): Promise<SearchPage> {
    if (this.failure !== null) throw this.failure;
    const { missing } = this;
    const all = this.#recordings.kept.flatMap(({ view, commands }) =>
      commands.map((command) => ({
        in: 'commands' as const,
        session: view.id,
        principal: view.principal.name,
        target: view.target,
        login: view.login,
        run: view.run,
        at: new Date(Date.parse(view.startedAt) + command.atMs).toISOString(),
        ...command,
      })),
    );
    const found = all.filter(
      (one) =>
        one.text.includes(query.q ?? '') &&
        one.session === (query.session ?? one.session) &&
        one.principal === (query.principal ?? one.principal) &&
        one.decision === (query.decision ?? one.decision),
    );
    const items =
      query.in === 'commands'
        ? found
        : found.map(({ session, principal, target, login, run, at, seq, atMs, text }) => ({
            in: 'output' as const,
            session,
            principal,
            target,
            login,
            run,
            at,
            seq,
            atMs,
            text: `output of ${text}`,
            decision: null,
            command: text,
          }));
    const from = Number(query.cursor ?? '0');
    const to = from + query.limit;
    return { items: items.slice(from, to), next: items.length > to ? String(to) : null, missing };
  }
}
