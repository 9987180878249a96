/** Places that the journal is copied to, entry by entry. Each takes entries in order, or rejects. */
import { createSocket } from 'node:dgram';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { connect as secureConnect } from 'node:tls';
import type { JournalEntry } from '../journal/event.ts';

/** Where the journal is copied to beside the database. */
export type JournalCopyPlace =
  /** Lines of JSON are appended. @param path absolute */
  | { readonly kind: 'file'; readonly path: string }
  /** RFC 5424: by datagrams (RFC 5426), or a stream with counted messages (RFC 6587), also by TLS (RFC 5425). */
  | {
      readonly kind: 'syslog';
      readonly transport: 'udp' | 'tcp' | 'tls';
      readonly host: string;
      readonly port: number;
    };

export interface JournalCopySink {
  /** For people; names the copy's place in the journal too. */
  readonly place: string;
  put(entries: readonly JournalEntry[]): Promise<void>;
}

/** A receiver that takes longer has failed. */
const TIMEOUT_MS = 10_000;
/** Facility 13, log audit; severity 6, informational, or 4, warning. */
const INFORMATIONAL = 13 * 8 + 6;
const WARNING = 13 * 8 + 4;
/** Every receiver takes datagrams of this size over networks of today; longer entries leave their data out. */
const MAX_DATAGRAM_BYTES = 8_000;
const MAX_NAME_CHARACTERS = 255;
const NEWLINE = 0x0a;

export function journalCopySink(place: JournalCopyPlace): JournalCopySink {
  return place.kind === 'file' ? fileSink(place.path) : syslogSink(place);
}

/** Durable when it resolves. A line that a crash has cut in the middle stays a line of its own. */
function fileSink(path: string): JournalCopySink {
  const { O_APPEND, O_CREAT, O_DSYNC, O_RDWR } = constants;
  return {
    place: `file:${path}`,
    put: async (entries) => {
      const file = await open(path, O_RDWR | O_APPEND | O_CREAT | O_DSYNC, 0o600);
      try {
        const { size } = await file.stat();
        const last = Buffer.alloc(1);
        if (size > 0) await file.read(last, 0, 1, size - 1);
        const start = size > 0 && last[0] !== NEWLINE ? '\n' : '';
        await file.writeFile(start + entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
      } finally {
        await file.close();
      }
    },
  };
}

/** One entry as RFC 5424 has it. The message is ASCII, so that it needs no mark of its encoding. */
export function syslogMessage(entry: JournalEntry, host: string, maxBytes = Infinity): Buffer {
  const severity = /failed|refused|denied|gap/.test(entry.type) ? WARNING : INFORMATIONAL;
  const header = `<${severity}>1 ${entry.at} ${nameOf(host)} sallyport - ${nameOf(entry.type)} -`;
  const whole = Buffer.from(`${header} ${asciiJson(entry)}`);
  if (whole.length <= maxBytes) return whole;
  return Buffer.from(`${header} ${asciiJson({ ...entry, data: { leftOut: whole.length } })}`);
}

function nameOf(text: string): string {
  const name = text.replace(/[^!-~]/g, '').slice(0, MAX_NAME_CHARACTERS);
  return name === '' ? '-' : name;
}

function asciiJson(entry: JournalEntry): string {
  return JSON.stringify(entry).replace(
    /[^ -~]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

type SyslogPlace = Extract<JournalCopyPlace, { kind: 'syslog' }>;

function syslogSink(place: SyslogPlace): JournalCopySink {
  const { host, port, transport } = place;
  return {
    place: `syslog:${transport}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    put: (entries) =>
      transport === 'udp' ? sendDatagrams(place, entries) : sendStream(place, entries),
  };
}

/** Nobody says whether a datagram has arrived. */
async function sendDatagrams(
  { host, port }: SyslogPlace,
  entries: readonly JournalEntry[],
): Promise<void> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    for (const entry of entries) {
      const message = syslogMessage(entry, hostname(), MAX_DATAGRAM_BYTES);
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.send(message, port, host, (error) => (error === null ? resolve() : reject(error)));
      });
    }
  } finally {
    socket.close();
  }
}

/** Resolves when the receiver has confirmed the end of the connection, so that it has got all of it. */
function sendStream(
  { host, port, transport }: SyslogPlace,
  entries: readonly JournalEntry[],
): Promise<void> {
  const framed = entries.map((entry) => {
    const message = syslogMessage(entry, hostname());
    return Buffer.concat([Buffer.from(`${message.length} `), message]);
  });
  return new Promise((resolve, reject) => {
    const socket: Socket =
      transport === 'tls'
        ? secureConnect({ host, port, servername: host })
        : connect({ host, port });
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('the receiver takes too long')));
    socket.on('error', reject);
    socket.on('close', (isBroken) => {
      if (isBroken) reject(new Error('the connection broke'));
      else resolve();
    });
    // What a receiver says is of no interest, but the end of it is.
    socket.resume();
    socket.end(Buffer.concat(framed));
  });
}
