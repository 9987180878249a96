/** An SFTP session between a client and a file server in memory. */
import { authorise, GRANT_DEFAULTS, type FileAccess } from '../../server/access/grant.ts';
import type { FileKeeper, InputUnit, OutputUnit } from '../../server/session/ports.ts';
import { Session } from '../../server/session/session.ts';
import { compilePolicy } from '../../server/policy/document.ts';
import { Framer } from '../../server/sftp/framer.ts';
import { readReply, type Reply } from '../../server/sftp/reply.ts';
import { packetOf, type Field } from '../../server/sftp/wire.ts';
import { FileServer } from './file-server.ts';
import { decided, until } from './running-session.ts';
import { FakeEnd, fakeWorld, principal, type FakeWorld } from './session-fakes.ts';

/** What the client of a test asks, by the numbers of the draft. */
export const TYPES = {
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  extended: 200,
} as const;

export const POLICY = {
  default: 'allow',
  uncertain: 'hold',
  rules: [
    { name: 'data', action: 'deny', match: { path: '/data/**' }, reason: 'precious' },
    { name: 'ask', action: 'hold', match: { path: '/ask/**' } },
  ],
};

export class FileSession {
  readonly world: FakeWorld;
  readonly client = new FakeEnd<InputUnit, OutputUnit>();
  readonly server: FileServer;
  readonly session: Session;
  readonly over: Promise<void>;
  readonly #framer = new Framer();
  readonly #replies: Reply[] = [];
  #read = 0;
  #nextId = 100;

  constructor(
    options: {
      readonly files?: FileAccess;
      readonly policy?: object;
      /** Keeps contents by this. */
      readonly keeper?: FileKeeper;
    } = {},
  ) {
    this.world = fakeWorld();
    this.server = new FileServer(this.world.upstream);
    const compiled = compilePolicy('default', options.policy ?? POLICY);
    if (compiled.kind !== 'ok') throw new Error(JSON.stringify(compiled.problems));
    const { policy } = compiled;
    const dependencies = {
      ...this.world.dependencies,
      policies: { byName: () => Promise.resolve({ version: 1, policy }) },
      ...(options.keeper && { files: options.keeper }),
    };
    const rule = {
      id: 'g',
      principals: ['bot'],
      targets: ['web1'],
      logins: ['deploy'],
      channels: ['sftp'],
      policy: 'default',
      ...GRANT_DEFAULTS,
      files: options.files ?? 'full',
      keepFiles: options.keeper !== undefined,
    } as const;
    const target = {
      name: 'web1',
      host: '192.0.2.1',
      port: 22,
      hostKey: 'ssh-ed25519 AAAA',
      labels: {},
      shellIntegration: 'off',
      logins: [{ name: 'deploy', credential: 'c' }],
    } as const;
    const outcome = authorise(principal, target, 'deploy', 'sftp', [rule]);
    if (outcome.kind !== 'granted') throw new Error('the fixture grants it');
    const { world } = this;
    this.session = new Session(dependencies, {
      grant: outcome.grant,
      source: '192.0.2.9:1',
      via: 'direct',
      attributed: { run: null, task: null, attribution: null },
      request: { kind: 'subsystem', command: Buffer.from('sftp'), pty: null, env: [] },
      end: this.client,
      dialer: { dial: (grant, one) => world.dial(grant, one), release: () => {}, close: () => {} },
      onOver: () => {},
    });
    this.over = this.session.run();
    this.send(packetOf(1, { u32: 3 }));
  }

  send(bytes: Buffer): void {
    this.client.send({ kind: 'data', bytes });
  }

  /** Sends a request. @returns its id */
  ask(kind: keyof typeof TYPES, ...fields: readonly Field[]): number {
    this.#nextId += 1;
    this.send(packetOf(TYPES[kind], { u32: this.#nextId }, ...fields));
    return this.#nextId;
  }

  /** The answer to a request. */
  async answer(id: number): Promise<Reply> {
    await until(() => this.replies().some((reply) => 'id' in reply && reply.id === id));
    const found = this.replies().find((reply) => 'id' in reply && reply.id === id);
    if (found === undefined) throw new Error('it was there');
    return found;
  }

  /** As `ask` and `answer`, with the status as a number, and the kind of anything else. */
  async tried(kind: keyof typeof TYPES, ...fields: readonly Field[]): Promise<number | string> {
    const reply = await this.answer(this.ask(kind, ...fields));
    return reply.kind === 'status' ? reply.code : reply.kind;
  }

  /** Opens a file. @param flags as the draft's: 1 = read, 0x1a = write, create, truncate */
  async open(path: string, flags: number): Promise<string> {
    const reply = await this.answer(this.ask('open', path, { u32: flags }, { u32: 0 }));
    if (reply.kind !== 'handle') throw new Error(JSON.stringify(reply));
    return reply.handle;
  }

  /** All that the client got so far. */
  replies(): readonly Reply[] {
    const units = this.client.written;
    for (; this.#read < units.length; this.#read++) {
      const unit = units[this.#read];
      if (unit?.kind !== 'data' || unit.stream !== 'stdout') continue;
      const framed = this.#framer.push(Buffer.from(unit.bytes));
      if (framed.kind === 'broken') throw new Error(framed.why);
      this.#replies.push(...framed.packets.map(readReply));
    }
    return this.#replies;
  }

  /** The client sends no more. */
  async end(): Promise<void> {
    this.client.send({ kind: 'eof' });
    await this.over;
  }

  /** `verdict rule text` of each row. */
  rows(): string[] {
    return decided(this.world).map(
      ({ text, decision: { verdict, rule } }) => `${verdict} ${rule ?? '-'} ${text}`,
    );
  }

  /** What the journal gets of the operations. */
  results(): Record<string, unknown>[] {
    return this.world.steps.flatMap((step) =>
      step.step === 'ended' && step.file !== undefined
        ? [{ type: step.file.type, ...step.file.data }]
        : [],
    );
  }

  /** What the recording shows. */
  lines(): string[] {
    return this.world.steps.flatMap((step) =>
      step.step === 'event' && step.event.code === 'o' ? [step.event.text.trimEnd()] : [],
    );
  }

  /** Writes a new file; throws where something isn't done. */
  async upload(path: string, contents: string): Promise<void> {
    const handle = await this.open(path, 0x1a);
    const written = await this.tried('write', handle, { u64: 0 }, contents);
    const closed = await this.tried('close', handle);
    if (written !== 0 || closed !== 0) throw new Error(`${written} ${closed}`);
  }
}
