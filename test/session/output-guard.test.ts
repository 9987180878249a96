import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compilePolicy } from '../../server/policy/document.ts';
import type { SessionStart } from '../../server/session/ports.ts';
import { maskedPorts } from '../../server/session/masked-record.ts';
import {
  decided,
  dialled,
  exitOf,
  input,
  start,
  stdout,
  steps,
  text,
  until,
} from '../support/running-session.ts';
import { fakeWorld, type FakeWorld } from '../support/session-fakes.ts';

const SSN = '123-45-6789\n';

/** How a session of this world begins. */
async function startOf(world: FakeWorld): Promise<SessionStart> {
  const { over } = start('true', { world });
  await until(() => dialled(world));
  world.upstream.send({ kind: 'exit', status: 0 }, { kind: 'close' });
  await over;
  const begun = world.steps.find((one) => one.step === 'begin');
  if (begun?.step !== 'begin') throw new Error('it has not begun');
  world.steps.length = 0;
  return begun.start;
}

/** A world in which the policy says this. */
function worldWith(document: object): FakeWorld {
  const world = fakeWorld();
  const compiled = compilePolicy('default', { default: 'allow', uncertain: 'allow', ...document });
  if (compiled.kind !== 'ok') throw new Error(JSON.stringify(compiled.problems));
  const policies = { byName: () => Promise.resolve({ version: 1, policy: compiled.policy }) };
  const { approvals, recordings } = world.dependencies;
  const masked = maskedPorts({ approvals, recordings }, policies);
  return { ...world, dependencies: { ...world.dependencies, ...masked, policies } };
}

const rule = (action: string, count: number, more: object = {}) => ({
  rules: [{ name: 'bulk', action, match: { output: 'us-ssn', count }, ...more }],
});

