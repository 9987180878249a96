import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { MAX_CHANNELS, WINDOW_BYTES } from '../../server/ssh/engine/limits.ts';
import { MESSAGE } from '../../server/ssh/engine/wire.ts';
import { connectClient } from './support/raw-peer.ts';
import { startWorld } from './support/world.ts';

const SIZE = [100, 30, 640, 480] as const;

describe('a client of the gateway', () => {
  it('gets its exec string to the session byte by byte, NUL and 0xff included', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const id = await peer.openSession();
    const command = Buffer.from([0, 0xff, 0xfe, 0x41, 0xc3, 0x28, 0x0a, 0]);
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', true, command);
    const { request } = await world.opened();
    assert.equal(request.kind, 'exec');
    assert.deepEqual(request.command, command);
    await peer.expect(MESSAGE.CHANNEL_SUCCESS);
  });

  it('may send an exec string of one megabyte', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const id = await peer.openSession();
    const command = Buffer.alloc(1024 * 1024, 'x');
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', true, command);
    const { request } = await world.opened();
    assert.ok(request.command?.equals(command));
  });

  it('is cut off when a packet is larger than that', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const id = await peer.openSession();
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', true, Buffer.alloc(1024 * 1024 + 8192));
    await peer.over;
    assert.match(world.ended[0] ?? '', /Bad packet length/);
  });

  it('has its terminal handed on with the modes exactly as sent', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const id = await peer.openSession();
    const modes = Buffer.from([3, 0, 0, 0, 127, 42, 0, 0, 0, 1, 200, 1, 2, 3, 4, 0]);
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'pty-req', true, 'xterm-256color', ...SIZE, modes);
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'window-change', false, 120, 40, 1, 2);
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'shell', true);
    const { request } = await world.opened();
    assert.deepEqual(request, {
      kind: 'shell',
      command: null,
      pty: {
        term: 'xterm-256color',
        size: { cols: 120, rows: 40, widthPx: 1, heightPx: 2 },
        modes,
      },
      env: [],
    });
  });

  it('has variables dropped that are not UTF-8, and those beyond the bounds', async () => {
    await using world = await startWorld({ maxEnv: 3 });
    const peer = await connectClient(world.address, world.client);
    const id = await peer.openSession();
    const send = (name: string, value: string | Buffer): void =>
      peer.send(MESSAGE.CHANNEL_REQUEST, id, 'env', false, name, value);
    send('LANG', 'de_DE.UTF-8');
    send('BROKEN', Buffer.from([0x41, 0xff]));
    send('A=B', 'x');
    send('NULL', Buffer.from('a\0b'));
    send('LC_ALL', 'C');
    send('THIRD', '3');
    send('FOURTH', '4');
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'shell', false);
    const { request } = await world.opened();
    assert.deepEqual(
      request.env.map(({ name, value }) => `${name}=${value}`),
      ['LANG=de_DE.UTF-8', 'LC_ALL=C', 'THIRD=3'],
    );
  });

  it('has data, resizes, signals, eof and close read in the order of its packets', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const id = await peer.openSession();
    peer.send(MESSAGE.CHANNEL_DATA, id, 'early ');
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', true, 'cat');
    peer.send(MESSAGE.CHANNEL_DATA, id, 'one');
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'window-change', false, ...SIZE);
    peer.send(MESSAGE.CHANNEL_DATA, id, 'two');
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'signal', false, 'BUS');
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'signal', false, '\u001b[2J');
    peer.send(MESSAGE.CHANNEL_EOF, id);
    peer.send(MESSAGE.CHANNEL_DATA, id, 'after the end');
    peer.send(MESSAGE.CHANNEL_CLOSE, id);
    const { end } = await world.opened();
    const seen: string[] = [];
    for (;;) {
      const unit = await end.read();
      seen.push(unit.kind === 'data' ? unit.bytes.toString() : describeUnit(unit));
      if (unit.kind === 'close') break;
    }
    assert.deepEqual(seen, [
      'early one',
      'resize 100x30',
      'two',
      'signal BUS',
      'signal UNKNOWN',
      'eof',
      'close',
    ]);
    assert.deepEqual(await end.read(), { kind: 'close' }, 'close is read again and again');
    await end.write({ kind: 'close' });
    await peer.expect(MESSAGE.CHANNEL_CLOSE);
  });

  it('has the exit status after it closed, as sshd does it, and nothing else', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const id = await peer.openSession();
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', true, 'true');
    peer.send(MESSAGE.CHANNEL_CLOSE, id);
    const { end } = await world.opened();
    while ((await end.read()).kind !== 'close');
    await end.write({ kind: 'data', stream: 'stdout', bytes: Buffer.from('too late') });
    await end.write({ kind: 'exit', status: 4 });
    await end.write({ kind: 'close' });
    await peer.expect(MESSAGE.CHANNEL_SUCCESS);
    await peer.expect(MESSAGE.CHANNEL_REQUEST);
    await peer.expect(MESSAGE.CHANNEL_CLOSE);
  });

  it('receives stdout, stderr, exit, eof and close in the order of the calls', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const id = await peer.openSession();
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', false, 'x');
    const { end } = await world.opened();
    void end.write({ kind: 'data', stream: 'stdout', bytes: Buffer.from('a') });
    void end.write({ kind: 'data', stream: 'stderr', bytes: Buffer.from('b') });
    void end.write({ kind: 'eof' });
    void end.write({ kind: 'data', stream: 'stdout', bytes: Buffer.from('dropped') });
    void end.write({ kind: 'exit-signal', name: 'BUS', coreDumped: true, message: 'm' });
    void end.write({ kind: 'exit', status: 0xffffffff });
    void end.write({ kind: 'close' });
    void end.write({ kind: 'exit', status: 1 });
    const seen: number[] = [];
    for (;;) {
      const { type, reader } = await peer.next();
      seen.push(type);
      if (type === MESSAGE.CHANNEL_REQUEST && seen.length === 4) {
        reader.uint32();
        assert.equal(reader.name(), 'exit-signal');
        reader.boolean();
        assert.equal(reader.name(), 'BUS');
      }
      if (type === MESSAGE.CHANNEL_CLOSE) break;
    }
    assert.deepEqual(seen, [
      MESSAGE.CHANNEL_DATA,
      MESSAGE.CHANNEL_EXTENDED_DATA,
      MESSAGE.CHANNEL_EOF,
      MESSAGE.CHANNEL_REQUEST,
      MESSAGE.CHANNEL_REQUEST,
      MESSAGE.CHANNEL_CLOSE,
    ]);
  });

  it('never gets more than its window and its packet size allow', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const id = await peer.openSession(1000, 300);
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', false, 'x');
    const { end } = await world.opened();
    void end.write({ kind: 'data', stream: 'stdout', bytes: Buffer.alloc(700, 'o') });
    void end.write({ kind: 'data', stream: 'stderr', bytes: Buffer.alloc(700, 'e') });
    void end.write({ kind: 'eof' });
    const sizes: number[] = [];
    const take = async (): Promise<void> => {
      const { type, reader } = await peer.expect(
        MESSAGE.CHANNEL_DATA,
        MESSAGE.CHANNEL_EXTENDED_DATA,
      );
      reader.uint32();
      if (type === MESSAGE.CHANNEL_EXTENDED_DATA) reader.uint32();
      sizes.push((type === MESSAGE.CHANNEL_DATA ? 1 : -1) * reader.string().length);
    };
    for (let count = 0; count < 4; count += 1) await take();
    assert.deepEqual(sizes, [300, 300, 100, -300]);
    peer.send(MESSAGE.CHANNEL_WINDOW_ADJUST, 0, 50);
    await take();
    peer.send(MESSAGE.CHANNEL_WINDOW_ADJUST, 0, 1000);
    await take();
    await take();
    assert.deepEqual(sizes.slice(4), [-50, -300, -50]);
    assert.equal((await peer.next()).type, MESSAGE.CHANNEL_EOF);
  });

  for (const [what, act] of [
    [
      'asks for packets of no bytes',
      (send: Send) => send(MESSAGE.CHANNEL_OPEN, 'session', 1, 1000, 0),
    ],
    [
      'sends more than the window',
      (send: Send, id: number) => {
        for (let sent = 0; sent <= WINDOW_BYTES; sent += 32_768) {
          send(MESSAGE.CHANNEL_DATA, id, Buffer.alloc(32_768));
        }
      },
    ],
    [
      'opens our window beyond 32 bits',
      (send: Send, id: number) => {
        send(MESSAGE.CHANNEL_WINDOW_ADJUST, id, 0xffffffff);
      },
    ],
    ['sends a cut packet', (send: Send) => send(MESSAGE.CHANNEL_OPEN, 'session')],
    ['confirms a channel that nobody opened', (send: Send) => send(91, 7, 7, 1000, 1000)],
  ] as const) {
    it(`is cut off when it ${what}`, async () => {
      await using world = await startWorld();
      const peer = await connectClient(world.address, world.client);
      const id = await peer.openSession();
      peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', false, 'x');
      const { end } = await world.opened();
      act((type, ...fields) => peer.send(type, ...fields), id);
      await peer.over;
      for (;;) if ((await end.read()).kind === 'close') break;
      assert.equal(world.ended.length, 1);
    });
  }

  it(`may open ${MAX_CHANNELS} channels and no more`, async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    for (let sent = 0; sent < 100; sent += 1) {
      peer.send(MESSAGE.CHANNEL_OPEN, 'session', sent, 1000, 1000);
    }
    const types: number[] = [];
    for (let seen = 0; seen < 100; seen += 1) types.push((await peer.next()).type);
    const opened = types.filter((type) => type === MESSAGE.CHANNEL_OPEN_CONFIRMATION);
    assert.equal(opened.length, MAX_CHANNELS);
    assert.equal(types.length - opened.length, 100 - MAX_CHANNELS);
  });

  it('gets a free channel for each one that it closes', async () => {
    await using world = await startWorld({ maxChannels: 2 });
    const peer = await connectClient(world.address, world.client);
    for (let round = 0; round < 10; round += 1) {
      const id = await peer.openSession();
      peer.send(MESSAGE.CHANNEL_CLOSE, id);
      await peer.expect(MESSAGE.CHANNEL_CLOSE);
    }
  });

  it('opens no session after it asked for no more', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    peer.send(MESSAGE.GLOBAL_REQUEST, 'no-more-sessions@openssh.com', true);
    await peer.expect(MESSAGE.REQUEST_SUCCESS);
    peer.send(MESSAGE.CHANNEL_OPEN, 'session', 0, 1000, 1000);
    await peer.expect(MESSAGE.CHANNEL_OPEN_FAILURE);
  });

  it('is refused every forward, agent and unknown request, and stays connected', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const id = await peer.openSession();
    const types = ['direct-tcpip', 'x11', 'auth-agent@openssh.com', 'nonsense'];
    for (const type of [...types, 'direct-streamlocal@openssh.com']) {
      peer.send(MESSAGE.CHANNEL_OPEN, type, 5, 1000, 1000, 'web1', 80, '127.0.0.1', 1);
      const { reader } = await peer.expect(MESSAGE.CHANNEL_OPEN_FAILURE);
      assert.equal(reader.uint32(), 5, type);
    }
    for (const type of ['tcpip-forward', 'streamlocal-forward@openssh.com', 'nonsense']) {
      peer.send(MESSAGE.GLOBAL_REQUEST, type, true);
      await peer.expect(MESSAGE.REQUEST_FAILURE);
    }
    for (const type of ['x11-req', 'auth-agent-req@openssh.com', 'break', 'nonsense']) {
      peer.send(MESSAGE.CHANNEL_REQUEST, id, type, true);
      await peer.expect(MESSAGE.CHANNEL_FAILURE);
    }
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', true, 'true');
    await peer.expect(MESSAGE.CHANNEL_SUCCESS);
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', true, 'second start');
    await peer.expect(MESSAGE.CHANNEL_FAILURE);
  });

  it('is told about unknown messages and pinged back', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    peer.send(MESSAGE.PING, 'abc');
    const { reader } = await peer.expect(MESSAGE.PONG);
    assert.equal(reader.name(), 'abc');
    // The transport of the test itself swallows UNIMPLEMENTED; that the connection lives is what counts.
    peer.transport.send(Buffer.of(111));
    await peer.openSession();
  });

  it('stops being read while the session leaves its data unread', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const id = await peer.openSession();
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', false, 'x');
    const { end } = await world.opened();
    // Alternating units can't be gathered, so their number is what must be bounded.
    for (let sent = 0; sent < 100_000; sent += 1) {
      peer.send(MESSAGE.CHANNEL_DATA, id, 'x');
      peer.send(MESSAGE.CHANNEL_REQUEST, id, 'window-change', false, sent, 1, 1, 1);
    }
    peer.send(MESSAGE.CHANNEL_CLOSE, id);
    await pause(500);
    assert.ok(peer.socket.writableLength > 0, 'the gateway stopped reading');
    let units = 0;
    for (;;) {
      const unit = await end.read();
      if (unit.kind === 'close') break;
      if (unit.kind === 'resize') assert.equal(unit.size.cols * 2, units - 1, 'in order');
      units += 1;
    }
    assert.equal(units, 200_000);
  });

  it('cannot make a flood of one-byte packets cost more than the window', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const id = await peer.openSession();
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', false, 'x');
    const { end } = await world.opened();
    const total = 50_000;
    for (let sent = 0; sent < total; sent += 1) {
      peer.send(MESSAGE.CHANNEL_DATA, id, Buffer.of(sent & 0xff));
    }
    peer.send(MESSAGE.CHANNEL_EOF, id);
    peer.send(MESSAGE.CHANNEL_REQUEST, id, 'nonsense', true);
    await peer.expect(MESSAGE.CHANNEL_FAILURE);
    let units = 0;
    const parts: Buffer[] = [];
    for (;;) {
      const unit = await end.read();
      if (unit.kind !== 'data') break;
      units += 1;
      parts.push(unit.bytes);
    }
    const expected = Buffer.from(Array.from({ length: total }, (_, at) => at & 0xff));
    assert.ok(Buffer.concat(parts).equals(expected));
    assert.ok(units < 100, `gathered in ${units} units`);
  });

  it('that reads none of our answers is not read either', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    peer.socket.pause();
    for (let sent = 0; sent < 400_000; sent += 1) {
      peer.send(MESSAGE.GLOBAL_REQUEST, 'keepalive@openssh.com', true);
    }
    await pause(1500);
    assert.ok(peer.socket.writableLength > 0, 'the gateway stopped reading');
    peer.socket.destroy();
  });

  it('sees its sessions closed and the handler told once when it vanishes', async () => {
    await using world = await startWorld();
    const peer = await connectClient(world.address, world.client);
    const ids = [await peer.openSession(), await peer.openSession()];
    for (const id of ids) peer.send(MESSAGE.CHANNEL_REQUEST, id, 'exec', false, 'x');
    const ends = [await world.opened(), await world.opened()];
    const writing = ends[0]?.end.write({
      kind: 'data',
      stream: 'stdout',
      bytes: Buffer.alloc(8 * 1024 * 1024),
    });
    peer.socket.destroy();
    for (const { end } of ends) assert.equal((await end.read()).kind, 'close');
    await writing;
    assert.deepEqual(
      world.calls.filter((call) => call === 'ended'),
      ['ended'],
    );
  });
});

type Send = (type: number, ...fields: (string | number | boolean | Buffer)[]) => void;

function describeUnit(unit: { readonly kind: string }): string {
  if (unit.kind === 'resize') {
    const { size } = unit as { size: { cols: number; rows: number } } & typeof unit;
    return `resize ${size.cols}x${size.rows}`;
  }
  return unit.kind === 'signal'
    ? `signal ${(unit as { name: string } & typeof unit).name}`
    : unit.kind;
}
