import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { readEnvironment, type Config } from '../../server/config/environment.ts';

const DEFAULTS = { homeDirectory: '/home/eve', workingDirectory: '/srv', isTerminal: false };

function configOf(env: Record<string, string>): Config {
  const outcome = readEnvironment(env, DEFAULTS);
  assert.equal(outcome.kind, 'ok', inspect(outcome));
  return outcome.kind === 'ok' ? outcome.config : assert.fail();
}

function problemsOf(env: Record<string, string>): readonly string[] {
  const outcome = readEnvironment(env, DEFAULTS);
  return outcome.kind === 'invalid' ? outcome.problems : assert.fail('was accepted');
}

describe('the environment', () => {
  it('needs nothing: every variable has its default', () => {
    const { secrets, ...rest } = configOf({});
    assert.deepEqual(rest, {
      home: '/home/eve/.sallyport',
      ssh: { host: '127.0.0.1', port: 2222 },
      http: { host: '127.0.0.1', port: 8022 },
      publicUrl: null,
      configuration: null,
      masterKeyFile: null,
      clientSecretFile: null,
      transit: null,
      logFormat: 'json',
      upstreamIdleMs: 60_000,
      links: { mode: 'auto', rememberMs: 43_200_000 },
      record: { cold: null, anchor: null },
      journal: { file: null, syslog: null },
    });
    assert.equal(secrets.databaseUrl, null);
    assert.equal(secrets.masterKey, null);
  });

  it('takes the owner of an outside database beside the role of the bastion, and shows neither', () => {
    const env = {
      DATABASE_URL: 'postgres://app:hunter2@db/s',
      SALLYPORT_DATABASE_OWNER_URL: 'postgres://owner:hunter3@db/s',
    };
    const config = configOf(env);
    assert.equal(config.secrets.databaseOwnerUrl, env.SALLYPORT_DATABASE_OWNER_URL);
    assert.ok(!/hunter/.test(inspect(config, { depth: null, showHidden: true })));
    const { SALLYPORT_DATABASE_OWNER_URL } = env;
    assert.match(problemsOf({ SALLYPORT_DATABASE_OWNER_URL })[0] ?? '', /without DATABASE_URL/);
    const [bad] = problemsOf({ ...env, SALLYPORT_DATABASE_OWNER_URL: 'mysql://o:hunter3@db/s' });
    assert.match(bad ?? '', /^SALLYPORT_DATABASE_OWNER_URL is no PostgreSQL address/);
    assert.ok(!/hunter/.test(bad ?? ''));
  });

  it('takes every variable, and relative paths from the working directory', () => {
    const { secrets, ...rest } = configOf({
      SALLYPORT_HOME: 'state',
      DATABASE_URL: 'postgres://u:hunter2@db:5432/s',
      SALLYPORT_SSH_LISTEN: '[::1]:0',
      SALLYPORT_HTTP_LISTEN: 'bastion.example:443',
      SALLYPORT_PUBLIC_URL: 'https://bastion.example/',
      SALLYPORT_CONFIG: '/etc/sallyport',
      SALLYPORT_MASTER_KEY_FILE: 'keys/master',
      SALLYPORT_LOG: 'pretty',
      SALLYPORT_UPSTREAM_IDLE: '10m',
      PATH: '/bin',
    });
    assert.deepEqual(rest, {
      home: '/srv/state',
      ssh: { host: '::1', port: 0 },
      http: { host: 'bastion.example', port: 443 },
      publicUrl: 'https://bastion.example',
      configuration: '/etc/sallyport',
      masterKeyFile: '/srv/keys/master',
      clientSecretFile: null,
      transit: null,
      logFormat: 'pretty',
      upstreamIdleMs: 600_000,
      links: { mode: 'auto', rememberMs: 43_200_000 },
      record: { cold: null, anchor: null },
      journal: { file: null, syslog: null },
    });
    assert.equal(secrets.databaseUrl, 'postgres://u:hunter2@db:5432/s');
  });

  it('reads how long connections to targets are kept', () => {
    const idle = (text: string): Record<string, string> => ({ SALLYPORT_UPSTREAM_IDLE: text });
    assert.equal(configOf(idle('0')).upstreamIdleMs, 0);
    assert.equal(configOf(idle('90s')).upstreamIdleMs, 90_000);
    assert.equal(configOf(idle('60m')).upstreamIdleMs, 3_600_000);
    for (const bad of ['61m', '3601s', '-1s', '60', 's', '1h', '1e3s', ' 5s', '00']) {
      assert.match(problemsOf(idle(bad))[0] ?? bad, /write 60s, 10m or 0, up to 60m/);
    }
  });

  it('reads how long keys are remembered, and whether there are links', () => {
    const life = (text: string): Record<string, string> => ({ SALLYPORT_REMEMBER_KEYS: text });
    assert.equal(configOf(life('0')).links.rememberMs, 0);
    assert.equal(configOf(life('90m')).links.rememberMs, 5_400_000);
    assert.equal(configOf(life('30d')).links.rememberMs, 2_592_000_000);
    for (const bad of ['31d', '12', 'h', '-1h', '1.5h', '12s', ' 1h', '1e2h']) {
      assert.match(problemsOf(life(bad))[0] ?? bad, /write 12h, 90m or 0, up to 30d/);
    }
    for (const mode of ['auto', 'on', 'off']) {
      assert.equal(configOf({ SALLYPORT_SSH_LINKS: mode }).links.mode, mode);
    }
    assert.match(problemsOf({ SALLYPORT_SSH_LINKS: 'no' })[0] ?? '', /use auto, on or off/);
  });

  it('logs for people on a terminal, unless told otherwise', () => {
    const onTerminal = readEnvironment({}, { ...DEFAULTS, isTerminal: true });
    assert.ok(onTerminal.kind === 'ok' && onTerminal.config.logFormat === 'pretty');
  });

  it('reports all mistakes at once', () => {
    assert.deepEqual(
      problemsOf({
        SALLYPORT_HOME: '',
        DATABASE_URL: 'mysql://root:hunter2@db/x',
        SALLYPORT_SSH_LISTEN: '2222',
        SALLYPORT_HTTP_LISTEN: '127.0.0.1:99999',
        SALLYPORT_PUBLIC_URL: 'bastion.example',
        SALLYPORT_MASTER_KEY: 'aaaa',
        SALLYPORT_MASTER_KEY_FILE: '/k',
        SALLYPORT_LOG: 'xml',
      }),
      [
        'SALLYPORT_HOME is set but empty (give it a value or unset it)',
        'SALLYPORT_SSH_LISTEN is "2222": not an address and a port (write host:port, such as 127.0.0.1:2222 or [::1]:0)',
        'SALLYPORT_HTTP_LISTEN is "127.0.0.1:99999": the port is above 65535 (write host:port, such as 127.0.0.1:8022 or [::1]:0)',
        'SALLYPORT_PUBLIC_URL is no plain web address (write https://host, without user, query and fragment)',
        'SALLYPORT_LOG is "xml" (use json or pretty)',
        'DATABASE_URL is no PostgreSQL address (write postgres://user:password@host:5432/database, or unset it for the embedded database)',
        'SALLYPORT_MASTER_KEY and SALLYPORT_MASTER_KEY_FILE are both set (keep one of them: two keys leave open which one seals the credentials)',
      ],
    );
  });

  for (const [value, why] of [
    [':2222', 'the address is missing'],
    ['[]:1', 'the address is missing'],
    ['localhost', 'not an address and a port'],
    ['::1:22', 'not an address and a port'],
    ['a:b', 'not an address and a port'],
    ['h:-1', 'not an address and a port'],
    ['h:1:2', 'not an address and a port'],
    ['a b:1', 'the address has characters that none has'],
    ['[g::1]:1', 'the address has characters that none has'],
  ] as const) {
    it(`refuses to listen on ${JSON.stringify(value)}`, () => {
      assert.deepEqual(problemsOf({ SALLYPORT_SSH_LISTEN: value }), [
        `SALLYPORT_SSH_LISTEN is ${JSON.stringify(value)}: ${why} (write host:port, such as 127.0.0.1:2222 or [::1]:0)`,
      ]);
    });
  }

  it('never takes an empty secret for an absent one', () => {
    for (const name of ['SALLYPORT_MASTER_KEY', 'SALLYPORT_MASTER_KEY_FILE', 'DATABASE_URL']) {
      assert.deepEqual(problemsOf({ [name]: ' ' }), [
        `${name} is set but empty (give it a value or unset it)`,
      ]);
    }
  });

  it('refuses a public address with credentials, query or another scheme', () => {
    for (const url of ['https://u:p@h', 'https://h/?a=1', 'https://h/#x', 'ftp://h']) {
      assert.equal(problemsOf({ SALLYPORT_PUBLIC_URL: url }).length, 1, url);
    }
  });

  it('warns about names that it does not know, with the nearest one that it does', () => {
    const outcome = readEnvironment(
      { SALLYPORT_SHS_LISTEN: 'x', SALLYPORT_Q: 'y', SALLYPORT_LOG: 'json' },
      DEFAULTS,
    );
    assert.ok(outcome.kind === 'ok');
    const [unknown = '', ...others] = outcome.warnings;
    assert.match(
      unknown,
      /^SALLYPORT_Q is not a variable that Sallyport reads \(known: SALLYPORT_HOME, .*SALLYPORT_ANCHOR.*\)$/,
    );
    assert.deepEqual(others, [
      'SALLYPORT_SHS_LISTEN is not a variable that Sallyport reads (did you mean SALLYPORT_SSH_LISTEN?)',
    ]);
  });

  it('takes the secret of the client from one place', () => {
    const secret = { SALLYPORT_OIDC_CLIENT_SECRET: 'h1dden' };
    const file = { SALLYPORT_OIDC_CLIENT_SECRET_FILE: 'secret' };
    assert.equal(configOf(secret).secrets.clientSecret, 'h1dden');
    assert.equal(
      configOf(file).clientSecretFile,
      join(DEFAULTS.workingDirectory, file.SALLYPORT_OIDC_CLIENT_SECRET_FILE),
    );
    assert.deepEqual(problemsOf({ ...secret, ...file }), [
      'SALLYPORT_OIDC_CLIENT_SECRET and SALLYPORT_OIDC_CLIENT_SECRET_FILE are both set (keep one of them)',
    ]);
    assert.equal(problemsOf({ SALLYPORT_OIDC_CLIENT_SECRET: '' }).length, 1);
  });

  it('never shows a secret, whichever way the configuration is printed', () => {
    const config = configOf({
      DATABASE_URL: 'postgres://u:hunter2@db/s',
      SALLYPORT_MASTER_KEY: 'k3y',
      SALLYPORT_OIDC_CLIENT_SECRET: 'h1dden',
    });
    const deep = inspect(config, { depth: 9, showHidden: true, getters: false });
    for (const text of [
      JSON.stringify(config),
      deep,
      String(config.secrets),
      inspect({ ...config }),
    ]) {
      assert.doesNotMatch(text, /hunter2|k3y|h1dden/);
    }
  });
});
