/**
 * The operational log: one event per line, JSON or readable. It is for operators; what happened to
 * whom belongs to the journal. Secrets and terminal content never go here.
 */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export type Level = 'info' | 'warn' | 'error';

const SEVERITY: Readonly<Record<Level, number>> = { info: 0, warn: 1, error: 2 };

/**
 * @param write takes one finished line without its line end
 * @param least events below this level are dropped
 */
export function createLogger(
  format: 'json' | 'pretty',
  write: (line: string) => void,
  nowMs: () => number,
  least: Level = 'info',
): Logger {
  const emit = (level: Level, event: string, fields: LogFields = {}): void => {
    if (SEVERITY[level] < SEVERITY[least]) return;
    const at = new Date(nowMs()).toISOString();
    if (format === 'json') return write(JSON.stringify({ at, level, event, ...fields }));
    const rest = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
      .join('');
    write(`${at.slice(11, 23)} ${level.padEnd(5)} ${event}${rest}`);
  };
  return {
    info: (event, fields) => emit('info', event, fields),
    warn: (event, fields) => emit('warn', event, fields),
    error: (event, fields) => emit('error', event, fields),
  };
}

/** A logger that writes nothing. */
export const silentLogger: Logger = { info: () => {}, warn: () => {}, error: () => {} };
