import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SearchPage } from '../../server/http/ports.ts';
import { ssh } from '../support/ssh.ts';
import { startBastion, type Bastion } from '../support/world.ts';

describe('searching a real bastion', () => {
  let bastion: Bastion;
  let token: string;
  before(async () => {
    bastion = await startBastion();
    const made = await bastion.cli('token', 'create', '--principal', 'demo', '--json');
    ({ token } = JSON.parse(made.stdout) as { token: string });
    await run(`printf 'alpha\\n\\033[31mbeta\\033[0m gamma\\n'`, 0);
    await run('rm -rf /', 126);
  });
  after(() => bastion[Symbol.asyncDispose]());

  async function run(command: string, status: number): Promise<void> {
    const done = await ssh({ config: bastion.sshConfig, host: 'demo-agent' }, command);
    assert.equal(done.status, status, done.stderr);
  }

  async function search(...args: readonly string[]): Promise<SearchPage> {
    const { status, stdout, stderr } = await bastion.cli('sessions', 'search', '--json', ...args);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as SearchPage;
  }

  async function read(path: string): Promise<SearchPage> {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${bastion.run.http.url}${path}`, { headers });
    assert.equal(answer.status, 200);
    return (await answer.json()) as SearchPage;
  }

  /** The bastion takes output in by itself, behind the recording. */
  async function untilFound(query: string): Promise<SearchPage> {
    for (let tries = 0; tries < 200; tries += 1) {
      const page = await read(`/api/v1/search?${query}`);
      if (page.items.length > 0) return page;
      await sleep(200);
    }
    assert.fail(`${query} was not found`);
  }

  it('finds commands at once, what was denied too', async () => {
    const { items } = await search('RM -rf', '--decision', 'deny', '--principal', 'demo-agent');
    assert.deepEqual(
      items.map(({ text, seq, decision }) => ({ text, seq, decision })),
      [{ text: 'rm -rf /', seq: 1, decision: 'deny' }],
    );
  });

  it('finds what was on the screen, without escapes, soon after', async () => {
    const { items } = await untilFound('in=output&q=beta+gamma');
    const [hit] = items;
    assert.ok(hit?.in === 'output');
    assert.equal(hit.text, 'beta gamma');
    assert.equal(hit.seq, 1);
    assert.match(hit.command ?? '', /^printf/);
  });

  it('answers the same over HTTP, and lists sessions by their commands', async () => {
    assert.equal((await read('/api/v1/search?q=rm+-rf')).items[0]?.text, 'rm -rf /');
    assert.equal((await read('/api/v1/commands?q=printf')).items.length, 1);
    assert.equal((await read('/api/v1/sessions?q=printf')).items.length, 1);
  });

  it('makes it again from the record', async () => {
    const made = await bastion.cli('sessions', 'reindex');
    assert.equal(made.status, 0, made.stderr);
    assert.equal((await untilFound('in=output&q=beta')).items.length, 1);
    assert.equal((await read('/api/v1/search?q=printf')).items.length, 1);
  });

  it('journals who searched for what', async () => {
    const { stdout } = await bastion.cli('journal', 'export');
    const searched = stdout
      .split('\n')
      .filter((line) => line.includes('"what":"search"'))
      .map((line) => JSON.parse(line) as { type: string; source: string; data: { q?: string } });
    assert.ok(searched.every((one) => one.type === 'recording.viewed'));
    assert.ok(searched.some((one) => one.source.startsWith('cli:') && one.data.q === 'RM -rf'));
    assert.ok(searched.some((one) => one.source.startsWith('http:') && one.data.q === 'rm -rf'));
  });

  it('says what to search for', async () => {
    const { status, stderr } = await bastion.cli('sessions', 'search');
    assert.equal(status, 2);
    assert.match(stderr, /nothing to search for/);
  });
});
