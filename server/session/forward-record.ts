/**
 * The record of one forward: its row, readable lines of what happened (never the contents), and its events in
 * the journal.
 */
import { v7 as uuidv7 } from 'uuid';
import type { AttributedRun } from '../access/attribution.ts';
import type { Grant } from '../access/grant.ts';
import { messageOf, SallyportError } from '../errors.ts';
import type { EventType, JsonValue } from '../journal/event.ts';
import type { ForwardWish } from '../policy/forward-place.ts';
import { initialState } from '../shell/state.ts';
import type { ConnectionHolds } from './connection-holds.ts';
import { asFailure } from './cut.ts';
import { Gate, type GateOutcome } from './gate.ts';
import type { Recording, SessionEnd } from './ports.ts';
import type { SessionDependencies } from './scene.ts';
import { within } from './wait.ts';

/** What the record shows as its size; nobody looks at a terminal. */
const SIZE = { cols: 80, rows: 24 };

/** Whose forward it is. */
export interface ForwardContext {
  readonly grant: Grant;
  readonly source: string;
  readonly via: 'direct' | 'jump';
  readonly attributed: AttributedRun;
  readonly holds: ConnectionHolds;
  /** Tells the client something where it can be seen. */
  readonly tell: (text: string) => Promise<void>;
}

export class ForwardRecord {
  readonly id = uuidv7();
  readonly #dependencies: SessionDependencies;
  readonly #context: ForwardContext;
  readonly #startUs: number;
  #recording: Recording | null = null;

  constructor(dependencies: SessionDependencies, context: ForwardContext) {
    this.#dependencies = dependencies;
    this.#context = context;
    this.#startUs = dependencies.clock.monotonicUs();
  }

  /** Microseconds since it was asked for. */
  readonly nowUs = (): number => this.#dependencies.clock.monotonicUs() - this.#startUs;

  /** Commits the row. @returns why there is none, or null */
  async begin(command: string): Promise<SallyportError | null> {
    const { clock, logger, policies, recordings } = this.#dependencies;
    const { attributed, grant, source, via } = this.#context;
    try {
      const { directoryVersion, version } = await policies.byName(grant.rule.policy);
      this.#recording = await recordings.begin({
        id: this.id,
        kind: 'forward',
        principal: grant.principal,
        target: grant.target.name,
        login: grant.login.name,
        via,
        source,
        ...attributed,
        startedAtMs: clock.nowMs(),
        size: SIZE,
        term: null,
        command,
        policy: grant.rule.policy,
        policyVersion: version,
        directoryVersion: directoryVersion ?? 0,
        recording: grant.rule.recording,
        keepDays: grant.rule.keepDays,
        ...(grant.rule.access === undefined ? {} : { access: grant.rule.access }),
      });
      return null;
    } catch (error) {
      logger.error('forward refused', { session: this.id, why: messageOf(error) });
      return asFailure(error);
    }
  }

  /** Asks the gate. Rejects with `recording.failed`. */
  decide(wish: ForwardWish, abandoned: AbortSignal): Promise<GateOutcome> {
    const { grant, holds, tell } = this.#context;
    const recording = this.#begun();
    const gate = new Gate(this.#dependencies, {
      sessionId: this.id,
      grant,
      recording,
      output: { event: async (event) => void (await recording.append(event)) },
      nowUs: this.nowUs,
      state: initialState(false),
      holds,
    });
    return gate.decideForward(wish, abandoned, tell);
  }

  /** Writes a line down. Rejects with `recording.failed`. */
  async line(text: string): Promise<void> {
    await this.#begun().append({ atUs: this.nowUs(), code: 'o', text: `${text}\r\n` });
  }

  /** Says something about this forward where its client may see it, and writes it down. */
  async announce(text: string, which: string): Promise<void> {
    await this.line(text);
    await this.#context.tell(`${text} (${which})`);
  }

  /** Rejects with `journal.failed`. */
  journal(type: EventType, data: Readonly<Record<string, JsonValue>>): Promise<void> {
    const { grant, source } = this.#context;
    return this.#dependencies.journal.append({
      type,
      principal: grant.principal.name,
      source,
      session: this.id,
      target: grant.target.name,
      data,
    });
  }

  /** Seals the record. Never rejects. */
  async end(end: Pick<SessionEnd, 'status' | 'why' | 'bytesOut'>, lastLine: string): Promise<void> {
    const { limits, logger } = this.#dependencies;
    const failed = (error: unknown): void => {
      logger.error('forward not recorded to its end', { session: this.id, why: messageOf(error) });
    };
    await within(limits.sealWaitMs, this.line(lastLine)).catch(failed);
    const sealed = this.#begun().end({ ...end, atUs: this.nowUs(), exitStatus: null });
    await within(limits.sealWaitMs, sealed).catch(failed);
  }

  #begun(): Recording {
    if (this.#recording !== null) return this.#recording;
    throw new SallyportError('internal', 'the record of a forward has not begun', 'report this');
  }
}
