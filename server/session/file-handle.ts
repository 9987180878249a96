/**
 * A file that a client has open on the target: what goes through it, and what is said of it at its end.
 * Not caught here: what other programs do to the file meanwhile.
 */
import { fileText, type FileOperation, quoted } from '../policy/file-operation.ts';
import { ContentDigest, type ContentSummary, type ReorderBudget } from './content-digest.ts';
import type { Direction, Kept, KeptFile } from './kept-file.ts';
import type { FileResult } from './ports.ts';

/** Settings of attributes that are named for one open file. */
const MAX_CHANGES = 16;

export interface FileEnd {
  /** For the recording. */
  readonly line: string;
  /** For the journal; null = nothing. */
  readonly result: FileResult | null;
}

/** Contents of one direction that are kept. */
type KeptContents = Kept & { readonly direction: Direction };

export class FileHandle {
  readonly operation: FileOperation;
  /** Of the row; null = it has none. */
  readonly seq: number | null;
  readonly openedUs: number;
  /** Somebody has approved what is done through it. */
  readonly isApproved: boolean;
  readonly #budget: ReorderBudget;
  readonly #keep: ((direction: Direction) => KeptFile) | null;
  readonly #kept = new Map<Direction, KeptFile>();
  readonly #isAppending: boolean;
  /** The file was empty, or new, when it was opened. */
  readonly #beginsEmpty: boolean;
  #read: ContentDigest | null = null;
  #written: ContentDigest | null = null;
  /** Where the next appended piece is by the client's own count. */
  #end: number | null = null;
  #hasEnded = false;
  #entries = 0;
  /** Something was refused by the target, or done to the file beside what was written. */
  #isWhole = true;
  /** The last size that the client has set; null = none. */
  #size: number | null = null;
  readonly #changes: string[] = [];
  /** Settles when the operations on this handle that are being decided are decided; null = none is. */
  deciding: Promise<unknown> | null = null;
  /** The client has asked to close it. */
  isClosing = false;

  constructor(opened: {
    readonly operation: FileOperation;
    readonly seq: number | null;
    readonly openedUs: number;
    readonly isAppending: boolean;
    readonly beginsEmpty: boolean;
    readonly isApproved: boolean;
    readonly budget: ReorderBudget;
    /** Contents are kept as well; null = they aren't. */
    readonly keep: ((direction: Direction) => KeptFile) | null;
  }) {
    this.operation = opened.operation;
    this.seq = opened.seq;
    this.openedUs = opened.openedUs;
    this.#isAppending = opened.isAppending;
    this.#beginsEmpty = opened.beginsEmpty;
    this.isApproved = opened.isApproved;
    this.#budget = opened.budget;
    this.#keep = opened.keep;
    if (opened.beginsEmpty) this.#written = this.#digest('written');
  }

  get path(): string {
    return this.operation.places[0]?.path ?? '';
  }

  get isDirectory(): boolean {
    return this.operation.verb === 'list';
  }

  get isForReading(): boolean {
    return this.operation.verb === 'read' || this.operation.verb === 'update';
  }

  get isForWriting(): boolean {
    return this.operation.verb === 'write' || this.operation.verb === 'update';
  }

  /** The client asks for what is there. */
  asksFor(offset: number): void {
    this.#read ??= this.#digest('read');
    this.#read.expect(offset);
  }

  reads(offset: number, data: Buffer): void {
    this.#read ??= this.#digest('read');
    this.#read.push(offset, data);
  }

