/** `principal disable|enable`: shuts somebody out at once, everywhere, and lets them in again. */
import { withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import { setDisabled } from '../store/principals.ts';
import type { Verb } from './verb.ts';

const CHANGES = [
  ['disable', 'end all that somebody runs within a second, and let them in no more', true],
  ['enable', 'let somebody in again', false],
] as const;

export const principalVerbs: readonly Verb[] = CHANGES.map(([name, summary, isDisabled]) => ({
  name: `principal ${name}`,
  usage: 'NAME [--reason TEXT]',
  summary,
  options: { reason: { type: 'string' } },
  positionals: [1, 1],
  run: (input) =>
    withStores(input, async ({ database, journal }) => {
      const principal = input.positionals[0] ?? '';
      const reason = input.options.text('reason');
      const changed = await setDisabled({ database, journal }, principal, isDisabled, {
        source: input.source,
        reason,
      });
      if (changed === 'unknown') {
        throw new SallyportError(
          'object.unknown',
          `there is no principal named ${principal}`,
          'see who there is in the configuration',
        );
      }
      const said = isDisabled ? 'disabled' : 'enabled';
      const already = changed === 'same' ? ' already' : '';
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify({ principal, disabled: isDisabled, changed: changed === 'changed' })}\n`
          : `${principal} is ${said}${already}\n`,
      );
      return 0;
    }),
}));
