/** Starts the OpenID provider of oidc-provider-process.ts, and walks through it without a browser. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface ProviderSettings {
  /** Claims by account; `sub` is the account's name unless they say otherwise. */
  readonly accounts: Readonly<Record<string, { sub?: string; [claim: string]: unknown }>>;
  /** Who signs in without being asked; null = the form asks. `nobody` refuses. */
  readonly auto: string | null;
  /** What is wrong with its answers; null = nothing. */
  readonly forge: string | null;
}

export const CLIENT_ID = 'sallyport';
export const CLIENT_SECRET = 'a secret of a client, for tests: +/%&';

export interface TestProvider {
  /** `iss` */
  readonly issuer: string;
  /** Changes settings. @returns the paths that it has been asked for so far */
  control(changes: Partial<ProviderSettings>): Promise<readonly string[]>;
  /** Stops it. */
  close(): Promise<void>;
}

/** @param bases origins of the bastions that may send people here */
export async function startProvider(...bases: readonly string[]): Promise<TestProvider> {
  const child: ChildProcess = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      join(import.meta.dirname, 'oidc-provider-process.ts'),
      CLIENT_ID,
      CLIENT_SECRET,
      ...bases,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const said: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const exit = once(child, 'exit');
  if (child.stdout === null) throw new Error('the provider has no output');
  const lines = createInterface(child.stdout);
  const started = (await Promise.race([
    once(lines, 'line'),
    exit.then(() => Promise.reject(new Error(`the provider has ended: ${said.join('')}`))),
  ])) as [string];
  const { issuer } = JSON.parse(started[0]) as { issuer: string };
  return {
    issuer,
    control: async (changes) => {
      const answer = await fetch(`${issuer}/control`, {
        method: 'POST',
        body: JSON.stringify(changes),
      });
      return ((await answer.json()) as { asked: string[] }).asked;
    },
    close: async () => {
      child.kill('SIGTERM');
      await exit;
    },
  };
}

/** A browser as far as redirects and cookies go; one cookie jar for each origin. */
export class Walker {
  readonly #jars = new Map<string, Map<string, string>>();
  /** Redirects in a row. */
  static readonly MAX_STEPS = 15;

  cookies(origin: string): Map<string, string> {
    const known = this.#jars.get(origin) ?? new Map<string, string>();
    this.#jars.set(origin, known);
    return known;
  }

  /** One request, redirects not followed. */
  async get(url: string): Promise<Response> {
    const jar = this.cookies(new URL(url).origin);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { accept: 'text/html', ...(cookie !== '' && { cookie }) },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const equals = pair.indexOf('=');
      const value = pair.slice(equals + 1);
      if (value === '' || /expires=thu, 01 jan 1970/i.test(line)) jar.delete(pair.slice(0, equals));
      else jar.set(pair.slice(0, equals), value);
    }
    return answer;
  }

  /** Follows redirects until `stop` says so, or there are no more. @returns the last place and answer */
  async walk(
    from: string,
    stop: (url: URL) => boolean = () => false,
  ): Promise<{ readonly url: URL; readonly answer: Response | null }> {
    let url = new URL(from);
    for (let step = 0; step < Walker.MAX_STEPS; step += 1) {
      if (stop(url)) return { url, answer: null };
      const answer = await this.get(url.href);
      const location = answer.headers.get('location');
      if (location === null) return { url, answer };
      url = new URL(location, url);
    }
    throw new Error(`there are more redirects than ${Walker.MAX_STEPS}`);
  }
}
