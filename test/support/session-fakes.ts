/** In-memory stand-ins for the ports of the session pipeline; each keeps what a test wants to see. */
import {
  authorise,
  type ChannelKind,
  type Grant,
  GRANT_DEFAULTS,
} from '../../server/access/grant.ts';
import type { Principal } from '../../server/access/principal.ts';
import type { ShellIntegration, Target } from '../../server/access/target.ts';
import type { RecordedEvent, Utf8Output } from '../../server/asciicast/event.ts';
import { systemClock } from '../../server/clock.ts';
import { SallyportError } from '../../server/errors.ts';
import type { AuditEvent } from '../../server/journal/event.ts';
import { silentLogger } from '../../server/log.ts';
import { compilePolicy } from '../../server/policy/document.ts';
import { HeldCommands } from '../../server/session/held-commands.ts';
import { DEFAULT_LIMITS } from '../../server/session/limits.ts';
import { OutputPipe } from '../../server/session/output.ts';
import type {
  ApprovalOutcome,
  ApprovalRequest,
  ChannelEnd,
  ChannelRequest,
  ControlRequest,
  DecidedCommand,
  DialOutcome,
  FileResult,
  InputUnit,
  OutputUnit,
  Recording,
  SessionEnd,
  SessionStart,
  UpstreamConnectionFacts,
} from '../../server/session/ports.ts';
import type { SessionDependencies } from '../../server/session/scene.ts';

/** Both sides of a channel in memory: the pipeline reads `In` and writes `Out`. */
export class FakeEnd<In extends { kind: string }, Out> implements ChannelEnd<In, Out> {
  readonly written: Out[] = [];
  readonly #incoming: In[] = [];
  #wake: (() => void) | null = null;
  #stalled: Promise<void> = Promise.resolve();

  /** The peer sends. */
  send(...units: readonly In[]): void {
    this.#incoming.push(...units);
    this.#wake?.();
  }

  /** Every write from now on waits for `until`. */
  stall(until: Promise<void>): void {
    this.#stalled = until;
  }

