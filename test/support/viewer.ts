/** What people do with the web, and see of the player on a session's page. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { people, type HttpWorld } from './http-world.ts';

/** Waits until the player's terminal shows this. */
export async function playerShows(page: Page, text: string): Promise<void> {
  await page.waitForFunction(
    (text) =>
      Array.from(document.querySelectorAll('#player .ap-line')).some((line) =>
        line.textContent.includes(text),
      ),
    text,
  );
}

export class Viewer {
  readonly #world: HttpWorld;
  readonly #page: Page;

  constructor(world: HttpWorld, page: Page) {
    this.#world = world;
    this.#page = page;
  }

  /** By the printed link, as a person does it. */
  async signIn(who: keyof typeof people = 'alice'): Promise<void> {
    await this.#page.goto(
      `${this.#world.server.url}/setup/${this.#world.signIns.setup(people[who])}`,
    );
    await this.#page.getByRole('button', { name: 'Sign in' }).click();
    await this.#page.waitForURL('**/sessions');
  }

  async openSession(id: string, hash = ''): Promise<void> {
    await this.#page.goto(`${this.#world.server.url}/sessions/${id}${hash}`);
    await this.#page.locator('#player[data-state]').waitFor();
    assert.equal(await this.#page.locator('#player').getAttribute('data-state'), 'ready');
  }

  /** The rows of the player's terminal. */
  async screen(): Promise<string> {
    return (await this.#page.locator('#player .ap-line').allTextContents()).join('\n');
  }

  /** See `playerShows`. */
  shows(text: string): Promise<void> {
    return playerShows(this.#page, text);
  }

  /** Seconds as the player's clock shows them. */
  async clock(): Promise<number> {
    const [minutes = '', seconds = ''] = (
      await this.#page.locator('#player .ap-time-elapsed').innerText()
    ).split(':');
    return Number(minutes) * 60 + Number(seconds);
  }
}
