/** A real client that runs beside a test, with what it printed so far. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './forward-scene.ts';
import { programEnvironment } from './program.ts';

/** A client that runs until it ends, and what came of it. */
export class Flow implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #hash = createHash('sha256');
  readonly over: Promise<number | null>;
  bytes = 0;
  text = '';
  said = '';

  constructor(program: string, config: string, args: readonly string[]) {
    this.#child = spawn(program, ['-F', config, '-o', 'BatchMode=yes', ...args], {
      env: programEnvironment(),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (part: Buffer) => {
      this.bytes += part.length;
      this.#hash.update(part);
      if (this.text.length < 4096) this.text += part.toString();
    });
    this.#child.stderr?.on('data', (part: Buffer) => (this.said += part.toString()));
    this.over = once(this.#child, 'close').then(([status]) => status as number | null);
  }

  send(text: string | Buffer): void {
    this.#child.stdin?.write(text);
  }

  finish(): void {
    this.#child.stdin?.end();
  }

  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  says(wanted: RegExp): Promise<true> {
    return until(`${wanted} in ${JSON.stringify(this.said)}`, async () =>
      wanted.test(this.said) ? true : null,
    );
  }

  /** Resolves when nothing more comes. */
  async stands(): Promise<number> {
    for (let same = 0, last = -1; same < 5;) {
      await sleep(100);
      same = this.bytes === last ? same + 1 : 0;
      last = this.bytes;
    }
    return this.bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.destroy();
    this.#child.kill('SIGKILL');
    await this.over;
  }
}
