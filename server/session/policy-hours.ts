/** Policies as they count at the moment at which they are asked for. */
import type { Clock } from '../clock.ts';
import { policyAt } from '../policy/hours.ts';
import type { Policies } from './ports.ts';

/** Rules outside their hours do what they say for that time. */
export function withHours(policies: Policies, clock: Pick<Clock, 'nowMs'>): Policies {
  return {
    byName: async (name) => {
      const inForce = await policies.byName(name);
      const policy = policyAt(inForce.policy, clock.nowMs());
      return policy === inForce.policy ? inForce : { ...inForce, policy };
    },
  };
}
