/**
 * PostgreSQL's own parser, built for WebAssembly. It recurses; text that overflows its stack leaves the
 * whole instance broken, so the caller bounds what it gives, and an instance that fails all the same is
 * replaced. Not caught here: what the tree means; and grammar that other versions of the server have.
 */
import createParser from 'libpg-query/wasm/libpg-query.js';

/** The parser's exports that are used, as Emscripten names them. */
interface Instance {
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _wasm_parse_query_raw(text: number): number;
  _wasm_free_parse_result(result: number): void;
  _wasm_parse_plpgsql(text: number): number;
  _wasm_free_string(text: number): void;
  lengthBytesUTF8(text: string): number;
  stringToUTF8(text: string, pointer: number, bytes: number): void;
  UTF8ToString(pointer: number): string;
  getValue(pointer: number, type: 'i32'): number;
}

export type Parsed =
  | { readonly kind: 'tree'; readonly tree: unknown }
  | { readonly kind: 'refused'; readonly why: string }
  /** The parser itself failed: nothing is known about the text. */
  | { readonly kind: 'failed' };

const create = createParser as () => Promise<Instance>;
let instance: Instance | null = await create();
let spare: Instance | null = await create();

/** The tree of one or more statements. */
export function parsePostgres(text: string): Parsed {
  return withText(text, (parser, pointer) => {
    const result = parser._wasm_parse_query_raw(pointer);
    if (result === 0) return { kind: 'failed' };
    // The result is a row of pointers: tree, standard error, error (whose first one is the message).
    const tree = parser.getValue(result, 'i32');
    const error = parser.getValue(result + 8, 'i32');
    const parsed: Parsed =
      error === 0
        ? { kind: 'tree', tree: JSON.parse(parser.UTF8ToString(tree)) as unknown }
        : { kind: 'refused', why: parser.UTF8ToString(parser.getValue(error, 'i32')) };
    parser._wasm_free_parse_result(result);
    return parsed;
  });
}

/** The trees of the PL/pgSQL functions that a statement makes or a `DO` runs. */
export function parseRoutine(text: string): Parsed {
  return withText(text, (parser, pointer) => {
    const result = parser._wasm_parse_plpgsql(pointer);
    const json = parser.UTF8ToString(result);
    parser._wasm_free_string(result);
    return json.startsWith('{')
      ? { kind: 'tree', tree: JSON.parse(json) as unknown }
      : { kind: 'refused', why: json };
  });
}

function withText(text: string, parse: (parser: Instance, pointer: number) => Parsed): Parsed {
  const parser = instance;
  if (parser === null) return { kind: 'failed' };
  try {
    const bytes = parser.lengthBytesUTF8(text) + 1;
    const pointer = parser._malloc(bytes);
    if (pointer === 0) throw new RangeError('no memory');
    parser.stringToUTF8(text, pointer, bytes);
    const parsed = parse(parser, pointer);
    parser._free(pointer);
    return parsed;
  } catch {
    replace();
    return { kind: 'failed' };
  }
}

/** A trap leaves stack and memory as they were in the middle of the work: that instance is done. */
function replace(): void {
  instance = spare;
  spare = null;
  void refill();
}

async function refill(): Promise<void> {
  try {
    const fresh = await create();
    if (instance === null) instance = fresh;
    else spare = fresh;
  } catch {
    // Without a fresh one every text counts as unreadable, which the policy decides.
  }
}
