/** A receiver of webhooks, as a real process that can be killed and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const PROGRAM = join(import.meta.dirname, 'webhook-receiver.mjs');
const WAIT_MS = 20_000;

export interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

export class WebhookReceiver {
  readonly received: Received[] = [];
  #child: ChildProcess | null = null;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** At the port that it had before. */
  async start(): Promise<this> {
    const child = spawn(process.execPath, [PROGRAM, String(this.#port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const ready = new Promise<void>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const said = JSON.parse(line) as Received & { readonly port?: number };
        if (said.port === undefined) this.received.push(said);
        else {
          this.#port = said.port;
          resolve();
        }
      });
    });
    await ready;
    return this;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Those that came to a path, once there are so many. */
  async messages(path: string, least: number): Promise<readonly Received[]> {
    for (const deadline = Date.now() + WAIT_MS; ; await sleep(20)) {
      const found = this.received.filter(({ url }) => url === path);
      if (found.length >= least) return found;
      if (Date.now() > deadline) throw new Error(`${path} got ${found.length} messages`);
    }
  }
}
