/** Under which address browsers find this web server. */
import type { HttpOptions } from './options.ts';

/** The public URL, or the address listened on; no final slash. @param port that is really listened on */
export function ownUrl(
  { listen, publicUrl }: Pick<HttpOptions, 'listen' | 'publicUrl'>,
  port: number,
): string {
  if (publicUrl !== null) return publicUrl.replace(/\/+$/, '');
  const { host } = listen;
  const shown = ['0.0.0.0', '::', '127.0.0.1', '::1'].includes(host) ? 'localhost' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