  /** The target says that nothing is there any more. */
  endsAt(offset: number): void {
    if (this.#read?.next === offset) this.#hasEnded = true;
  }

  /** What was read may be all of the file, but the target hasn't said so. */
  get lacksSize(): boolean {
    return this.#read !== null && this.#read.next !== null && !this.#hasEnded;
  }

  hasSize(size: number | null): void {
    if (this.#read?.next === size) this.#hasEnded = true;
  }

  /** The piece goes up; the target writes in the order of the requests. */
  writes(offset: number, data: Buffer): void {
    this.#written ??= this.#digest('written');
    // Where it really goes is the end of the file, in the order of arrival.
    this.#end ??= offset;
    this.#written.push(this.#isAppending ? this.#end : offset, data);
    this.#end += data.length;
  }

  /** The target has not written it, or not only that. */
  spoils(): void {
    this.#isWhole = false;
    this.#written ??= this.#digest('written');
    this.#written.spoil();
  }

  /** Its attributes are set through it; `size` null = that one isn't. */
  changes(text: string, size: number | null): void {
    if (size !== null) this.#size = size;
    if (this.#changes.length < MAX_CHANGES) this.#changes.push(text);
  }

  lists(entries: number): void {
    this.#entries += entries;
  }

  #digest(direction: Direction): ContentDigest {
    const changes = direction === 'written';
    if (this.#keep === null) return new ContentDigest(changes, this.#budget);
    const kept = this.#keep(direction);
    this.#kept.set(direction, kept);
    return new ContentDigest(changes, this.#budget, (piece) => kept.add(piece));
  }

  /** Whether there are contents to store before it can be said what became of it. */
  get isKept(): boolean {
    return this.#kept.size > 0;
  }

  /** Stores what is left of the contents. */
  async kept(): Promise<readonly KeptContents[]> {
    const ends = [...this.#kept].map(async ([direction, file]) => ({
      direction,
      ...(await file.end()),
    }));
    return (await Promise.all(ends)).filter(({ parts }) => parts > 0);
  }

  /**
   * What is said of it. Call once, at its end.
   * @param status what the target said to the closing; null = it wasn't closed
   */
  end(status: number | null, kept: readonly KeptContents[] = []): FileEnd {
    const failure = status === null ? ', not closed' : `, closing failed with status ${status}`;
    const ending = status === 0 ? '' : failure;
    if (this.isDirectory) {
      const names = `${this.#entries} names`;
      return { line: `list ${quoted(this.path)}: ${names}${ending}`, result: null };
    }
    const { read, written } = this.#summaries();
    const parts: string[] = [];
    if (read !== null) parts.push(`read ${sentence(read)}`);
    if (written !== null) parts.push(`wrote ${sentence(written)}`);
    const what = parts.join('; ') || 'nothing went through';
    const line = `${fileText(this.operation)}: ${what}${ending}`;
    const result = this.#result(status, read, written);
    if (kept.length === 0) return { line, result };
    return { line, result: { ...result, data: { ...result.data, kept } } };
  }

  #result(status: number | null, read: Content | null, written: Content | null): FileResult {
    const { spelt = null } = this.operation.places[0] ?? {};
    const data = { path: this.path, ...(spelt !== null && { spelt }), status };
    if (!this.isForWriting) return { type: 'file.read', data: { ...data, ...(read ?? NOTHING) } };
    return {
      type: 'file.written',
      data: {
        ...data,
        ...(this.#isAppending && { appended: true }),
        ...(written ?? NOTHING),
        ...(read !== null && { read: { ...read } }),
        ...(this.#changes.length > 0 && { changed: this.#changes }),
      },
    };
  }

  #summaries(): { readonly read: Content | null; readonly written: Content | null } {
    const read = this.#read?.summary() ?? null;
    const written = this.#written?.summary() ?? null;
    return {
      read: read && content(read, this.#hasEnded),
      written:
        written &&
        content(
          written,
          this.#isWhole &&
            !this.#isAppending &&
            (this.#size === null ? this.#beginsEmpty : this.#size === written.to),
        ),
    };
  }
}

/** Contents that went through in one direction. */
type Content = {
  readonly bytes: number;
  readonly sha256: string | null;
  readonly from: number;
  readonly to: number;
  /** The hash is that of the whole file. */
  readonly complete: boolean;
};

const NOTHING: Content = { bytes: 0, sha256: null, from: 0, to: 0, complete: false };

function content({ bytes, sha256, from, to, isOnePiece }: ContentSummary, ends: boolean): Content {
  const complete = sha256 !== null && isOnePiece && from === 0 && ends;
  return { bytes, sha256, from, to, complete };
}

function sentence({ bytes, sha256, from, to, complete }: Content): string {
  const hash = sha256 === null ? 'no hash' : `sha256 ${sha256}`;
  return `${bytes} bytes, ${hash}${complete || sha256 === null ? '' : ` of bytes ${from} to ${to}`}`;
}
