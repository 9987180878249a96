/**
 * E-mail addresses, and passwords inside connection strings: `scheme://user:PASSWORD@host` and
 * `host=… password=PASSWORD`. Not caught here: addresses in another spelling, international local parts,
 * passwords that stand in arguments of their own (`-pPASSWORD`), passwords with an unescaped slash.
 */
import { detectorNumber, type Findings, type Sight } from './detection.ts';

const EMAIL = detectorNumber('email');
const CONNECTION = detectorNumber('connection-string');

const LOCAL = /[\w.%+-]/;
const MAX_LOCAL = 64;
const MAX_DOMAIN = 255;
const DOMAIN = /(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-])/y;
/** How domains end, beside the two letters of a country. */
const ENDINGS = new Set(
  (
    'com net org edu gov mil int arpa info biz name pro mobi jobs coop aero museum travel tel cat asia post app dev ' +
    'page cloud online site website store shop blog tech space live news email mail company group agency solutions ' +
    'systems services network digital media studio design world global international life today tools software ' +
    'academy center community education foundation institute university school health care finance bank money ' +
    'capital ventures partners consulting management marketing technology science club social chat team work zone ' +
    'run host hosting security expert support xyz top icu vip berlin london paris tokyo nyc ' +
    'test example invalid local localdomain internal intranet corp lan home private onion'
  ).split(' '),
);
/** Countries whose letters files end in; then a domain has more than one label before. */
const FILE_ENDING = /^[^.]+\.(?:py|sh|pl|rs|md|so|ps|js|ts|gz|cc|mk|la|in|st|ml)$/;

function isDomain(domain: string): boolean {
  const ending = domain.slice(domain.lastIndexOf('.') + 1);
  if (ending !== ending.toLowerCase() && ending !== ending.toUpperCase()) return false;
  if (ending.length > 2) return ENDINGS.has(ending.toLowerCase());
  return !FILE_ENDING.test(domain) || domain.indexOf('.') > 3;
}

export function findEmails({ text }: Sight, { found }: Findings): void {
  for (let at = text.indexOf('@', 1); at !== -1; at = text.indexOf('@', at + 1)) {
    let start = at;
    while (start > 0 && at - start < MAX_LOCAL && LOCAL.test(text[start - 1] ?? '')) start -= 1;
    while (start < at && /[.%+-]/.test(text[start] ?? '')) start += 1;
    if (start === at || text[at - 1] === '.') continue;
    DOMAIN.lastIndex = at + 1;
    const domain = DOMAIN.exec(text)?.[0];
    if (domain === undefined || !isDomain(domain)) continue;
    found.push({ start, end: at + 1 + domain.length, detector: EMAIL });
  }
}

export function pendingEmails({ text }: Sight, { pending }: Findings): void {
  let at = text.length;
  const low = Math.max(0, at - MAX_DOMAIN);
  while (at > low && /[A-Za-z0-9.-]/.test(text[at - 1] ?? '')) at -= 1;
  const hasDomain = text[at - 1] === '@';
  let start = hasDomain ? at - 1 : text.length;
  const end = start;
  while (start > 0 && end - start < MAX_LOCAL && LOCAL.test(text[start - 1] ?? '')) start -= 1;
  if (start === end) return;
  const dot = hasDomain ? text.indexOf('.', at + 1) : -1;
  pending.push({ start, sureFrom: dot === -1 ? text.length : dot + 1, detector: EMAIL });
}

const MAX_USER = 128;
const MAX_PASSWORD = 256;
/** Behind `scheme` of `scheme://user:password@host`. */
const CREDENTIALS = new RegExp(
  `://(?!\\[)([^\\s:/?#@"'\`<>|]{0,${MAX_USER}}):([^\\s/"'\`<>|]{1,${MAX_PASSWORD}})@[\\w\\[.%$-]`,
  'y',
);
/** A variable or a blank to fill in. */
const NO_PASSWORD =
  /^(?:\$\{[^}]*\}|\$\{?|(?:None|null|nil|undefined|true|false)[,)]*|\$[A-Z_][A-Z0-9_]*|%[sv]|\*+|\{\{?[^}]*\}?\}|\.\.\.)$/;
