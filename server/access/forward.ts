/**
 * Where forwards may lead, as grants write it. Not caught here: what a name resolves to; the target does
 * that, and a name that its owner points elsewhere leads elsewhere.
 */

/** What a grant may name beside `HOST:PORT`. */
export const FORWARD_KINDS = ['agent', 'x11'] as const;
export type ForwardKind = (typeof FORWARD_KINDS)[number];

/** `db1:5432`, `[2001:db8::1]:22`, `*.db.example:5432`, `web1:*`, `unix:/run/app.sock`, `listen:127.0.0.1:8080`. */
const PLACE =
  /^(?:listen:)?(?:\[[0-9A-Fa-f:.]+\]|\*|(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}))?:(?:\*|[0-9]{1,5})$|^unix:\/[^\0]{1,107}$/;

/** Whether a text is something that `forward:` may say. */
export function isForward(text: string): boolean {
  if ((FORWARD_KINDS as readonly string[]).includes(text)) return true;
  if (!PLACE.test(text)) return false;
  const port = text.startsWith('unix:') ? '1' : (text.split(':').at(-1) ?? '');
  return port === '*' || (Number(port) >= 0 && Number(port) <= 65_535);
}
