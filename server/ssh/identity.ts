/** The name under which the program speaks SSH. */
import { createRequire } from 'node:module';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

/** Software version of RFC 4253 section 4.2: `Sallyport_0.1.0`. */
export function identity(): string {
  return `Sallyport_${version}`;
}
