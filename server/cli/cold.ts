/** `sessions move-cold`: old recordings to the object store, now. */
import { coldStore, withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import type { MonthMove } from '../store/cold-move.ts';
import { moveColdAndTell } from '../store/cold-rounds.ts';
import type { Verb } from './verb.ts';

export const sessionsMoveCold: Verb = {
  name: 'sessions move-cold',
  usage: '',
  summary: 'move recordings older than SALLYPORT_COLD_AFTER to SALLYPORT_COLD_STORE now',
  options: {},
  positionals: [0, 0],
  run: (input) => {
    const { cold } = input.config.record;
    const objects = coldStore(input.config);
    if (cold === null || objects === null) {
      throw new SallyportError(
        'usage.invalid',
        'there is no object store to move recordings to',
        'set SALLYPORT_COLD_STORE',
      );
    }
    return withStores(input, async ({ clock, database: { owner }, journal }) => {
      if (owner === null) {
        throw new SallyportError(
          'usage.invalid',
          'the role of DATABASE_URL may not move recordings',
          'set SALLYPORT_DATABASE_OWNER_URL',
        );
      }
      const { afterDays } = cold;
      const { source } = input;
      let isBusy = false;
      let months = 0;
      for await (const move of moveColdAndTell({
        owner,
        objects,
        clock,
        afterDays,
        journal,
        source,
      })) {
        isBusy ||= move.kind === 'busy';
        months += 1;
        await input.terminal.out(
          input.options.flag('json') ? `${JSON.stringify(move)}\n` : `${lineOf(move)}\n`,
        );
      }
      if (months === 0 && !input.options.flag('json')) {
        await input.terminal.out(
          `no month has been over for ${afterDays} days and has more to move\n`,
        );
      }
      return isBusy ? 1 : 0;
    });
  },
};

function lineOf(move: MonthMove): string {
  const month = move.month.replace('_', '-');
  if (move.kind === 'busy') return `${month}: somebody reads it; try again`;
  return `${month}: ${move.sessions} sessions, ${move.chunks} chunks, ${move.bytes} bytes moved`;
}