  async read(): Promise<In> {
    for (;;) {
      const unit = this.#incoming[0];
      if (unit !== undefined) {
        if (unit.kind !== 'close') this.#incoming.shift();
        return unit;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async write(unit: Out): Promise<void> {
    await this.#stalled;
    this.written.push(unit);
  }
}

/** The connection that carries every fake channel. */
export const CONNECTION: UpstreamConnectionFacts = {
  id: 'c1',
  isShared: false,
  from: '192.0.2.10:40000',
};

/** What a shell is told to mark its prompts and commands with. */
export const NONCE = '0123456789abcdef';

export const principal: Principal = {
  id: '0',
  name: 'bot',
  kind: 'agent',
  roles: [],
  groups: ['agents'],
};

const target: Target = {
  name: 'web1',
  host: '192.0.2.1',
  port: 22,
  hostKey: 'ssh-ed25519 AAAA',
  labels: {},
  shellIntegration: 'off',
  logins: [{ name: 'deploy', credential: 'c' }],
};

export function grantFor(kind: ChannelKind, shellIntegration: ShellIntegration = 'off'): Grant {
  const described = { ...target, shellIntegration };
  const outcome = authorise(principal, described, 'deploy', kind, [
    {
      id: 'g',
      principals: ['bot'],
      targets: ['web1'],
      logins: ['deploy'],
      channels: ['shell', 'exec'],
      policy: 'default',
      ...GRANT_DEFAULTS,
    },
  ]);
  if (outcome.kind !== 'granted') throw new Error('the fixture grants it');
  return outcome.grant;
}

export function request(
  kind: 'shell' | 'exec',
  command: string | Buffer | null,
  pty = false,
): ChannelRequest {
  return {
    kind,
    command: command === null ? null : Buffer.from(command),
    pty: pty
      ? {
          term: 'xterm',
          size: { cols: 80, rows: 24, widthPx: 0, heightPx: 0 },
          modes: Buffer.from([0]),
        }
      : null,
    env: [],
  };
}

/** Lets everything happen that waits for nothing but a turn. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export const POLICY_DOCUMENT = {
  default: 'allow',
  uncertain: 'hold',
  holdTimeout: '10m',
  rules: [
    {
      name: 'no-wipe',
      action: 'deny',
      match: { path: ['/data/**'], access: ['delete'] },
      reason: 'production data',
    },
    { name: 'no-drop', action: 'deny', match: { sql: 'drop database *' }, reason: 'databases' },
    { name: 'power', action: 'hold', match: { command: ['shutdown'] } },
  ],
};

/** What a recorder stores of an event. */
function storedForm(event: RecordedEvent | Utf8Output): RecordedEvent {
  if (event.code !== 'utf8') return event;
  return { atUs: event.atUs, code: 'o', text: event.bytes.toString('utf8') };
}

/** Everything that a session did, in one order. */
export type Step =
  | { readonly step: 'begin'; readonly start: SessionStart }
  | { readonly step: 'event'; readonly event: RecordedEvent }
  | { readonly step: 'decided'; readonly command: DecidedCommand }
  | { readonly step: 'dial'; readonly request: ChannelRequest }
  | {
      readonly step: 'ended';
      readonly seq: number;
      readonly exitStatus: number | null;
      readonly masked?: number;
      readonly file?: FileResult;
    }
  | { readonly step: 'end'; readonly end: SessionEnd }
  | { readonly step: 'journal'; readonly event: AuditEvent }
  | { readonly step: 'approval'; readonly request: ApprovalRequest };

export interface FakeWorld {
  readonly dependencies: SessionDependencies;
  readonly steps: Step[];
  readonly upstream: FakeEnd<OutputUnit, InputUnit>;
  dial(grant: Grant, request: ChannelRequest): Promise<DialOutcome>;
  /** Decides the held command. */
  decide(outcome: ApprovalOutcome): void;
  /** Makes the record fail from now on. */
  failRecording(): void;
  /** Keeps appended events from becoming durable until `release`. */
  holdDurability(): { release(): void };
  terminate(by: string): void;
  /** Somebody does this to the session. */
  control(request: ControlRequest): void;
  /** What is answered when a pause has lasted its time. */
  whenPauseIsOver(answer: (seq: number) => Promise<boolean>): void;
}

export function fakeWorld(): FakeWorld {
  const steps: Step[] = [];
  const upstream = new FakeEnd<OutputUnit, InputUnit>();
  const compiled = compilePolicy('default', POLICY_DOCUMENT);
  if (compiled.kind !== 'ok') throw new Error(JSON.stringify(compiled.problems));
  let failed = false;
  let durable: Promise<void> = Promise.resolve();
  let onControl: ((request: ControlRequest) => void) | null = null;
  let pauseIsOver = (_seq: number): Promise<boolean> => Promise.resolve(true);
  let settle: ((outcome: ApprovalOutcome) => void) | null = null;
  const failure = (): SallyportError =>
    new SallyportError('recording.failed', 'the disk is full', 'free some space');

  const dependencies: SessionDependencies = {
    policies: { byName: () => Promise.resolve({ version: 1, policy: compiled.policy }) },
    approvals: {
      request: (one) => {
        steps.push({ step: 'approval', request: one });
        return Promise.resolve({ id: 'K7M2QX', url: 'http://localhost/approvals#K7M2QX' });
      },
      outcome: (_id, signal) =>
        new Promise((resolve) => {
          settle = resolve;
          signal.addEventListener('abort', () => resolve({ kind: 'cancelled' }));
          if (signal.aborted) resolve({ kind: 'cancelled' });
        }),
    },
    held: new HeldCommands(),
    nonce: () => NONCE,
    clock: systemClock,
    logger: silentLogger,
    limits: { ...DEFAULT_LIMITS, sealWaitMs: 500, orphanWaitMs: 200, maxWaitAfterRefusalMs: 100 },
    bastion: () => 'bastion',
    journal: {
      append: (event) => {
        steps.push({ step: 'journal', event });
        return Promise.resolve();
      },
    },
    controls: {
      watch: (_id, callback) => {
        onControl = callback;
        return () => (onControl = null);
      },
      pauseIsOver: (_id, seq) => pauseIsOver(seq),
    },
    files: { keep: () => Promise.resolve() },
    recordings: {
      begin: (start) => {
        if (failed) return Promise.reject(failure());
        steps.push({ step: 'begin', start });
        return Promise.resolve({
          append: async (event) => {
            if (failed) throw failure();
            await durable;
            steps.push({ step: 'event', event: storedForm(event) });
          },
          decided: async (command) => {
            if (failed) throw failure();
            await durable;
            steps.push({ step: 'decided', command });
          },
          commandEnded: (seq, { exitStatus, file, masked }) =>
            void steps.push({
              step: 'ended',
              seq,
              exitStatus,
              ...(file && { file }),
              ...(masked !== undefined && { masked }),
            }),
          end: (end) => {
            steps.push({ step: 'end', end });
            return Promise.resolve();
          },
        });
      },
    },
  };
  return {
    dependencies,
    steps,
    upstream,
    dial: (_grant, one) => {
      steps.push({ step: 'dial', request: one });
      return Promise.resolve({ kind: 'open', end: upstream, connection: CONNECTION });
    },
    decide: (outcome) => settle?.(outcome),
    failRecording: () => (failed = true),
    holdDurability: () => {
      let release = (): void => {};
      durable = new Promise((resolve) => (release = resolve));
      return { release };
    },
    terminate: (by) => onControl?.({ kind: 'terminate', by, reason: null }),
    control: (request) => onControl?.(request),
    whenPauseIsOver: (answer) => (pauseIsOver = answer),
  };
}

/** The record of a session that has begun, and its output; `nowUs` is 1, 2, 3, … */
export interface Begun {
  readonly recording: Recording;
  readonly client: FakeEnd<InputUnit, OutputUnit>;
  readonly output: OutputPipe;
  readonly nowUs: () => number;
}

export async function begin(
  world: FakeWorld,
  maxUndurableBytes = DEFAULT_LIMITS.maxUndurableBytes,
): Promise<Begun> {
  const { recordings } = world.dependencies;
  const recording = await recordings.begin({
    id: 's1',
    kind: 'exec',
    principal,
    target: target.name,
    login: 'deploy',
    via: 'direct',
    source: '192.0.2.9:1',
    run: null,
    task: null,
    attribution: null,
    startedAtMs: 0,
    size: { cols: 80, rows: 24 },
    term: null,
    command: 'x',
    policy: 'default',
    policyVersion: 1,
    recording: 'strict',
    keepDays: null,
  });
  const client = new FakeEnd<InputUnit, OutputUnit>();
  let us = 0;
  const nowUs = (): number => (us += 1);
  return {
    recording,
    client,
    output: new OutputPipe(recording, client, nowUs, maxUndurableBytes),
    nowUs,
  };
}
