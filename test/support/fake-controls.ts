/** What people do to sessions, in memory. */
import type { ControlDesk, ControlOutcome, ControlView } from '../../server/http/control-ports.ts';
import { controlState } from '../../server/http/control-routes.ts';

export class FakeControls implements ControlDesk {
  /** `SESSION by NAME` of every termination. */
  readonly terminated: string[] = [];
  readonly #done = new Map<string, ControlView[]>();
  readonly #isActive: (session: string) => boolean;

  constructor(isActive: (session: string) => boolean) {
    this.#isActive = isActive;
  }

  ask(asked: Parameters<ControlDesk['ask']>[0]): Promise<ControlOutcome> {
    const { by, kind, session, words } = asked;
    if (!this.#isActive(session)) return Promise.resolve({ kind: 'over' });
    const done = this.#done.get(session) ?? [];
    const before = controlState(done);
    const isSame =
      before.isEnding ||
      (kind === 'pause' && before.pause !== null) ||
      (kind === 'resume' && before.pause === null);
    if (!isSame) {
      const until = kind === 'pause' ? '2026-01-01T10:15:00.000Z' : null;
      const at = '2026-01-01T10:00:10.000Z';
      done.push({ seq: done.length + 1, kind, at, by, words, until });
      this.#done.set(session, done);
      if (kind === 'terminate') this.terminated.push(`${session} by ${by}`);
    }
    return Promise.resolve({ kind: 'asked', isNew: !isSame, state: controlState(done) });
  }

  controlsOf(session: string): Promise<readonly ControlView[]> {
    return Promise.resolve(this.#done.get(session) ?? []);
  }
}
