/** The PostgreSQL server that Sallyport runs itself. */
import type { Logger } from '../log.ts';

export interface RunningPostgres {
  readonly socketDirectory: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Version of the server, such as `15.20`. */
  readonly version: string;
  /** Whether it was running already: it survived a crash of the process that started it. */
  readonly adopted: boolean;
  /** Fast shutdown; a server that another live process supervises is left alone. */
  stop(): Promise<void>;
}
export function startPostgres(options: {
  directory: string;
  logger: Logger;
}): Promise<RunningPostgres> {
  return Promise.reject(new Error(options.directory));
}
