import assert from 'node:assert/strict';
import { MAX_SHOWN_CHARACTERS, visibleParts, visibleText } from '../../web/parts/visible.tsx';

describe('visible text', () => {
  const CASES: readonly [what: string, text: string, shown: string][] = [
    ['plain text', 'rm -rf /srv/größe 漢字', 'rm -rf /srv/größe 漢字'],
    ['markup', '<script>&amp;"', '<script>&amp;"'],
    ['an escape sequence', '\x1b[31mred\x07', '^[[31mred^G'],
    ['C1 controls and DEL', '\x9b31m\x7f', '⟨U+009B⟩31m^?'],
    ['line ends and tabs', 'a\r\nb\tc', 'a^M⏎\nb⇥c'],
    ['bidi overrides', 'a\u202egnp\u2069\u061c', 'a⟨U+202E⟩gnp⟨U+2069⟩⟨U+061C⟩'],
    [
      'zero width characters',
      'a\u200b\u200d\u2060\ufeff\u00adb',
      'a⟨U+200B⟩⟨U+200D⟩⟨U+2060⟩⟨U+FEFF⟩⟨U+00AD⟩b',
    ],
    ['spaces that are no space', 'a\u00a0b\u3000c', 'a⟨U+00A0⟩b⟨U+3000⟩c'],
    ['line separators', 'a\u2028b\u2029c\u0085d', 'a⟨U+2028⟩b⟨U+2029⟩c⟨U+0085⟩d'],
    ['invisible tags', 'a\u{e0041}b', 'a⟨U+E0041⟩b'],
    ['invisible letters', 'a\u3164b\u115fc\u2800d', 'a⟨U+3164⟩b⟨U+115F⟩c⟨U+2800⟩d'],
    ['half a surrogate pair', 'a\ud800b', 'a⟨U+D800⟩b'],
    ['NUL', 'a\0b', 'a^@b'],
    ['nothing', '', ''],
  ];
  for (const [what, text, shown] of CASES) {
    it(`writes out ${what}`, () => {
      assert.equal(visibleText(text), shown);
    });
  }

  it('keeps written out characters apart from text that looks the same', () => {
    assert.deepEqual(visibleParts('⟨U+202E⟩\u202e'), [
      { kind: 'text', text: '⟨U+202E⟩' },
      { kind: 'control', text: '⟨U+202E⟩' },
    ]);
  });

  it('joins neighbours, so that a flood of controls stays one part', () => {
    assert.equal(visibleParts('\u200b'.repeat(1000)).length, 1);
  });

  it('cuts what is huge, never through a character', () => {
    const text = `${'x'.repeat(MAX_SHOWN_CHARACTERS - 1)}😀${'y'.repeat(100_000)}`;
    const shown = visibleText(text);
    assert.equal(shown, `${'x'.repeat(MAX_SHOWN_CHARACTERS - 1)}…`);
  });
});
