/**
 * The HTTP face of the one table in access/permission.ts: pages, API and event streams all ask here, and get
 * their refusals here. Not caught here: whether a principal is who they say (viewer.ts).
 */
import type { PermitOutcome } from '../access/permission.ts';
import { SallyportError } from '../errors.ts';

export {
  ACTIONS,
  permit as guard,
  type Action,
  type PermitOutcome as GuardOutcome,
} from '../access/permission.ts';

/** What is thrown for an outcome that isn't `allowed`. `what` is the noun that would not exist. */
export function refusal(
  outcome: Exclude<PermitOutcome, { kind: 'allowed' }>,
  what: string,
): SallyportError {
  switch (outcome.kind) {
    case 'unauthenticated':
      return new SallyportError(
        'access.unauthenticated',
        'you are not signed in',
        'open a one-time link, which the demo prints and "sallyport token create --link" makes, or send "Authorization: Bearer TOKEN" (sallyport token create)',
      );
    case 'hidden':
      return unknownObject(what);
    case 'out-of-scope':
      return new SallyportError(
        'access.forbidden',
        `this token isn't for that: it lacks the scope "${outcome.needs}"`,
        `use a token that has it: sallyport token create --principal NAME --scope ${outcome.needs}`,
      );
    case 'forbidden':
      return new SallyportError(
        'access.forbidden',
        `this needs the role "${outcome.needs}", which you don't have`,
        `ask an administrator for the role "${outcome.needs}"`,
      );
  }
}

/** The answer for what doesn't exist, and for what the asker may not know of. */
export function unknownObject(what: string): SallyportError {
  return new SallyportError(
    'object.unknown',
    `there is no such ${what}`,
    `check the id; the list of ${what}s shows those that you may see`,
  );
}