describe('rules on output', () => {
  it('let everything pass until it came out so often, and end the session then', async () => {
    const world = worldWith(rule('deny', 3, { reason: 'no lists' }));
    const { client, over } = start('cat list', { world });
    await until(() => dialled(world));
    world.upstream.send(stdout(SSN), stdout(SSN), stdout(`${SSN}more\n`), stdout('never\n'));
    await over;
    equal(text(client.written, 'stdout'), SSN + SSN);
    match(
      text(client.written, 'stderr'),
      /^sallyport: denied by rule "bulk": no lists \(command 2/,
    );
    equal(exitOf(client.written), 126);
    const [, row] = decided(world);
    deepEqual([row?.text, row?.decision.rule], ['(output: 3 × us-ssn)', 'bulk']);
  });

  it('pause output and input until a person has decided, and go on from there', async () => {
    const world = worldWith(rule('hold', 2));
    const { client, over } = start('cat list', { world });
    await until(() => dialled(world));
    world.upstream.send(stdout(SSN + SSN), stdout('later\n'));
    await until(() => steps(world).includes('approval'));
    client.send(input('typed meanwhile'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    equal(text(client.written, 'stdout'), '');
    deepEqual(world.upstream.written, []);
    match(text(client.written, 'stderr'), /held by rule "bulk": waiting for approval/);
    world.decide({ kind: 'approved', by: 'alice', reason: null });
    await until(() => text(client.written, 'stdout') === `${SSN}${SSN}later\n`);
    await until(() => world.upstream.written.length === 1);
    world.upstream.send(stdout(SSN + SSN), { kind: 'exit', status: 0 }, { kind: 'close' });
    await over;
    equal(steps(world).filter((one) => one === 'approval').length, 1);
    equal(exitOf(client.written), 0);
  });

  it('end the session when the person refuses', async () => {
    const world = worldWith(rule('hold', 1));
    const { client, over } = start('cat list', { world });
    await until(() => dialled(world));
    world.upstream.send(stdout(`${SSN}rest`));
    await until(() => steps(world).includes('approval'));
    world.decide({ kind: 'refused', by: 'alice', reason: 'no' });
    await over;
    equal(text(client.written, 'stdout'), '');
    match(text(client.written, 'stderr'), /refused by alice: no/);
    equal(exitOf(client.written), 126);
  });

  it('concern only whom they name', async () => {
    const world = worldWith(rule('deny', 1, { for: { principals: ['somebody-else'] } }));
    const { client, over } = start('cat list', { world });
    await until(() => dialled(world));
    world.upstream.send(stdout(SSN), { kind: 'exit', status: 0 }, { kind: 'close' });
    await over;
    equal(text(client.written, 'stdout'), SSN);
  });

  it('count what a mask of the policy replaces', async () => {
    const world = worldWith({
      masks: [{ name: 'ticket', pattern: 'TICKET-[0-9]{6}' }],
      rules: [{ name: 'bulk', action: 'deny', match: { output: 'ticket', count: 2 } }],
    });
    const { client, over } = start('cat list', { world });
    await until(() => dialled(world));
    world.upstream.send(stdout('TICKET-123456\n'), stdout('TICKET-123457\n'));
    await over;
    equal(text(client.written, 'stdout'), '*************\n');
  });
});

describe('what is stored of commands', () => {
  const masks = {
    masks: [{ name: 'all', detector: ['github-token', 'credit-card', 'private-key'] }],
  };
  const TOKEN = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
  const STARS = '*'.repeat(TOKEN.length);

  it('has its secrets masked in text, words, reason, marker and the session, and runs as it is', async () => {
    const world = worldWith({
      ...masks,
      rules: [{ name: 'no', action: 'deny', match: { path: ['/data/**'] } }],
    });
    const { client, over } = start(`rm /data/${TOKEN} 4111 1111 1111 1111`, { world });
    await over;
    const stored = JSON.stringify(world.steps);
    ok(!stored.includes(TOKEN) && !stored.includes('1111'), stored);
    ok(!text(client.written, 'stderr').includes(TOKEN));
    const [row] = decided(world);
    equal(row?.text, `rm /data/${STARS} **** **** **** ****`);
    deepEqual(row?.decision.commands[0]?.argv, [
      'rm',
      `/data/${STARS}`,
      '****',
      '****',
      '****',
      '****',
    ]);
    equal(row?.masked, 2);
    const [begun] = world.steps;
    ok(begun?.step === 'begin' && begun.start.command === row?.text);
  });

  it('has them masked where a person decides, who approves what was read', async () => {
    const world = worldWith({
      ...masks,
      rules: [{ name: 'ask', action: 'hold', match: { command: 'deploy' } }],
    });
    const { over } = start(`deploy ${TOKEN}`, { world });
    await until(() => steps(world).includes('approval'));
    world.decide({ kind: 'approved', by: 'alice', reason: null });
    await until(() => dialled(world));
    world.upstream.send({ kind: 'exit', status: 0 }, { kind: 'close' });
    await over;
    const asked = world.steps.find((one) => one.step === 'approval');
    ok(asked?.step === 'approval');
    equal(asked.request.text, `deploy ${STARS}`);
    const dial = world.steps.find((one) => one.step === 'dial');
    ok(dial?.step === 'dial');
    equal(dial.request.command?.toString(), `deploy ${TOKEN}`);
  });

  it('says how often text and output were masked', async () => {
    const world = worldWith(masks);
    const { over } = start(`echo ${TOKEN}`, { world });
    await until(() => dialled(world));
    world.upstream.send(
      stdout(`${TOKEN}\n${TOKEN}\n`),
      { kind: 'exit', status: 0 },
      { kind: 'close' },
    );
    await over;
    const ended = world.steps.find((one) => one.step === 'ended');
    ok(ended?.step === 'ended');
    equal(ended.masked, 3);
  });

  it('has them masked in what came of an operation on files', async () => {
    const world = worldWith(masks);
    const recording = await world.dependencies.recordings.begin({
      ...(await startOf(world)),
      command: null,
    });
    const times = { outputFromUs: 0, outputToUs: 1, exitStatus: null };
    const data = { path: `/x/${TOKEN}`, bytes: 3, paths: [`/y/${TOKEN}`, null] };
    recording.commandEnded(1, { ...times, file: { type: 'file.written', data } });
    const told = world.steps.find((one) => one.step === 'ended');
    ok(told?.step === 'ended');
    deepEqual(told.file?.data, { path: `/x/${STARS}`, bytes: 3, paths: [`/y/${STARS}`, null] });
  });

  it('has the lines of a key masked that come one by one', async () => {
    const world = worldWith(masks);
    const body = 'MIIEpAIBAAKCAQEA7bq3'.repeat(3);
    const { client, over } = start(null, { world });
    await until(() => dialled(world));
    client.send(
      input(`x='-----BEGIN RSA PRIVATE KEY-----\n${body}\n-----END RSA PRIVATE KEY-----'\n`),
      { kind: 'eof' },
    );
    await until(() => decided(world).length > 0);
    world.upstream.send({ kind: 'exit', status: 0 }, { kind: 'close' });
    await over;
    ok(!JSON.stringify(world.steps).includes(body));
    equal(
      world.upstream.written
        .map((unit) => (unit.kind === 'data' ? unit.bytes : ''))
        .join('')
        .includes(body),
      true,
    );
  });
});
