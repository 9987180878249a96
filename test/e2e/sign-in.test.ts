/** People who sign in with a certified provider in a real browser, at a real bastion on PostgreSQL. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { JournalEntry } from '../../server/journal/event.ts';
import { launchBrowser, openPage, picture, type WatchedPage } from '../support/browser.ts';
import { freshUrl } from '../support/database.ts';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  startProvider,
  type TestProvider,
} from '../support/oidc-provider.ts';
import { findings } from '../support/page-checks.ts';
import { programEnvironment, runProgram } from '../support/program.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startBastion, type Bastion } from '../support/world.ts';

const PEOPLE = `principals:
  - {name: alice, kind: human, roles: [auditor], oidc: {email: alice@acme.example}}
policies: {default: {default: allow, uncertain: hold}}
`;
const ACCOUNTS = {
  'account-1': { email: 'alice@acme.example', email_verified: true, groups: ['bastion-admins'] },
  'account-2': { email: 'bob@acme.example', email_verified: true, groups: ['staff', 'sre'] },
  'account-3': { email: 'eve@evil.example', email_verified: true, groups: ['staff'] },
};

describe('e2e: signing in by OpenID Connect', () => {
  let folder: string;
  let bastion: Bastion;
  let provider: TestProvider;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  let base: string;
  /** Methods that ssh was offered before the bastion had an issuer. */
  let methodsBefore: string;

  before(async () => {
    folder = await temporaryFolder();
    const configuration = join(folder, 'bastion.yaml');
    const secret = join(folder, 'client-secret');
    await writeFile(configuration, PEOPLE);
    await writeFile(secret, `${CLIENT_SECRET}\n`);
    bastion = await startBastion({
      env: {
        DATABASE_URL: await freshUrl(),
        SALLYPORT_CONFIG: configuration,
        SALLYPORT_OIDC_CLIENT_SECRET_FILE: secret,
      },
    });
    base = bastion.run.http.url;
    provider = await startProvider(base);
    await provider.control({ accounts: ACCOUNTS });
    methodsBefore = await methods();
    // The running bastion learns of its issuer.
    const signIn = `signIn:
  issuer: ${provider.issuer}
  clientId: ${CLIENT_ID}
  title: ACME
  groupsClaim: groups
  roles: {bastion-admins: [admin]}
  create: {emailDomains: [acme.example], groups: [staff]}
  logout: true
`;
    await writeFile(configuration, PEOPLE + signIn);
    const applied = await bastion.cli('apply', configuration);
    assert.equal(applied.status, 0, applied.stderr);
    assert.match(applied.stdout, /\+ sign-in http/);
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await provider?.close();
    await bastion?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await provider.control({ forge: null });
    watched = await openPage(browser);
    page = watched.page;
  });
  afterEach(() => watched.close());

  /** How a client without a key may come in at ssh. */
  async function methods(): Promise<string> {
    const { host, port } = bastion.run.ssh;
    const options = ['PreferredAuthentications=none', 'StrictHostKeyChecking=no'];
    const { stderr } = await runProgram(
      'ssh',
      [
        ...[...options, 'UserKnownHostsFile=/dev/null'].flatMap((option) => ['-o', option]),
        '-F',
        'none',
        '-p',
        String(port),
        `deploy@web1@${host}`,
      ],
      { env: programEnvironment() },
    );
    return /Permission denied \((.*?)\)/.exec(stderr)?.[1] ?? stderr;
  }

  it('gives clients without a key a link at ssh while there is an issuer', async () => {
    assert.equal(methodsBefore, 'publickey');
    assert.equal(await methods(), 'publickey,keyboard-interactive');
  });

  /** From the page with the button to wherever the provider sends back. */
  async function signIn(account: string, from = page): Promise<void> {
    await from.getByRole('link', { name: 'Sign in with ACME' }).click();
    await from.getByLabel('Account').fill(account);
    await from.getByRole('button', { name: 'Continue' }).click();
    await from.waitForURL(`${base}/**`);
  }

  const who = async (): Promise<string> =>
    `${await page.locator('.who').innerText()}, ${await page.locator('.who').getAttribute('title')}`;

  async function journal(): Promise<JournalEntry[]> {
    const { stdout } = await bastion.cli('journal', 'export');
    const lines = stdout.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as JournalEntry);
  }

  it('leads from a deep link to the issuer and back, and out of both again', async () => {
    await page.goto(`${base}/sessions?status=active#cmd-12`);
    await page.waitForURL(`${base}/sign-in?**`);
    await signIn('account-1');
    assert.equal(page.url(), `${base}/sessions?status=active#cmd-12`);
    assert.equal(await who(), 'alice, your keys; roles: user, auditor, admin');
    const names = (await page.context().cookies(base)).map(({ name, httpOnly, sameSite }) => ({
      name,
      httpOnly,
      sameSite,
    }));
    assert.ok(names.some(({ name }) => name === 'sallyport_session'));
    for (const one of names) {
      if (!one.name.startsWith('sallyport')) continue;
      assert.deepEqual([one.httpOnly, one.sameSite], [true, 'Lax'], one.name);
    }
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${provider.issuer}/**`);
    await page.getByRole('button', { name: /yes/i }).click();
    await page.waitForURL(`${base}/sign-in`);
    await page.goto(`${base}/sessions`);
    await page.waitForURL(`${base}/sign-in?**`);
    await page.getByRole('link', { name: 'Sign in with ACME' }).click();
    await page.getByLabel('Account').waitFor();
    assert.deepEqual(watched.complaints, []);
  });

  it('lets two tabs sign in at once, each to its own place', async () => {
    const other = await page.context().newPage();
    const tabs = [
      [page, '/sessions?target=one'],
      [other, '/sessions?target=two'],
    ] as const;
    for (const [tab, path] of tabs) {
      await tab.goto(base + path);
      await tab.getByRole('link', { name: 'Sign in with ACME' }).click();
      await tab.getByLabel('Account').fill('account-1');
    }
    for (const [tab, path] of tabs) {
      await tab.getByRole('button', { name: 'Continue' }).click();
      await tab.waitForURL(base + path);
    }
  });

  it('takes roles away at the next sign-in, and keeps somebody whose address has changed', async () => {
    const changed = { ...ACCOUNTS['account-1'], email: 'alice@married.example', groups: [] };
    await provider.control({ accounts: { ...ACCOUNTS, 'account-1': changed } });
    try {
      await page.goto(`${base}/sign-in`);
      await signIn('account-1');
      assert.equal(await who(), 'alice, your keys; roles: user, auditor');
    } finally {
      await provider.control({ accounts: ACCOUNTS });
    }
  });

  it('makes a person by the rule, and nobody whom it does not take', async () => {
    await page.goto(`${base}/sign-in`);
    await signIn('account-2');
    assert.equal(await who(), 'bob, your keys; roles: user');
    await page.context().clearCookies();
    await page.goto(`${base}/sign-in`);
    await signIn('account-3');
    await page.getByText('nobody here is named by the account account-3').waitFor();
    await picture(page, 'sign-in-refused');
    await page.goto(`${base}/sessions`);
    await page.waitForURL(`${base}/sign-in?**`);
  });

  for (const [forge, shown] of [
    ['alg-none', 'its token is not signed in a way that is trusted'],
    ['junk-signature', 'the signature of its token is wrong'],
    ['token-html', 'does not answer JSON'],
  ] as const) {
    it(`signs nobody in by ${forge}`, async () => {
      await provider.control({ forge });
      await page.goto(`${base}/sign-in`);
      await signIn('account-1');
      await page.getByText(shown).waitFor();
      await page.goto(`${base}/sessions`);
      await page.waitForURL(`${base}/sign-in?**`);
    });
  }

  it('has a page that reads well on every screen', async () => {
    for (const [name, options] of [
      ['light', {}],
      ['dark', { colorScheme: 'dark' }],
      ['narrow', { viewport: { width: 360, height: 740 } }],
    ] as const) {
      const view = await openPage(browser, options);
      await view.page.goto(`${base}/sign-in`);
      assert.deepEqual(await findings(view.page), [], name);
      assert.deepEqual(view.complaints, [], name);
      await picture(view.page, `sign-in-${name}`);
      await view.close();
    }
  });

  it('ends with the principal, and has journalled all of it', async () => {
    await page.goto(`${base}/sign-in`);
    await signIn('account-1');
    const disabled = await bastion.cli('principal', 'disable', 'alice');
    assert.equal(disabled.status, 0, disabled.stderr);
    await page.goto(`${base}/sessions`);
    await page.waitForURL(`${base}/sign-in?**`);
    await page.getByRole('link', { name: 'Sign in with ACME' }).click();
    await page.getByText('alice is disabled').waitFor();

    const entries = await journal();
    const created = entries.filter(
      ({ data, type }) => type === 'web.signed-in' && data['created'] === true,
    );
    assert.deepEqual(
      created.map(({ principal, data }) => [principal, data['by'], data['issuer'], data['sub']]),
      [['bob', 'oidc', provider.issuer, 'account-2']],
    );
    assert.deepEqual(created[0]?.data['groups'], ['sre', 'staff']);
    const failed = entries
      .filter(({ type }) => type === 'auth.failed')
      .map(({ data }) => JSON.stringify(data));
    for (const why of ['not signed in a way', 'signature', 'JSON', 'account-3', 'is disabled']) {
      assert.ok(
        failed.some((text) => text.includes(why) && text.includes('"method":"oidc"')),
        `${why} in ${failed.join('\n')}`,
      );
    }
    assert.equal(bastion.logs().includes(CLIENT_SECRET), false);
  });
});
