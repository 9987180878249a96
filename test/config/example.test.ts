import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import type { DocumentOutcome } from '../../server/config/document.ts';
import { loadDocument } from '../../server/config/load.ts';
import { formatProblem } from '../../server/config/problem.ts';
import { compilePolicy } from '../../server/policy/document.ts';
import { MAX_REVOCATION_BYTES, readRevocations } from '../../server/ssh/certificates.ts';
import { generateKeyPair, parsePublicLine } from '../../server/ssh/key.ts';

const ALICE = generateKeyPair('alice');
const HOST = generateKeyPair('host');

const EXAMPLE = `principals:
  - {name: alice, kind: human, roles: [approver, auditor], groups: [sre], keys: ["${ALICE.publicLine}"]}
  - {name: deploy-bot, kind: agent, owner: alice, groups: [agents]}
credentials: [{name: web-deploy}]
targets:
  - {name: web1, address: "10.0.0.5:22", hostKey: "${HOST.publicLine}", labels: {env: prod}, logins: [{name: deploy, credential: web-deploy}]}
grants:
  - {principals: ["group:sre", deploy-bot], targets: ["label:env=prod", web1], logins: [deploy], channels: [shell, exec, sftp, scp], policy: default, keepDays: 365}
policies:
  default:
    default: allow
    uncertain: hold
    holdTimeout: 10m
    rules:
      - {name: no-wipe, action: deny, match: {path: ["/*", "/etc/**", "/data/**"], access: [delete]}, reason: "system paths"}
      - {name: no-force, action: deny, match: {command: "git push --force *"}}
      - {name: no-drop, action: deny, match: {sql: "drop database *"}}
      - {name: pods, action: hold, match: {command: ["kubectl exec", "kubectl create clusterrole*"]}, approvers: ["group:sre"]}
      - {name: shadow, action: deny, match: {path: ["/etc/shadow", "/root/.ssh/**"]}, reason: "credentials"}
      - {name: power, action: hold, match: {command: [shutdown, reboot, halt, poweroff]}, for: {principals: ["group:agents"]}}
`;

async function load(text: string): Promise<DocumentOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-example-'));
  try {
    await writeFile(join(folder, 'bastion.yaml'), text);
    return await loadDocument(join(folder, 'bastion.yaml'), {
      parsePublicLine,
      compilePolicy,
      readRevocations,
      maxRevocationBytes: MAX_REVOCATION_BYTES,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('the configuration with real keys and policies', () => {
  it('is read whole, without a warning', async () => {
    const outcome = await load(EXAMPLE);
    assert.ok(outcome.kind === 'ok', JSON.stringify(outcome, null, 1));
    assert.deepEqual(outcome.warnings.map(formatProblem), []);
    assert.deepEqual(
      outcome.document.principals[0]?.keys.map(({ fingerprint }) => fingerprint),
      [ALICE.fingerprint],
    );
    assert.equal(outcome.document.targets[0]?.hostKey, HOST.publicLine);
  });

  it('places what the policy’s compiler warns of', async () => {
    const wide = '      - {name: all, action: deny, match: {command: "git *"}}\n';
    const outcome = await load(
      EXAMPLE.replace('      - {name: no-force', `${wide}      - {name: no-force`),
    );
    assert.ok(outcome.kind === 'ok');
    assert.deepEqual(
      outcome.warnings.map(({ line, column, message }) => [line, column, message]),
      [[17, 16, 'rule no-force never decides: rule all (deny) matches all that it matches']],
    );
  });

  it('places the mistakes that the policy’s compiler finds', async () => {
    const outcome = await load(EXAMPLE.replace('action: hold', 'actoin: hold'));
    assert.ok(outcome.kind === 'invalid');
    const places = outcome.problems.map(({ line, column }) => `${line}:${column}`);
    assert.ok(places.includes('18:22'), outcome.problems.map(formatProblem).join('\n'));
    assert.match(outcome.problems.map(formatProblem).join('\n'), /actoin/);
  });
});
