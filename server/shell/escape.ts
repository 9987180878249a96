/**
 * Backslash escapes of `$'…'` and `${x@E}` (bash manual, 3.1.2.4), and those that `echo -e` and `printf`
 * share with them. Not caught here: bytes that are no character by themselves.
 */

const NAMED: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
};

/** `\x72`, `\u0072`, `\162`, `\n`: what the shell makes of them. */
export function unescapeAnsi(text: string): string {
  return text.replace(
    /\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[0-7]{1,4}|c[^]|[abeEfnrtv\\'"?])/g,
    (_, code: string) => {
      const kind = code[0] ?? '';
      // `echo` and `printf %b` write a zero before the digits.
      if (/[0-7]/.test(kind)) return octal(code);
      if (kind === 'c') return String.fromCharCode((code.charCodeAt(1) & 0x5f) ^ 0x40);
      return plainEscape(code);
    },
  );
}

/** @param code what follows the backslash: hexadecimal digits behind `x`, `u` or `U`, or a letter's name */
export function plainEscape(code: string): string {
  const kind = code[0] ?? '';
  if (kind !== 'x' && kind !== 'u' && kind !== 'U') return NAMED[kind] ?? '';
  const point = Number.parseInt(code.slice(1), 16);
  return point <= 0x10ffff ? String.fromCodePoint(point) : '';
}

function octal(digits: string): string {
  if (digits.length < 4 || digits.startsWith('0')) {
    return String.fromCharCode(Number.parseInt(digits, 8) & 0xff);
  }
  return String.fromCharCode(Number.parseInt(digits.slice(0, 3), 8) & 0xff) + digits.slice(3);
}
