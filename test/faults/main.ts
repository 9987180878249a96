/**
 * Faults at random moments under load, for as long as one likes:
 * `node --import tsx test/faults/main.ts --rounds 70 --seed 1 --clients 6`. Exit status 1 when anything
 * that a client or a target got is not in the record.
 */
import { parseArgs } from 'node:util';
import {
  type Fault,
  FAULTS,
  LONG,
  randomFrom,
  roundLine,
  type RoundResult,
  runRound,
} from './rounds.ts';
import { openFaultScene } from './scene.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '35' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '6' },
    fault: { type: 'string' },
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(): Promise<number> {
  const random = randomFrom(Number(options.seed));
  await using scene = await openFaultScene();
  say(`the spool's disk is: ${scene.disk.kind}`);
  const results: RoundResult[] = [];
  for (let round = 1; round <= Number(options.rounds); round += 1) {
    const fault = FAULTS.find((one) => one === options.fault) ?? faultOf(round);
    const effort = { ...LONG, clients: Number(options.clients) };
    const result = await runRound({ scene, round, fault, random, effort });
    results.push(result);
    say(roundLine(result));
    if (result.faults.length > 0) say(scene.logs().split('\n').slice(-40).join('\n'));
  }
  const sum = (of: (result: RoundResult) => number): number =>
    results.reduce((total, one) => total + of(one), 0);
  const wrong = sum((one) => one.faults.length);
  say(
    `${results.length} rounds, ${sum((one) => one.sessions)} sessions, ` +
      `${sum((one) => one.failedSessions)} ended as failed, ${sum((one) => one.clientBytes)} bytes received, ` +
      `${sum((one) => one.commands)} commands run; ${wrong} wrong`,
  );
  return wrong === 0 ? 0 : 1;
}

function faultOf(round: number): Fault {
  return FAULTS[(round - 1) % FAULTS.length] ?? 'kill the bastion';
}

process.exitCode = await main();
