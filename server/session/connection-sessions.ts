/** What runs on one connection, and how its client is told something that belongs to none of it. */
import type { Grant, GrantRule } from '../access/grant.ts';
import { isNamedBy, type Principal } from '../access/principal.ts';
import { selects, type Target } from '../access/target.ts';
import { ConnectionHolds } from './connection-holds.ts';

/** The directory as it is now, as far as it concerns one principal. */
export interface Standing {
  readonly principal: Principal;
  readonly targets: readonly Target[];
  readonly rules: readonly GrantRule[];
}

/** Something that runs on a connection until it is over. */
export interface Running {
  readonly id: string;
  /** By which it may run. */
  readonly rule: GrantRule;
  /** Runs to the end; never rejects. */
  run(): Promise<void>;
  /** Tells the client something; of no effect where there is nobody to tell. */
  say(text: string): Promise<void>;
  /** Ends it with a notice. */
  terminate(text: string, why: string): void;
  /** The transport below has ended. */
  clientGone(): void;
  /** Whether a grant still covers it; `changed` = one does, on other terms than it began with. */
  mayStay(standing: Standing): boolean | 'changed';
}

/** Whether two rules judge, record and limit what runs by them alike; how long it is kept was promised before. */
export function isOnSameTerms(one: GrantRule, other: GrantRule): boolean {
  return (['policy', 'recording', 'files', 'keepFiles'] as const).every(
    (name) => one[name] === other[name],
  );
}

/** Whether the very rule is there still, and still names principal, target and login. */
export function ruleStands(grant: Grant, { principal, rules, targets }: Standing): boolean {
  const rule = rules.find(({ id }) => id === grant.rule.id);
  const target = targets.find(({ name }) => name === grant.target.name);
  return (
    rule !== undefined &&
    rule.principals.some((selector) => isNamedBy(principal, selector)) &&
    target !== undefined &&
    rule.targets.some((selector) => selects(selector, target)) &&
    target.logins.some(({ name }) => name === grant.login.name)
  );
}

/** What is told where access for a time is over, and what is written down. */
export function overText({ access }: GrantRule): { readonly text: string; readonly why: string } {
  if (access === undefined) {
    const text = 'your access was withdrawn meanwhile; ask an admin';
    return { text, why: 'its access was withdrawn' };
  }
  const text = `your access by request ${access.request} is over; for more: ssh BASTION request TARGET TIME REASON`;
  return { text, why: `its access by request ${access.request} was over` };
}

const CHANGED_TEXT = {
  text: 'what your access allows was changed meanwhile; connect again',
  why: 'its access was changed',
};

/** What is just beginning can't be ended yet; it is told again after this. */
const END_AGAIN_MS = 200;
/** Notices that wait for a session in which they can be said. */
const MAX_UNTOLD = 4;

export class ConnectionSessions {
  readonly holds = new ConnectionHolds();
  readonly #start: (running: Running) => void;
  readonly #running = new Set<Running>();
  /** Those in which something can be said, oldest first. */
  readonly #talking = new Set<Running>();
  readonly #untold: string[] = [];
  /** When what was granted for a time is over. */
  readonly #ends = new Map<Running, NodeJS.Timeout>();
  #isOver = false;

  /** @param start runs it and remembers it until it is over */
  constructor(start: (running: Running) => void) {
    this.#start = start;
  }

  get size(): number {
    return this.#running.size;
  }

  run(running: Running): void {
    this.#running.add(running);
    this.#start(running);
    const { access } = running.rule;
    if (access !== undefined) this.#endAfter(access.leftMs, running);
    if (this.#isOver) running.clientGone();
  }

  /** Something can be said in it from now on. */
  async begun(running: Running): Promise<void> {
    this.#talking.add(running);
    for (const text of this.#untold.splice(0)) await running.say(text);
  }

  over(running: Running): void {
    clearTimeout(this.#ends.get(running));
    this.#ends.delete(running);
    this.#running.delete(running);
    this.#talking.delete(running);
  }

  /** Says it in the oldest session, or in the next one. Rejects when it can't be recorded. */
  async tell(text: string): Promise<void> {
    const [oldest] = this.#talking;
    if (oldest !== undefined) return oldest.say(text);
    if (this.#untold.length < MAX_UNTOLD) this.#untold.push(text);
  }

  /** Ends what no grant covers any more; null = the principal may do nothing any more. */
  recheck(standing: Standing | null): void {
    for (const running of this.#running) {
      const stays = standing !== null && running.mayStay(standing);
      if (stays === true) continue;
      const { text, why } = stays === 'changed' ? CHANGED_TEXT : overText(running.rule);
      running.terminate(text, why);
    }
  }

  /** Its time is over then, whether or not the directory can be asked. */
  #endAfter(ms: number, running: Running): void {
    const end = (): void => {
      if (!this.#running.has(running)) return;
      const { text, why } = overText(running.rule);
      running.terminate(text, why);
      this.#ends.set(running, setTimeout(end, END_AGAIN_MS).unref());
    };
    this.#ends.set(running, setTimeout(end, ms).unref());
  }

  /** The connection has ended. */
  close(): void {
    this.#isOver = true;
    this.holds.close();
    for (const running of this.#running) running.clientGone();
  }
}
