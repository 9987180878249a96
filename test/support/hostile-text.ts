/** A text for tests of everything that shows foreign text. */

/** Markup, a bidi override, zero width characters and escapes, as a hostile name would hold them. */
export const HOSTILE =
  '<script>alert(1)</script><img src=x onerror=alert(2)>\u202egnp.exe\u2069 a\u200bb\ufeff\x1b[31mred\x07';
