/** A session between a client and a target in memory, and what tests ask of it. */
import assert from 'node:assert/strict';
import type { InputUnit, OutputUnit } from '../../server/session/ports.ts';
import { Session } from '../../server/session/session.ts';
import {
  FakeEnd,
  fakeWorld,
  grantFor,
  request,
  type FakeWorld,
  type Step,
} from './session-fakes.ts';

export interface Running {
  readonly world: FakeWorld;
  readonly client: FakeEnd<InputUnit, OutputUnit>;
  readonly session: Session;
  readonly over: Promise<void>;
}

export function start(
  command: string | Buffer | null,
  options: {
    readonly pty?: boolean;
    readonly modes?: Buffer;
    readonly world?: FakeWorld;
    readonly env?: readonly { readonly name: string; readonly value: string }[];
  } = {},
): Running {
  const world = options.world ?? fakeWorld();
  const client = new FakeEnd<InputUnit, OutputUnit>();
  const kind = command === null ? 'shell' : 'exec';
  const asked = request(kind, command, options.pty);
  const modes = options.modes ?? Buffer.from([0]);
  const session = new Session(world.dependencies, {
    grant: grantFor(kind),
    source: '192.0.2.9:1',
    via: 'direct',
    attributed: { run: '4711', task: null, attribution: 'claimed' },
    request: { ...asked, pty: asked.pty && { ...asked.pty, modes }, env: options.env ?? [] },
    end: client,
    dialer: { dial: (grant, one) => world.dial(grant, one), release: () => {}, close: () => {} },
    onOver: () => {},
  });
  return { world, client, session, over: session.run() };
}

export function stdout(text: string): OutputUnit {
  return {
    kind: 'data',
    stream: 'stdout',
    bytes: Buffer.from(text),
  };
}

export function input(text: string): InputUnit {
  return { kind: 'data', bytes: Buffer.from(text) };
}

export function steps(world: FakeWorld): string[] {
  return world.steps.map((one) => one.step);
}

export function text(units: readonly OutputUnit[], stream: 'stdout' | 'stderr'): string {
  return units
    .map((unit) => (unit.kind === 'data' && unit.stream === stream ? unit.bytes.toString() : ''))
    .join('');
}

export function exitOf(units: readonly OutputUnit[]): number | null {
  const exit = units.find((unit) => unit.kind === 'exit');
  return exit?.kind === 'exit' ? exit.status : null;
}

export async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail('it never happened');
}

export function dialled(world: FakeWorld): boolean {
  return steps(world).includes('dial');
}

export function decided(world: FakeWorld): Extract<Step, { step: 'decided' }>['command'][] {
  return world.steps.flatMap((one) => (one.step === 'decided' ? [one.command] : []));
}

export interface InputRun {
  /** What reached the target's input. */
  readonly sent: Buffer;
  /** `verdict` or `verdict:rule` of every row, the request's own first. */
  readonly verdicts: readonly string[];
  readonly stderr: string;
  readonly exitStatus: number | null;
}

/**
 * Runs a command whose client sends this input and its end; holds are refused, the target ends when its
 * input does.
 * @param splits where the input is cut into units, bytes
 */
export async function runInput(
  command: string | null,
  bytes: Buffer,
  splits: readonly number[] = [],
): Promise<InputRun> {
  const { world, client, over } = start(command);
  let from = 0;
  for (const to of [...splits, bytes.length]) {
    if (to > from) client.send({ kind: 'data', bytes: bytes.subarray(from, to) });
    from = Math.max(from, to);
  }
  client.send({ kind: 'eof' });
  let isEnded = false;
  const timer = setInterval(() => {
    if (steps(world).includes('approval')) {
      world.decide({ kind: 'refused', by: 'alice', reason: null });
    }
    if (isEnded || !world.upstream.written.some(({ kind }) => kind === 'eof')) return;
    isEnded = true;
    world.upstream.send({ kind: 'exit', status: 0 }, { kind: 'close' });
  }, 1);
  await over;
  clearInterval(timer);
  return {
    sent: Buffer.concat(
      world.upstream.written.flatMap((unit) => (unit.kind === 'data' ? [unit.bytes] : [])),
    ),
    verdicts: decided(world).map(({ decision: { verdict, rule } }) =>
      rule === null ? verdict : `${verdict}:${rule}`,
    ),
    stderr: text(client.written, 'stderr'),
    exitStatus: exitOf(client.written),
  };
}
