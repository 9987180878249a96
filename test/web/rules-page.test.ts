import assert from 'node:assert/strict';
import { axeFindings } from '../support/axe.ts';
import { picture } from '../support/browser.ts';
import { people, type HttpWorld } from '../support/http-world.ts';
import { findings } from '../support/page-checks.ts';
import { webStage } from '../support/web-stage.ts';

const CHANGED = `policies:
  default:
    rules:
      - {name: no-wipe, action: deny, match: {path: "/data/**", access: delete}}
      - {name: no-net, action: deny, match: {command: curl}}
      - {name: pods, action: hold, match: {command: "kubectl exec"}}
`;

describe('the page of rules', () => {
  const stage = webStage('all');
  let world: HttpWorld;
  beforeEach(() => {
    ({ world } = stage);
  });

  const trial = (policy: string, person = people.audrey, name = 'default'): Promise<Response> =>
    world.fetch('/api/v1/rules/try', person, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, policy, days: 7 }),
    });

  it('shows each rule with its hits, and what a change would change', async () => {
    const { page, viewer } = stage;
    await viewer.signIn();
    await page.getByRole('link', { name: 'Rules' }).click();
    const row = page.getByRole('row', { name: /^no-wipe denied/ });
    assert.match(await row.innerText(), /3\s*\/\s*12/);
    assert.match(await row.innerText(), /\/etc\/\*\*/);
    assert.deepEqual(await findings(page), []);
    await picture(page, 'rules-light');
    await page.getByRole('link', { name: 'Try a change' }).click();
    const field = page.getByLabel('Changed policy (YAML)');
    assert.match(await field.inputValue(), /^policies:\n {2}default:\n/);
    await field.fill(CHANGED);
    await page.getByRole('button', { name: 'Try' }).click();
    await page.getByText('2 different commands would change').waitFor();
    const rows = await page.locator('.trial tbody tr').allInnerTexts();
    assert.match(rows[0] ?? '', /rm -rf \/etc\/nginx[\s\S]*denied[\s\S]*allowed/);
    assert.match(rows[1] ?? '', /curl https[\s\S]*allowed[\s\S]*denied[\s\S]*no-net/);
    assert.deepEqual(await findings(page), []);
    await picture(page, 'rules-trial');
    await page.setViewportSize({ width: 360, height: 740 });
    assert.deepEqual(await findings(page), []);
    await picture(page, 'rules-trial-phone');
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.deepEqual(await findings(page), []);
    await picture(page, 'rules-trial-phone-dark');
    await page.getByLabel('Changed policy (YAML)').fill('policies: {default: {actoin: 1}}');
    await page.getByRole('button', { name: 'Try' }).click();
    await page.getByRole('alert').getByText('actoin').waitFor();
    assert.deepEqual(await axeFindings(page), []);
    // The answer to the bad policy is a 400, which the console says.
    assert.deepEqual(
      stage.complaints.filter((one) => !one.includes('400')),
      [],
    );
  });

  it('changes nothing when the policy is as it was', async () => {
    const page = await (await world.fetch('/rules?policy=default', people.audrey)).text();
    const written = /<textarea[^>]*>([\s\S]*?)<\/textarea>/.exec(page)?.[1] ?? '';
    const text = written.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
    const outcome = (await (await trial(text)).json()) as Record<string, unknown>;
    assert.deepEqual(outcome['changed'], []);
    assert.equal(outcome['same'], 5);
  });

  it('is for those who may look at everything, and says who tried', async () => {
    const before = world.audit.ofType('recording.viewed').length;
    assert.equal((await world.fetch('/rules', people.piet)).status, 403);
    assert.equal((await world.fetch('/api/v1/rules', people.uma)).status, 403);
    assert.equal((await trial(CHANGED, people.piet)).status, 403);
    assert.equal(world.audit.ofType('recording.viewed').length, before);
    assert.equal((await trial(CHANGED)).status, 200);
    assert.equal(world.audit.ofType('recording.viewed').length, before + 1);
  });

  it('names what is wrong with a wish', async () => {
    const unknown = await trial(CHANGED, people.audrey, 'other');
    assert.equal(unknown.status, 404);
    const bad = await trial('policies: {default: {rules: 3}}');
    assert.equal(bad.status, 400);
    assert.match(await bad.text(), /rules/);
    const huge = await trial('x'.repeat(60_000));
    assert.equal(huge.status, 400);
  });
});
