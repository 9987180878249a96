/** Where the journal is copied to beside the database. Not caught here: whether a place takes anything. */
import { isAbsolute } from 'node:path';
import { readAddress } from './address.ts';

export interface JournalPlaces {
  /** Lines of JSON are appended; null = to no file. */
  readonly file: string | null;
  readonly syslog: {
    readonly transport: 'udp' | 'tcp' | 'tls';
    readonly host: string;
    readonly port: number;
  } | null;
}

export const JOURNAL_NAMES = ['SALLYPORT_JOURNAL_FILE', 'SALLYPORT_JOURNAL_SYSLOG'] as const;
export type JournalName = (typeof JOURNAL_NAMES)[number];

const SYSLOG = /^(udp|tcp|tls):\/\/([^/?#]+)\/?$/;

/** @param complain notes a mistake; gives null */
export function readJournalPlaces(
  given: (name: JournalName) => string | null,
  complain: (name: JournalName, message: string, hint: string) => null,
): JournalPlaces {
  const file = given('SALLYPORT_JOURNAL_FILE');
  if (file !== null && !isAbsolute(file)) {
    complain(
      'SALLYPORT_JOURNAL_FILE',
      'is no absolute path',
      'write /var/log/sallyport/journal.jsonl',
    );
  }
  const syslog = given('SALLYPORT_JOURNAL_SYSLOG');
  if (syslog === null) return { file, syslog: null };
  const [, transport = '', place = ''] = SYSLOG.exec(syslog) ?? [];
  const read = readAddress(place, '127.0.0.1:514');
  if (transport === '' || read.kind === 'malformed' || read.address.port === 0) {
    complain(
      'SALLYPORT_JOURNAL_SYSLOG',
      'is no place of a syslog',
      'write udp://HOST:514, tcp://HOST:601 or tls://HOST:6514',
    );
    return { file, syslog: null };
  }
  return { file, syslog: { transport: transport as 'udp' | 'tcp' | 'tls', ...read.address } };
}
