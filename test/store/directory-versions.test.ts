import assert from 'node:assert/strict';
import { yamlOf } from '../../server/cli/versions.ts';
import { changesText, notNamed } from '../../server/cli/changes.ts';
import type { DirectoryDocument } from '../../server/access/directory.ts';
import { CHECKS } from '../../server/config/checks.ts';
import { withRevocations } from '../../server/config/authorities.ts';
import { readDocument } from '../../server/config/document.ts';
import type { Problem } from '../../server/config/problem.ts';
import { generateKeyPair } from '../../server/ssh/key.ts';
import type { Database } from '../../server/store/database.ts';
import { applyDocument } from '../../server/store/directory-apply.ts';
import type { AppliedChange } from '../../server/store/directory-transaction.ts';
import {
  createDirectoryVersions,
  type DirectoryVersions,
} from '../../server/store/directory-versions.ts';
import { readWritten } from '../../server/store/directory-written.ts';
import { pinHostKey } from '../../server/store/host-keys.ts';
import { setDisabled } from '../../server/store/principals.ts';
import { freshDatabase } from '../support/database.ts';

const [ANN, BOT, CA, HOST] = ['ann@desk', 'bot', 'ca', 'host'].map(
  (name) => generateKeyPair(name).publicLine,
);
/** The key of a security token that needs no touch. */
const TOKEN_KEY = `no-touch-required,verify-required sk-ssh-ed25519@openssh.com ${Buffer.concat(
  ['sk-ssh-ed25519@openssh.com', 'k'.repeat(32), 'ssh:'].map((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    return Buffer.concat([length, Buffer.from(part)]);
  }),
).toString('base64')} ann's token`;

const YAML = `
authorities:
  - {name: corp, keys: ["${CA}"], revokedList: "${Buffer.from(`${BOT}\n`).toString('base64')}"}
principals:
  - name: ann
    kind: human
    roles: [admin]
    groups: [sre]
    keys: ["${ANN}", "${TOKEN_KEY}"]
    certificates: [{authority: corp, principals: [ann, ann-admin]}]
  - name: bot
    kind: agent
    owner: ann
    oidc:
      - {issuer: "https://ci.example", audience: sallyport, subject: "repo:x:*", claims: {ref: main}}
credentials: [{name: web}, {name: spare}]
targets:
  - name: web1
    address: "[2001:db8::1]:2222"
    hostKey: "${HOST}"
    labels: {env: prod}
    logins: [{name: root, credential: web}, {name: deploy, credential: web}]
  - {name: web2, address: "10.0.0.5:22", shellIntegration: inject, logins: [{name: deploy, credential: web}]}
grants:
  - {principals: ["group:sre"], targets: ["label:env=prod"], logins: [root], channels: [shell, exec], policy: default, keepDays: 30}
  - {principals: [bot], targets: [web2], logins: [deploy], channels: [exec], policy: default, files: read-only, forward: ["db:5432"]}
requests:
  - {principals: [bot], targets: [web1], logins: [root], channels: [exec], policy: default, maxDuration: 90m, approvers: [ann]}
policies:
  default:
    default: allow
    rules:
      - {name: wipe, action: deny, match: {path: ["/etc/**"], access: [delete]}, reason: "system: paths"}
      - {name: power, action: hold, match: {command: [reboot]}, for: {principals: [bot]}, approvers: [ann]}
`;

async function documentOf(text: string): Promise<DirectoryDocument> {
  const outcome = readDocument([{ file: 'x.yaml', text }], CHECKS);
  if (outcome.kind === 'invalid') assert.fail(JSON.stringify(outcome.problems));
  const problems: Problem[] = [];
  const { document, revocations } = outcome;
  const whole = await withRevocations(document, revocations, CHECKS, problems, []);
  assert.deepEqual(problems, []);
  return whole;
}

