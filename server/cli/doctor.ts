/** `doctor`: what an operator wants checked before asking for help. */
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { withStores, type Stores } from '../context.ts';
import { messageOf, SallyportError } from '../errors.ts';
import type { Database } from '../store/database.ts';
import { engineIsPatched, hasNativeCiphers } from '../ssh/engine/driver.ts';
import { readWebhooks } from '../store/request-rules.ts';
import { webhookStates } from '../store/webhooks.ts';
import { survey } from '../vault/survey.ts';
import { isWhole } from './vault.ts';
import type { Verb, VerbInput } from './verb.ts';

const LEAST_NODE = [20, 19] as const;

interface Finding {
  readonly check: string;
  readonly ok: boolean;
  /** Something works, but not as well as it could. */
  readonly warning: boolean;
  readonly detail: string;
}

export const doctor: Verb = {
  name: 'doctor',
  usage: '',
  summary: 'check this installation',
  options: {},
  positionals: [0, 0],
  run: async (input) => {
    const findings = [node(), engine(), ciphers(), ...(await stores(input))];
    const ok = findings.every((one) => one.ok);
    if (input.options.flag('json')) {
      await input.terminal.out(`${JSON.stringify({ ok, findings })}\n`);
    } else {
      for (const { check, ok: good, warning, detail } of findings) {
        const mark = !good ? 'FAIL' : warning ? 'warn' : 'ok';
        await input.terminal.out(`${mark.padEnd(5)} ${check.padEnd(14)} ${detail}\n`);
      }
    }
    return ok ? 0 : 1;
  },
};

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  const need = `${LEAST_NODE.join('.')} or later is needed`;
  return { check: 'node', ok, warning: false, detail: `${process.versions.node}; ${need}` };
}

function engine(): Finding {
  const ok = engineIsPatched();
  const detail = ok ? 'the patch of ssh2 is in force' : 'ssh2 is not patched; run: npm ci';
  return { check: 'ssh engine', ok, warning: false, detail };
}

function ciphers(): Finding {
  const native = hasNativeCiphers();
  const detail = native
    ? 'native addon of ssh2 in use'
    : 'native addon of ssh2 not built: bulk transfers cost about 1.6 times the CPU; install make, g++ and python3, then: npm rebuild ssh2 --foreground-scripts';
  return { check: 'ciphers', ok: true, warning: !native, detail };
}

async function stores(input: VerbInput): Promise<Finding[]> {
  try {
    return await withStores(input, async (stores) => {
      const { home, database, journal } = stores;
      const findings: Finding[] = [
        fine('home', home.directory),
        fine('database', `PostgreSQL ${database.serverVersion}, ${database.mode}`),
        await roles(database),
      ];
      const checked = await journal.verify();
      findings.push(
        checked.kind === 'intact'
          ? fine('journal', `${checked.entries} entries, chain intact`)
          : bad('journal', `broken at entry ${checked.seq}: ${checked.why}`),
      );
      const key = await readFile(home.path('keys', 'recording_ed25519')).catch(() => null);
      if (key !== null) createPrivateKey(key);
      findings.push(await vaultFinding(stores));
      findings.push(...(await webhooks(database, input.config.secrets)));
      return findings;
    });
  } catch (error) {
    const hint = error instanceof SallyportError ? `; ${error.hint}` : '';
    return [bad('stores', `${messageOf(error)}${hint}`)];
  }
}

/** Whom the bastion tells of events, and whether that works. */
async function webhooks(
  database: Database,
  secrets: VerbInput['config']['secrets'],
): Promise<Finding[]> {
  const entries = new Map((await readWebhooks(database.knex)).map((one) => [one.name, one]));
  return (await webhookStates(database)).map(({ dead, lastError, name, waiting }) => {
    const { secretEnv = [], url = '' } = entries.get(name) ?? {};
    const named = [...secretEnv, ...(url.startsWith('env:') ? [url.slice('env:'.length)] : [])];
    const unset = named.filter((one) => secrets.webhookVariable(one) === null);
    const said = [
      `${waiting} waiting, ${dead} given up`,
      ...(lastError === null ? [] : [lastError]),
      ...(unset.length === 0 ? [] : [`not set here: ${unset.join(', ')}`]),
    ].join('; ');
    const isWell = dead === 0 && lastError === null && unset.length === 0;
    return { check: `webhook ${name}`, ok: true, warning: !isWell, detail: said };
  });
}

/** Which keys seal the credentials, and whether each of them opens. */
async function vaultFinding(stores: Stores): Promise<Finding> {
  const vault = await stores.vault();
  const found = await survey(vault.keys, stores.sealedCredentials);
  const counts = found.keys.map(({ keyId, rows, state }) => `${rows} under ${keyId} (${state})`);
  const detail = [`${found.rows} credentials`, ...counts, `sealing with ${found.place}`].join(', ');
  if (!isWhole(found)) {
    const why = found.problem ?? 'a key is missing; see: npx sallyport vault status';
    return bad('vault', `${detail}: ${why}`);
  }
  const names = (await stores.credentials.list()).filter((one) => one.version > 0);
  for (const { name } of names) await vault.check(name);
  const isBehind = found.keys.some(({ state }) => state === 'opens');
  const next = isBehind ? '; move them on with: npx sallyport vault rotate' : '; all open';
  return { check: 'vault', ok: true, warning: isBehind, detail: `${detail}${next}` };
}

/** Whether the bastion's role could change the record. */
async function roles({ roles: known }: Database): Promise<Finding> {
  const { bastion, mode, owner } = known;
  const found = await known.findings();
  const check = 'database roles';
  if (mode === 'single') {
    const what = `the role "${bastion}" records and owns the tables: ${found.slice(0, 3).join(', ')}`;
    const detail = `${what}; whoever gets hold of it can change the record, and only verify shows it. Give the bastion a role of its own, and the owner in SALLYPORT_DATABASE_OWNER_URL: see the README`;
    return { check, ok: true, warning: true, detail };
  }
  if (found.length > 0) {
    return bad(check, `the role "${bastion}" could change the record: ${found.join(', ')}`);
  }
  const detail = `"${bastion}" can add to the record and neither change nor delete it`;
  if (mode === 'separate') return fine(check, `${detail}; "${owner}" owns the tables`);
  const missing =
    'nothing here migrates or deletes what is due: SALLYPORT_DATABASE_OWNER_URL is not set';
  return { check, ok: true, warning: true, detail: `${detail}; ${missing}` };
}

function fine(check: string, detail: string): Finding {
  return { check, ok: true, warning: false, detail };
}

function bad(check: string, detail: string): Finding {
  return { check, ok: false, warning: false, detail };
}
