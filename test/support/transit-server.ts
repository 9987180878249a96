/**
 * A stand-in for the transit engine of HashiCorp Vault and OpenBao. No such server could be had for the
 * tests, so this one is written after their API documentation and gives answers of the documented form
 * (request_id, lease_id, data, warnings, auth; errors). What it can't show is that a real server answers so.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface TransitServer extends AsyncDisposable {
  readonly address: string;
  /** `METHOD path` of what was asked. */
  readonly asked: string[];
  /** Bodies and headers of the same. */
  readonly requests: { readonly headers: IncomingMessage['headers']; readonly body: string }[];
  /** The only token that may do anything. */
  token: string;
  /** As `vault write transit/keys/KEY/config min_decryption_version=N` sets it. */
  leastVersion: number;
  /** Whether the token may look at the key. */
  mayLook: boolean;
  /** Answers this instead of what is right, while set; `hang` = nothing. */
  trouble: { readonly status: number; readonly body: string } | 'hang' | null;
  /** `vault write -f transit/keys/KEY/rotate` */
  rotate(): void;
}

export interface TransitServerOptions {
  readonly mount?: string;
  readonly key?: string;
  readonly namespace?: string;
  /** Created with `derived=true`: the context goes into the key. */
  readonly isDerived?: boolean;
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer };
}

interface Answer {
  readonly status: number;
  readonly body: object | null;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What it answers when the service of the token says so; seconds. */
const LEASE_SECONDS = 3600;

export async function startTransitServer(
  options: TransitServerOptions = {},
): Promise<TransitServer> {
  const { isDerived = false, key = 'sallyport', mount = 'transit', namespace, tls } = options;
  const versions: Buffer[] = [randomBytes(32)];
  const keyFor = (version: number, context: string): Buffer => {
    const base = versions[version - 1] ?? Buffer.alloc(0);
    return isDerived ? Buffer.from(hkdfSync('sha256', base, '', context, 32)) : base;
  };
  const encrypt = (plain: Buffer, context: string): string => {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', keyFor(versions.length, context), nonce);
    const sealed = Buffer.concat([
      nonce,
      cipher.update(plain),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return `vault:v${versions.length}:${sealed.toString('base64')}`;
  };
  const decrypt = (ciphertext: string, context: string): Buffer | string => {
    const [, number, text] = /^vault:v(\d+):(.*)$/.exec(ciphertext) ?? [];
    if (number === undefined || text === undefined) return 'invalid ciphertext: no prefix';
    const version = Number(number);
    if (version > versions.length) return 'invalid ciphertext: version is too new';
    if (version < server.leastVersion) {
      return 'ciphertext or signature version is disallowed by policy (too old)';
    }
    const sealed = Buffer.from(text, 'base64');
    const decipher = createDecipheriv(
      'aes-256-gcm',
      keyFor(version, context),
      sealed.subarray(0, NONCE_BYTES),
    );
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      const first = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([first, decipher.final()]);
    } catch {
      return 'cipher: message authentication failed';
    }
  };
  const answer = (
    method: string,
    path: string,
    headers: IncomingMessage['headers'],
    body: Record<string, unknown>,
  ): Answer => {
    if (headers['x-vault-token'] !== server.token || headers['x-vault-namespace'] !== namespace) {
      return failure(403, 'permission denied');
    }
    if (method === 'POST' && path === 'auth/token/renew-self') {
      const auth = { client_token: server.token, lease_duration: LEASE_SECONDS, renewable: true };
      return { status: 200, body: { ...ENVELOPE, request_id: randomUUID(), data: null, auth } };
    }
    const [prefix, what = '', kind = ''] = [mount, ...path.slice(mount.length + 1).split('/')];
    if (!path.startsWith(`${prefix}/`)) return failure(404, `no handler for route "${path}"`);
    if (method === 'GET' && what === 'keys') {
      if (!server.mayLook) return failure(403, '1 error occurred:\n\t* permission denied\n\n');
      if (kind !== key) return { status: 404, body: { errors: [] } };
      const facts = {
        latest_version: versions.length,
        min_decryption_version: server.leastVersion,
      };
      return success({ name: key, type: 'aes256-gcm96', derived: isDerived, ...facts });
    }
    if (!path.endsWith(`/${key}`)) return failure(400, 'encryption key not found');
    const context = typeof body['context'] === 'string' ? body['context'] : '';
    if (isDerived && context === '') return failure(400, "missing 'context' for key derivation");
    if (what === 'datakey' && kind === 'plaintext') {
      const plain = randomBytes(Number(body['bits'] ?? 256) / 8);
      // In the order in which the real one writes them: alphabetically.
      const ciphertext = encrypt(plain, context);
      return success({
        ciphertext,
        key_version: versions.length,
        plaintext: plain.toString('base64'),
      });
    }
    const plain = decrypt(String(body['ciphertext']), context);
    if (typeof plain === 'string') return failure(400, plain);
    if (what === 'decrypt') return success({ plaintext: plain.toString('base64') });
    if (what === 'rewrap') {
      return success({ ciphertext: encrypt(plain, context), key_version: versions.length });
    }
    return failure(404, 'no handler for route');
  };
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const path = (request.url ?? '').replace(/^\/v1\//, '');
      server.asked.push(`${request.method} ${path}`);
      server.requests.push({ headers: request.headers, body: text });
      if (server.trouble === 'hang') return;
      if (server.trouble !== null) {
        response.writeHead(server.trouble.status).end(server.trouble.body);
        return;
      }
      const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
      const given = answer(request.method ?? '', path, request.headers, body);
      response.writeHead(given.status, { 'content-type': 'application/json' });
      response.end(given.body === null ? '' : `${JSON.stringify(given.body)}\n`);
    });
  };
  const http = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const server: TransitServer = {
    address: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    asked: [],
    requests: [],
    token: 'hvs.CAESIJlbWFpbmVk',
    leastVersion: 1,
    mayLook: true,
    trouble: null,
    rotate: () => void versions.push(randomBytes(32)),
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}

/** What surrounds every answer. */
const ENVELOPE = {
  lease_id: '',
  renewable: false,
  lease_duration: 0,
  wrap_info: null,
  warnings: null,
  auth: null,
};

function success(data: object): Answer {
  return { status: 200, body: { request_id: randomUUID(), ...ENVELOPE, data } };
}

function failure(status: number, error: string): Answer {
  return { status, body: { errors: [error] } };
}
