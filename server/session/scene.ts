/** What a session stands on, and what it gives to the conversation that it carries. */
import type { AttributedRun } from '../access/attribution.ts';
import type { Grant } from '../access/grant.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { ConnectionHolds } from './connection-holds.ts';
import type { Cut } from './cut.ts';
import type { ConnectionForwards } from './forwards.ts';
import type { Gate, GateDependencies } from './gate.ts';
import type { InputQueue } from './input-queue.ts';
import type { SessionLimits } from './limits.ts';
import type { OutputPipe } from './output.ts';
import type {
  ChannelRequest,
  Controls,
  Dialer,
  DownstreamEnd,
  FileKeeper,
  Journal,
  RecordingSink,
} from './ports.ts';
import type { Valve } from './valve.ts';

export interface SessionDependencies extends GateDependencies {
  readonly recordings: RecordingSink;
  readonly files: FileKeeper;
  readonly journal: Journal;
  readonly controls: Controls;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: SessionLimits;
  /** Letters and digits that nobody can guess. */
  readonly nonce: () => string;
}

export interface SessionContext {
  readonly grant: Grant;
  readonly source: string;
  readonly via: 'direct' | 'jump';
  readonly attributed: AttributedRun;
  readonly request: ChannelRequest;
  readonly end: DownstreamEnd;
  readonly dialer: Dialer;
  /** Of the connection; left out = there is no other channel. */
  readonly holds?: ConnectionHolds;
  /** Of the connection; left out = nothing is forwarded. */
  readonly forwards?: ConnectionForwards;
  /** Called once, when something can be said to the client. */
  readonly onBegun?: () => Promise<void>;
  /** Called once, when the session is over. */
  readonly onOver: () => void;
}

/** A running session as its conversation sees it. */
export interface Scene {
  readonly sessionId: string;
  readonly dependencies: SessionDependencies;
  readonly context: SessionContext;
  readonly input: InputQueue;
  readonly output: OutputPipe;
  readonly gate: Gate;
  /** Shut while the session is paused. */
  readonly valve: Valve;
  /** Microseconds since the session began. */
  readonly nowUs: () => number;
  /** Tells the client something that is no output of the target. */
  readonly say: (text: string) => Promise<void>;
  /** Ends the session with a notice. */
  readonly terminate: (text: string, why: string) => void;
}

/** What is talked in a session, between the beginning of its record and its end. One per session. */
export interface Conversation {
  /**
   * Dials, and moves units both ways until nothing more will come; says why. Rejects with what made it
   * impossible, for instance `recording.failed`.
   */
  run(): Promise<Cut>;
  /** The target's exit status, or what stands for it (`signalStatus`); null = it has told none. */
  readonly exitStatus: number | null;
  /** The session is over: ends what is still open towards the target. Never rejects. */
  close(): Promise<void>;
  /** All output is delivered; `exitStatus` is what the client was told, `why` the session's own end. */
  ended(exitStatus: number | null, why: string): void;
  /** Tells the client what a person wants it to know; left out = as anything else is said. */
  announce?(text: string): Promise<void>;
}
