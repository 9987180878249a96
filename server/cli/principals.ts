/** `principal disable|enable|unbind`: who is shut out, and which account at the issuer somebody is. */
import { withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import { setDisabled, unbindPrincipal } from '../store/principals.ts';
import type { Verb } from './verb.ts';

const CHANGES = [
  ['disable', 'end all that somebody runs within a second, and let them in no more', true],
  ['enable', 'let somebody in again', false],
] as const;

const disabling: readonly Verb[] = CHANGES.map(([name, summary, isDisabled]) => ({
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
      if (changed === 'unknown') throw nobody(principal);
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

const unbind: Verb = {
  name: 'principal unbind',
  usage: 'NAME [--reason TEXT]',
  summary: 'forget which account at the issuer somebody is; the next sign-in says it anew',
  options: { reason: { type: 'string' } },
  positionals: [1, 1],
  run: (input) =>
    withStores(input, async ({ database, journal }) => {
      const principal = input.positionals[0] ?? '';
      const changed = await unbindPrincipal({ database, journal }, principal, {
        source: input.source,
        reason: input.options.text('reason'),
      });
      if (changed === 'unknown') throw nobody(principal);
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify({ principal, changed: changed === 'changed' })}\n`
          : `${principal} is no account at the issuer${changed === 'same' ? ' as it is' : ' any more'}\n`,
      );
      return 0;
    }),
};

export const principalVerbs: readonly Verb[] = [...disabling, unbind];

function nobody(name: string): SallyportError {
  return new SallyportError(
    'object.unknown',
    `there is no principal named ${name}`,
    'see who there is in the configuration',
  );
}
