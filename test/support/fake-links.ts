/** In-memory stand-ins for what signs ssh clients and machines in. */
import type {
  ClientSignIns,
  DeviceOutcome,
  DeviceView,
  LinkView,
  OwnKeyView,
} from '../../server/http/link-ports.ts';

export const FINGERPRINT = 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU';
const OTHER_FINGERPRINT = 'SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg';
export const LINK_TOKEN = 'link-token';
export const LINK_CODE = 'BCDF-GHJK';
const MAX_ATTEMPTS = 5;

export const waitingLink: LinkView = {
  id: '0197a000-0000-7000-8000-00000000abcd',
  source: '203.0.113.7:51514',
  target: 'web-01',
  login: 'deploy',
  keys: [
    {
      algorithm: 'ssh-ed25519',
      fingerprint: FINGERPRINT,
      standing: { kind: 'unknown' },
      isProven: true,
    },
    {
      algorithm: 'ssh-rsa',
      fingerprint: OTHER_FINGERPRINT,
      standing: { kind: 'expired', at: '2025-12-31T20:00:00.000Z' },
      isProven: true,
    },
  ],
  expiresAt: '2026-01-01T10:09:00.000Z',
  attemptsLeft: MAX_ATTEMPTS,
};

export const ownKey: OwnKeyView = {
  id: '0197a000-0000-7000-8000-00000000beef',
  principal: 'uma',
  algorithm: 'ssh-ed25519',
  fingerprint: FINGERPRINT,
  comment: '',
  origin: 'link',
  registeredFrom: '203.0.113.7:51514',
  createdAt: '2026-01-01T10:00:00.000Z',
  expiresAt: '2026-01-01T22:00:00.000Z',
};

export class FakeClientSignIns implements ClientSignIns {
  rememberMs = 12 * 3_600_000;
  link: LinkView | null = waitingLink;
  device: { code: string; view: DeviceView } | null = null;
  /** What the next machine that asks is told. */
  outcome: DeviceOutcome = { kind: 'pending' };
  own: OwnKeyView[] = [ownKey, { ...ownKey, id: 'configured', origin: 'configuration' }];
  /** `NAME confirmed FINGERPRINT LIFE`, `NAME refused`, `NAME allowed`, in order. */
  readonly decided: string[] = [];
  signed = (): boolean => true;

  readonly links: ClientSignIns['links'] = {
    waiting: async (token) => (token === LINK_TOKEN ? this.link : null),
    confirm: async (token, by) => {
      const { link } = this;
      if (token !== LINK_TOKEN || link === null) return { kind: 'gone' };
      const attemptsLeft = link.attemptsLeft - 1;
      if (by.code !== LINK_CODE) {
        this.link = attemptsLeft === 0 ? null : { ...link, attemptsLeft };
        return { kind: 'wrong-code', attemptsLeft };
      }
      this.link = null;
      const { fingerprint, lifeMs } = by.remember ?? { fingerprint: 'nothing', lifeMs: 0 };
      this.decided.push(`${by.principal.name} confirmed ${fingerprint} ${lifeMs}`);
      return { kind: 'confirmed' };
    },
    refuse: async (token, { principal }) => {
      const isThere = token === LINK_TOKEN && this.link !== null;
      this.link = null;
      if (isThere) this.decided.push(`${principal.name} refused`);
      return isThere;
    },
  };

  readonly devices: ClientSignIns['devices'] = {
    open: async ({ key, source }) => {
      const shown =
        key === null
          ? null
          : { algorithm: key.algorithm, fingerprint: key.fingerprint, standing: UNKNOWN };
      const view = { source, key: shown, expiresAt: '2026-01-01T10:14:00.000Z' };
      this.device = { code: LINK_CODE, view };
      return { deviceCode: 'device', userCode: LINK_CODE, lifeMs: 600_000, intervalMs: 5_000 };
    },
    waiting: async (code) =>
      this.device !== null && this.device.code === code ? this.device.view : null,
    decide: async (code, isAllowed, { principal }) => {
      if (this.device?.code !== code) return false;
      this.device = null;
      this.decided.push(`${principal.name} ${isAllowed ? 'allowed' : 'refused'}`);
      return true;
    },
    redeem: async () => this.outcome,
  };

  readonly keys: ClientSignIns['keys'] = {
    list: async (principal) =>
      this.own.filter((one) => principal === null || one.principal === principal),
    revoke: async (id, owner) => {
      const key = this.own.find((one) => one.id === id || one.fingerprint === id);
      if (key === undefined || (owner !== null && key.principal !== owner)) {
        return { kind: 'unknown' };
      }
      if (key.origin === 'configuration') return { kind: 'configured' };
      this.own = this.own.filter((one) => one !== key);
      return { kind: 'revoked', key };
    },
  };
}

const UNKNOWN = { kind: 'unknown' } as const;