const SETTING = /(?:password|pwd)[ \t]{0,2}=[ \t]{0,2}([^\s;"'&]{1,256})/iy;
/** What stands beside the password in a connection string, and not in other settings. */
const BESIDE_FORM =
  '(?<![\\w-])(?:host|hostaddr|server|data source|user id|uid|dbname|initial catalog|database|addr)\\s?=';
const BESIDE = new RegExp(BESIDE_FORM, 'i');
const BESIDE_ANYWHERE = new RegExp(BESIDE_FORM, 'gi');
const MAX_BESIDE = 200;

export function findConnections(sight: Sight, { found }: Findings): void {
  const { text } = sight;
  for (let at = text.indexOf('://'); at !== -1; at = text.indexOf('://', at + 3)) {
    if (!/[A-Za-z0-9]/.test(text[at - 1] ?? (sight.isCut ? 'x' : ''))) continue;
    CREDENTIALS.lastIndex = at;
    const match = CREDENTIALS.exec(text);
    const [, user = '', password = ''] = match ?? [];
    if (match === null || NO_PASSWORD.test(password)) continue;
    const start = at + 4 + user.length;
    found.push({ start, end: start + password.length, detector: CONNECTION });
  }
}

/** Where the other settings of connections stand in a text; looked for once, when somebody asks. */
export class Beside {
  readonly #text: string;
  #places: readonly number[] | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether one stands between these places. */
  has(from: number, to: number): boolean {
    this.#places ??= Array.from(this.#text.matchAll(BESIDE_ANYWHERE), ({ index }) => index);
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[middle] ?? 0) < from) low = middle + 1;
      else high = middle;
    }
    return (this.#places[low] ?? Infinity) < to;
  }
}

/** `password=…` beside other settings of a connection; the anchor is a part of the name. */
export function findSettingAt(
  { text }: Sight,
  anchor: string,
  at: number,
  beside: Beside,
  findings: Findings,
): void {
  SETTING.lastIndex = anchor.endsWith('=') ? at : at - 1;
  const value = SETTING.exec(text)?.[1];
  if (value === undefined || NO_PASSWORD.test(value)) return;
  const end = SETTING.lastIndex;
  const low = Math.max(0, at - MAX_BESIDE);
  const from = low + text.slice(low, at).lastIndexOf('\n') + 1;
  const behind = text.slice(end, end + MAX_BESIDE).indexOf('\n');
  const to = end + (behind === -1 ? MAX_BESIDE : behind);
  if (!beside.has(from, to)) return;
  findings.found.push({ start: end - value.length, end, detector: CONNECTION });
}

export function pendingConnections({ text }: Sight, { pending }: Findings): void {
  const tail = text.slice(-(MAX_USER + MAX_PASSWORD + 16));
  const url = /[A-Za-z0-9]:\/\/(?!\[)[^\s:/?#@"'`<>|]{0,128}:([^\s/"'`<>|]{1,256})$/.exec(
    tail,
  )?.[1];
  if (url !== undefined) {
    const start = text.length - url.length;
    // As long as it may be a port, it is shown.
    const port = /^\d{0,5}/.exec(url)?.[0].length ?? 0;
    // Behind the at sign the host has begun.
    const isFound = /@[\w[.%$-]/.test(url);
    const sureFrom = isFound ? text.length : Math.min(text.length, start + port);
    pending.push({ start, sureFrom, detector: CONNECTION });
  }
  const setting =
    /(?:password|pwd)[ \t]{0,2}=[ \t]{0,2}([^\s;"'&]{1,256})([\s;&"'][^\n]{0,200})?$/i.exec(tail);
  if (setting === null) return;
  const [, value = '', behind = ''] = setting;
  const line =
    text
      .slice(-(MAX_BESIDE + MAX_PASSWORD))
      .split('\n')
      .at(-1) ?? '';
  const isSure = BESIDE.test(line);
  // What says that it is a connection string may still come behind it.
  if (isSure && behind !== '') return;
  const start = text.length - behind.length - value.length;
  pending.push({ start, sureFrom: isSure ? start : text.length, detector: CONNECTION });
}
