/** A directory behind the web server, changed over the API by an admin: the real store and the real reader. */
import assert from 'node:assert/strict';
import { systemClock } from '../../server/clock.ts';
import { CHECKS } from '../../server/config/checks.ts';
import { createDirectoryDesk } from '../../server/config/directory-desk.ts';
import { readDocument } from '../../server/config/document.ts';
import { silentLogger } from '../../server/log.ts';
import type { SealingVault } from '../../server/vault/vault.ts';
import { generateKeyPair } from '../../server/ssh/key.ts';
import { createCredentials } from '../../server/store/credentials.ts';
import type { Database } from '../../server/store/database.ts';
import { applyDocument } from '../../server/store/directory-apply.ts';
import { createDirectoryObjects } from '../../server/store/directory-objects.ts';
import { createDirectoryVersions } from '../../server/store/directory-versions.ts';
import { readWritten, type WrittenDirectory } from '../../server/store/directory-written.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import { createTokens, type Tokens } from '../../server/store/tokens.ts';
import { freshDatabase } from './database.ts';
import { startHttpWorld, type HttpWorld } from './http-world.ts';

export const [ANN, BOT, EVE] = ['ann', 'bot', 'eve'].map((name) => generateKeyPair(name));
export const YAML = `
principals:
  - {name: ann, kind: human, roles: [admin], groups: [sre], keys: ["${ANN?.publicLine}"]}
  - {name: bot, kind: agent, owner: ann, keys: ["${BOT?.publicLine}"]}
  - {name: aud, kind: human, roles: [auditor]}
  - {name: uma, kind: human}
credentials: [{name: web}]
targets:
  - {name: web1, address: "10.0.0.5:22", labels: {env: prod}, logins: [{name: deploy, credential: web}]}
grants:
  - {principals: ["group:sre"], targets: [web1], logins: [deploy], channels: [shell], policy: default}
  - {principals: [bot], targets: [web1], logins: [deploy], channels: [exec], policy: default}
policies:
  default: {default: allow, rules: [{name: wipe, action: deny, match: {path: ["/etc/**"]}}]}
  spare: {default: deny}
`;

export interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly json: Record<string, unknown>;
  readonly text: string;
}

export interface DirectoryScene {
  readonly database: Database;
  readonly journal: StoredJournal;
  /** What went into the vault, `NAME KIND MATERIAL`. */
  readonly sealed: readonly string[];
  readonly open: () => Promise<void>;
  readonly close: () => Promise<void>;
  /** @param path below `/api/v1` */
  readonly ask: (
    method: string,
    path: string,
    body?: unknown,
    more?: { as?: string; headers?: Record<string, string> },
  ) => Promise<Answer>;
  readonly written: () => Promise<WrittenDirectory>;
  /** Asserts the answer, that nothing changed, and that the journal says so. */
  readonly refused: (answer: Promise<Answer>, status: number, why: RegExp) => Promise<void>;
}

export function directoryScene(): DirectoryScene {
  let database: Database;
  let journal: StoredJournal;
  let tokens: Tokens;
  let world: HttpWorld;
  const sealed: string[] = [];
  const bearer = new Map<string, string>();

  const open = async (): Promise<void> => {
    database = await freshDatabase();
    journal = createJournal({ database, clock: systemClock, logger: silentLogger });
    tokens = createTokens(database);
    const read = readDocument([{ file: 'x.yaml', text: YAML }], CHECKS);
    if (read.kind === 'invalid') assert.fail(JSON.stringify(read.problems));
    const origin = { via: 'apply', principal: null, source: 'cli:root', from: 'x.yaml' } as const;
    await applyDocument(database, read.document, { prune: false, dryRun: false, origin });
    const credentials = createCredentials(database);
    const vault = async (): Promise<SealingVault> =>
      ({
        seal: async (name: string, kind: string, bytes: Buffer) => {
          sealed.push(`${name} ${kind} ${bytes.toString()}`);
          return { name, kind, version: 1, keyId: 'm1', sealed: Buffer.from('sealed') };
        },
      }) as unknown as SealingVault;
    const versions = createDirectoryVersions(database, readWritten);
    world = await startHttpWorld({
      signIns: tokens,
      directory: createDirectoryObjects(database),
      directoryEdits: createDirectoryDesk({ database, journal, credentials, versions, vault }),
      audit: journal,
    });
    for (const name of ['ann', 'aud', 'uma']) {
      bearer.set(name, await tokens.createToken({ kind: 'api', principalName: name }));
    }
  };
  const close = async (): Promise<void> => {
    await world.close();
    await database.close();
  };

  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    { as = 'ann', headers = {} }: { as?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> => {
    const answer = await world.fetch(`/api/v1${path}`, null, {
      method,
      headers: {
        authorization: `Bearer ${bearer.get(as) ?? ''}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const json = JSON.parse(text) as Record<string, unknown>;
    return { status: answer.status, etag: answer.headers.get('etag'), json, text };
  };
  const written = () => readWritten(database.knex);
  const refused = async (answer: Promise<Answer>, status: number, why: RegExp): Promise<void> => {
    const before = await written();
    const { json, status: given, text } = await answer;
    assert.equal(given, status, text);
    const { error } = json as { readonly error: { readonly message: string } };
    assert.match(error.message, why);
    assert.deepEqual(await written(), before);
    const [row] = (await journal.list({ types: ['config.refused'], limit: 1 })).items;
    assert.equal(row?.data['why'], error.message);
    assert.equal(row?.principal, 'ann');
  };
  return {
    get database() {
      return database;
    },
    get journal() {
      return journal;
    },
    sealed,
    open,
    close,
    ask,
    written,
    refused,
  };
}
