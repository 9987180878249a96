/** Sign-ins with an issuer without a database: who it is, is decided by the test. */
import type { SignInSettings } from '../../server/access/sign-in.ts';
import type { IssuerDesk, PendingSignIn, SignInOutcome } from '../../server/http/sign-in-ports.ts';

type Wish = Parameters<IssuerDesk['signIn']>[0];

export class FakeIssuerDesk implements IssuerDesk {
  readonly #pending = new Map<string, PendingSignIn>();
  readonly #listeners: (() => void)[] = [];
  #settings: SignInSettings | null = null;
  /** What was asked for, in order. */
  readonly wishes: Wish[] = [];
  /** The answer to the next ones. */
  decide: (wish: Wish) => SignInOutcome = () => ({ kind: 'refused', why: 'no one', hint: 'ask' });
  /** By token: what signing out shows. */
  readonly opened = new Map<string, { issuer: string; idToken: string | null }>();
  /** An error = it can't be read. */
  secret: string | null | Error = null;

  configure(settings: SignInSettings | null): void {
    this.#settings = settings;
    for (const listener of this.#listeners) listener();
  }

  async settings(): Promise<SignInSettings | null> {
    return this.#settings;
  }

  async follow(
    learn: (settings: SignInSettings | null) => void | Promise<void>,
    onFailure: (error: unknown) => void,
  ): Promise<void> {
    const ask = async (): Promise<void> => learn(this.#settings);
    this.#listeners.push(() => {
      ask().catch(onFailure);
    });
    await ask();
  }

  async clientSecret(): Promise<string | null> {
    if (this.secret instanceof Error) throw this.secret;
    return this.secret;
  }

  async begin(state: string, browser: string, pending: PendingSignIn): Promise<void> {
    this.#pending.set(`${state} ${browser}`, pending);
  }

  async take(state: string, browser: string): Promise<PendingSignIn | null> {
    const key = `${state} ${browser}`;
    const found = this.#pending.get(key) ?? null;
    this.#pending.delete(key);
    return found;
  }

  async signIn(wish: Wish): Promise<SignInOutcome> {
    this.wishes.push(wish);
    const outcome = this.decide(wish);
    if (outcome.kind === 'signed-in') {
      const { idToken, settings } = wish;
      this.opened.set(outcome.token, { issuer: settings.issuer, idToken });
    }
    return outcome;
  }

  async issuerOf(token: string): Promise<{ issuer: string; idToken: string | null } | null> {
    return this.opened.get(token) ?? null;
  }
}
