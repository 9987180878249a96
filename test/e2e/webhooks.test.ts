/** A message that is on its way when the bastion is killed. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';
import { startBastion, type Bastion } from '../support/world.ts';

const KEY = Buffer.alloc(32, 9);

describe('e2e: webhooks', function () {
  this.timeout(180_000);
  let folder: string;
  let receiver: WebhookReceiver;
  let bastion: Bastion | null = null;

  before(async () => {
    folder = await temporaryFolder();
    receiver = await new WebhookReceiver().start();
  });
  after(async () => {
    await bastion?.[Symbol.asyncDispose]();
    await receiver.kill();
    await rm(folder, { recursive: true, force: true });
  });

  it('tell of what was committed, though receiver and bastion were killed in between', async () => {
    const configuration = join(folder, 'bastion.yaml');
    await writeFile(
      configuration,
      `principals: [{name: ann, kind: human, roles: [admin]}, {name: bob, kind: human}]
webhooks: [{name: ops, url: "${receiver.url}/ok", events: [principal.*], secretEnv: SALLYPORT_WEBHOOK_KEY, private: true}]
`,
    );
    const env = {
      SALLYPORT_CONFIG: configuration,
      SALLYPORT_WEBHOOK_KEY: `whsec_${KEY.toString('base64')}`,
    };
    const home = join(folder, 'home');
    await receiver.kill();
    bastion = await startBastion({ home, env });
    const disabled = await bastion.cli('principal', 'disable', 'bob', '--reason', 'lost <!here>');
    assert.equal(disabled.status, 0, disabled.stderr);
    await bastion.kill9();
    await receiver.start();
    bastion = await startBastion({ home, env });
    const [message] = await receiver.messages('/ok', 1);
    assert.ok(message !== undefined);
    const { body, headers } = message;
    const said = JSON.parse(body) as { type: string; data: { details: { reason: string } } };
    assert.deepEqual([said.type, said.data.details.reason], ['principal.disabled', 'lost <!here>']);
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    const digest = createHmac('sha256', KEY).update(signed).digest('base64');
    assert.equal(headers['webhook-signature'], `v1,${digest}`);
    const doctor = await bastion.cli('doctor');
    assert.match(doctor.stdout, /^ok +webhook ops +0 waiting, 0 given up$/m);
  });
});