describe('versions of the directory', () => {
  let database: Database;
  let versions: DirectoryVersions;
  const apply = async (text: string, dryRun = false, prune = true): Promise<AppliedChange> => {
    const origin = { via: 'apply', principal: null, source: 'cli:root', from: 'x.yaml' } as const;
    return applyDocument(database, await documentOf(text), { dryRun, prune, origin });
  };
  const said = ({ changes }: AppliedChange): string => changesText(changes, true, null);

  beforeEach(async () => {
    database = await freshDatabase();
    versions = createDirectoryVersions(database, readWritten);
    await apply(YAML);
  });
  afterEach(() => database.close());

  it('give YAML that applies again and changes nothing', async () => {
    const text = yamlOf(await versions.written(), 'version 1');
    assert.deepEqual((await apply(text, true)).changes, []);
    assert.deepEqual(await documentOf(text), {
      ...(await documentOf(yamlOf(await versions.written(), ''))),
    });
    for (const part of [
      ANN,
      TOKEN_KEY,
      'ann-admin',
      '90m',
      'system: paths',
      '[2001:db8::1]:2222',
    ]) {
      assert.ok(text.includes(part ?? ''), part);
    }
  });

  it('give the same in another, empty database', async () => {
    const written = await versions.written();
    const other = await freshDatabase();
    const origin = { via: 'apply', principal: null, source: null, from: 'y.yaml' } as const;
    const document = await documentOf(yamlOf(written, ''));
    await applyDocument(other, document, { dryRun: false, prune: false, origin });
    assert.deepEqual(await readWritten(other.knex), written);
    await other.close();
  });

  it('leave out who was dropped and what ends by itself, and keep who is shut out', async () => {
    const stores = {
      database,
      journal: {
        appendWith: async (_: unknown, work: unknown) => {
          if (typeof work === 'function')
            await (work as (trx: unknown) => Promise<void>)(database.knex);
        },
      },
    };
    await setDisabled(stores, 'bot', true, { source: null, reason: null });
    await database
      .knex('principal_keys')
      .where('comment', 'ann@desk')
      .update({ expires_at: '2999-01-01T00:00:00Z' });
    const written = await versions.written();
    assert.deepEqual(
      written.principals.map((one) => one['name']),
      ['ann', 'bot'],
    );
    assert.equal((written.principals[0]?.['keys'] as unknown[] | undefined)?.length, 1);
    assert.deepEqual((await apply(yamlOf(written, ''), true)).changes, []);
  });

  it('have no secret in them', async () => {
    await database
      .knex('credentials')
      .where('name', 'web')
      .update({
        kind: 'password',
        version: 1,
        key_id: 'm1',
        sealed: Buffer.from('sealed-material'),
      });
    const text = JSON.stringify(await versions.written());
    assert.ok(!text.includes(Buffer.from('sealed-material').toString('base64').slice(0, 12)));
    assert.ok(!text.includes('sealed'));
  });

  it('say who changed what, from where, and what it said then', async () => {
    const second = await apply(
      YAML.replace('roles: [admin]', 'roles: [admin, auditor]')
        .replace('name: web2', 'name: web3')
        .replace('targets: [web2]', 'targets: [web3]')
        .replace('action: deny', 'action: hold'),
    );
    assert.equal(second.version, 2);
    const { items, next } = await versions.list({ limit: 1, before: null });
    assert.deepEqual(
      items.map(({ changes: _changes, at: _at, ...one }) => one),
      [{ version: 2, via: 'apply', principal: null, source: 'cli:root', from: 'x.yaml' }],
    );
    assert.equal(next, '2');
    const [first] = (await versions.list({ limit: 5, before: 2 })).items;
    assert.equal(first?.version, 1);
    assert.equal(
      said(second),
      `~ principal ann
    roles: + auditor
+ target web3
    address: 10.0.0.5:22
    shellIntegration: inject
    logins: [{"name":"deploy","credential":"web"}]
+ grant bot → web3 (files: read-only, forward: db:5432)
    principals: bot
    targets: web3
    logins: deploy
    channels: exec
    policy: default
    files: read-only
    forward: db:5432
- grant bot → web2 (files: read-only, forward: db:5432)
    principals: bot
    targets: web2
    logins: deploy
    channels: exec
    policy: default
    files: read-only
    forward: db:5432
~ policy default
    rules[wipe].action: deny → hold
- target web2
    address: 10.0.0.5:22
    shellIntegration: inject
    logins: [{"name":"deploy","credential":"web"}]
6 would change
`,
    );
    const old = await versions.one(1);
    assert.deepEqual(old?.document.principals[0]?.['roles'], ['admin']);
    assert.equal(await versions.one(3), null);
    assert.deepEqual(await versions.lastOf({ object: 'principal', name: 'ann' }), items[0]);
  });

  it('are written once', async () => {
    await assert.rejects(database.knex('directory_versions').update({ origin: 'x' }), /once/);
    await assert.rejects(database.knex('directory_versions').delete(), /once/);
  });

  it('show keys by their fingerprints', async () => {
    const lines = said(await apply(YAML.replace(`"${ANN}", `, ''), true));
    assert.match(lines, /^ {4}keys: - "?ssh-ed25519 SHA256:[\w+/]{43} ann@desk"?$/m);
    assert.ok(!lines.includes('AAAA'));
  });

  it('have none for a dry run, and none where nothing changes', async () => {
    assert.equal((await apply(YAML.replace('[sre]', '[]'), true)).version, 1);
    assert.equal((await apply(YAML)).version, 1);
    assert.equal(await versions.current(), 1);
  });

  it('tell of another order of grants', async () => {
    const grants = YAML.match(/^ {2}- \{principals: .*$/gm)?.slice(0, 2) ?? [];
    const turned = YAML.replace(grants.join('\n'), grants.toReversed().join('\n'));
    assert.equal(
      said(await apply(turned)),
      `~ grant order
    1. bot → web2 (files: read-only, forward: db:5432)
    2. group:sre → label:env=prod (keepDays: 30)
1 would change
`,
    );
    assert.equal((await versions.written()).grants[0]?.['policy'], 'default');
    assert.deepEqual((await versions.written()).grants[0]?.['principals'], ['bot']);
  });

  it('count a host key that was scanned', async () => {
    const origin = { via: 'scan', principal: null, source: 'cli:root', from: 'scan' } as const;
    assert.equal(await pinHostKey(database, 'web2', HOST ?? '', origin), 2);
    assert.equal(await pinHostKey(database, 'web2', HOST ?? '', origin), 2);
    assert.equal((await versions.list({ limit: 1, before: null })).items[0]?.via, 'scan');
  });

  it('number changes that come at once one after the other', async () => {
    const texts = ['[a]', '[b]', '[c]', '[d]'];
    await Promise.all(texts.map((groups) => apply(YAML.replace('[sre]', groups))));
    const { items } = await versions.list({ limit: 10, before: null });
    assert.deepEqual(
      items.map((one) => one.version),
      [5, 4, 3, 2, 1],
    );
  });

  it('say what a document leaves alone', async () => {
    const document = await documentOf('principals: [{name: ann, kind: human}]');
    assert.deepEqual(notNamed(document, await versions.written()), [
      'authority corp',
      'principal bot',
      'credential spare',
      'credential web',
      'target web1',
      'target web2',
      'policy default',
    ]);
  });

  it('keep a key from being taken by an entry that does not name its owner', async () => {
    const text = `principals: [{name: eve, kind: human, keys: ["${ANN}"]}]`;
    await assert.rejects(apply(text, false, false), /listed for eve, belongs to ann already/);
    await apply(text, false, true);
    assert.deepEqual(
      (await versions.written()).principals.map((one) => one['name']),
      ['eve'],
    );
    const swapped = `principals: [{name: eve, kind: human}, {name: zoe, kind: human, keys: ["${ANN}"]}]`;
    await apply(swapped, false, false);
    assert.equal((await versions.written()).principals[1]?.['name'], 'zoe');
  });
});
