/** Runs of the sessions that a test has, in memory. */
import type { RunReader, RunView } from '../../server/http/run-ports.ts';
import type { SessionView } from '../../server/http/ports.ts';
import type { FakeRecordings } from './http-fakes.ts';

const TRUST = [null, 'claimed', 'declared', 'verified'] as const;

export function fakeRuns(recordings: FakeRecordings): RunReader {
  const all = (): RunView[] => {
    const groups = new Map<string, SessionView[]>();
    for (const { view } of recordings.kept) {
      if (view.run === null) continue;
      const key = JSON.stringify([view.principal.name, view.run]);
      groups.set(key, [...(groups.get(key) ?? []), view]);
    }
    return [...groups.values()]
      .map(runOf)
      .toSorted((one, other) => (one.startedAt < other.startedAt ? 1 : -1));
  };
  const isOf = (run: { readonly principal: string; readonly run: string }) => (view: SessionView) =>
    view.principal.name === run.principal && view.run === run.run;
  return {
    listRuns: async ({ cursor = '0', limit, principal, q = '' }) => {
      const found = all().filter(
        (run) =>
          (principal === undefined || run.principal === principal) &&
          [run.run, ...run.tasks].some((text) => text.includes(q)),
      );
      const end = Number(cursor) + limit;
      return {
        items: found.slice(Number(cursor), end),
        next: found.length > end ? String(end) : null,
      };
    },
    run: async (name) =>
      all().find((run) => run.run === name.run && run.principal === name.principal) ?? null,
    runCommands: async (name) => {
      const sessions = recordings.kept
        .filter(({ view }) => isOf(name)(view))
        .toSorted((one, other) => (one.view.startedAt < other.view.startedAt ? -1 : 1));
      const commands = sessions.flatMap(({ commands: own, view }) =>
        own.map((command) => ({
          ...command,
          session: view.id,
          target: view.target,
          login: view.login,
        })),
      );
      return { commands, isCut: false };
    },
  };
}

function runOf(sessions: readonly SessionView[]): RunView {
  const [first] = sessions as readonly [SessionView];
  const sum = (count: (session: SessionView) => number): number =>
    sessions.reduce((total, session) => total + count(session), 0);
  const started = sessions.map((session) => session.startedAt).toSorted(byText);
  const activeCount = sum((session) => (session.status === 'active' ? 1 : 0));
  const trust = Math.min(...sessions.map((session) => TRUST.indexOf(session.attribution)));
  return {
    principal: first.principal.name,
    principalKind: first.principal.kind,
    run: first.run ?? '',
    attribution: TRUST[trust] ?? null,
    tasks: [...new Set(sessions.flatMap(({ task }) => task ?? []))],
    targets: [...new Set(sessions.map(({ login, target }) => `${login}@${target}`))],
    sessionCount: sessions.length,
    activeCount,
    startedAt: started[0] ?? '',
    endedAt:
      activeCount > 0
        ? null
        : (sessions
            .flatMap(({ endedAt }) => endedAt ?? [])
            .toSorted(byText)
            .at(-1) ?? null),
    commandCount: sum((session) => session.commandCount),
    deniedCount: sum((session) => session.deniedCount),
    heldCount: sum((session) => session.heldCount),
    maskedCount: sum((session) => session.maskedCount),
    isCut: false,
  };
}

function byText(one: string, other: string): number {
  return one < other ? -1 : 1;
}
