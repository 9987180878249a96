/**
 * The text of a PDF that Chromium printed, page by page, in the order in which it was drawn and without
 * blanks and ligatures. Not read: other programs' files (compressed object streams, encryption), and text that is a picture.
 */
import { inflateSync } from 'node:zlib';

const MAX_FORM_DEPTH = 8;

interface PdfObject {
  /** What stands before a stream, or all of it. */
  readonly head: string;
  readonly stream: Buffer | null;
}

export function pdfPages(pdf: Buffer): string[] {
  const objects = readObjects(pdf);
  return [...objects.values()]
    .filter(({ head }) => /\/Type\s*\/Page\b/.test(head))
    .map((page) => {
      const contents = /\/Contents\s+(?:\[([^\]]*)\]|(\d+ \d+ R))/.exec(page.head);
      const streams = referencesIn(contents?.[1] ?? contents?.[2] ?? '');
      return streams.map((id) => drawn(objects, objects.get(id), page, 0)).join('');
    });
}

function readObjects(pdf: Buffer): Map<string, PdfObject> {
  const text = pdf.toString('latin1');
  const objects = new Map<string, PdfObject>();
  for (const found of text.matchAll(/^(\d+) \d+ obj\b/gm)) {
    const from = found.index + found[0].length;
    const end = text.indexOf('endobj', from);
    const at = text.indexOf('stream', from);
    const isStream = at > 0 && at < end;
    const head = text.slice(from, isStream ? at : end);
    objects.set(found[1] ?? '', { head, stream: isStream ? streamAt(pdf, text, at, head) : null });
  }
  return objects;
}

function streamAt(pdf: Buffer, text: string, at: number, head: string): Buffer {
  const from = at + 'stream'.length + (text[at + 'stream'.length] === '\r' ? 2 : 1);
  const length = Number(/\/Length\s+(\d+)/.exec(head)?.[1] ?? Number.NaN);
  if (!Number.isInteger(length)) throw new Error(`a stream without a length: ${head}`);
  const bytes = pdf.subarray(from, from + length);
  return head.includes('/FlateDecode') ? inflateSync(bytes) : bytes;
}

function referencesIn(text: string): string[] {
  return Array.from(text.matchAll(/(\d+) \d+ R/g), ([, id = '']) => id);
}

/** What one content stream draws, forms included. @param owner has the names that it uses */
function drawn(
  objects: ReadonlyMap<string, PdfObject>,
  content: PdfObject | undefined,
  owner: PdfObject,
  depth: number,
): string {
  if (content?.stream == null || depth > MAX_FORM_DEPTH) return '';
  const resources = resourcesOf(objects, owner);
  let glyphs = new Map<string, string>();
  let text = '';
  const tokens =
    /\/(\S+)\s+[-.\d]+\s+Tf|\/(\S+)\s+Do|<([0-9A-Fa-f\s]*)>\s*Tj|\[((?:<[0-9A-Fa-f\s]*>|[-.\d\s])*)\]\s*TJ/g;
  for (const [, font, form, one, several] of content.stream.toString('latin1').matchAll(tokens)) {
    if (font !== undefined) glyphs = glyphsOf(objects, resources.get(font));
    else if (form !== undefined) {
      const inner = objects.get(resources.get(form) ?? '');
      if (inner?.head.includes('/Form') === true) {
        text += drawn(objects, inner, inner, depth + 1);
      }
    } else {
      for (const [, hex = ''] of `<${one ?? ''}>${several ?? ''}`.matchAll(/<([^>]*)>/g)) {
        for (const [code] of hex.replace(/\s/g, '').matchAll(/.{4}/g)) {
          text += glyphs.get(code.toUpperCase()) ?? '';
        }
      }
    }
  }
  return text.normalize('NFKC').replace(/\s/gu, '');
}

/** Numbers of objects by name, of fonts and forms alike. */
function resourcesOf(
  objects: ReadonlyMap<string, PdfObject>,
  { head }: PdfObject,
): ReadonlyMap<string, string> {
  const shared = /\/Resources\s+(\d+) \d+ R/.exec(head)?.[1];
  const text = shared === undefined ? head : (objects.get(shared)?.head ?? '');
  return new Map(
    Array.from(text.matchAll(/\/(\w+)\s+(\d+) \d+ R/g), ([, name = '', id = '']) => [name, id]),
  );
}

function glyphsOf(
  objects: ReadonlyMap<string, PdfObject>,
  font: string | undefined,
): Map<string, string> {
  const id = /\/ToUnicode\s+(\d+) \d+ R/.exec(objects.get(font ?? '')?.head ?? '')?.[1];
  const map = objects.get(id ?? '')?.stream?.toString('latin1') ?? '';
  const glyphs = new Map<string, string>();
  for (const [, block = ''] of map.matchAll(/beginbfchar([^]*?)endbfchar/g)) {
    for (const [, code = '', to = ''] of block.matchAll(/<(\w+)>\s*<(\w+)>/g)) {
      glyphs.set(code.toUpperCase(), utf16(to));
    }
  }
  for (const [, block = ''] of map.matchAll(/beginbfrange([^]*?)endbfrange/g)) {
    for (const [, a = '', b = '', to = ''] of block.matchAll(/<(\w+)>\s*<(\w+)>\s*<(\w+)>/g)) {
      const [from, last, first] = [a, b, to].map((hex) => Number.parseInt(hex, 16));
      if (from === undefined || last === undefined || first === undefined) continue;
      for (let code = from; code <= last; code++) {
        const name = code.toString(16).toUpperCase().padStart(4, '0');
        glyphs.set(name, String.fromCodePoint(first + code - from));
      }
    }
  }
  return glyphs;
}

function utf16(hex: string): string {
  return Array.from(hex.matchAll(/.{4}/g), ([unit]) =>
    String.fromCharCode(Number.parseInt(unit, 16)),
  ).join('');
}
