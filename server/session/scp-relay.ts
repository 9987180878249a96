/**
 * scp's old protocol between its two ends: every line is read before the other end gets it, and each file
 * and directory waits for its decision. One line is on its way at a time, whatever an end sends ahead. Not
 * caught here: whether the target stores, or has, what it says.
 */
import { hasText, MAX_LINE_BYTES, problemLine, readAnswer, readControl } from '../scp/control.ts';
import type { ByteStream } from './byte-stream.ts';

/** Directories inside each other; more fit in no path. */
const MAX_DEPTH = 512;
const MAX_PIECE_BYTES = 64 * 1024;

export interface ScpEnd {
  readonly stream: ByteStream;
  /** Resolves when there is room for more. */
  send(bytes: Buffer): Promise<void>;
}

/** A file whose bytes are on their way. */
export interface ScpFile {
  /** Resolves when more may come. */
  push(bytes: Buffer): Promise<void>;
  /** @param isComplete all bytes went through, and both ends say that it worked */
  end(isComplete: boolean): Promise<void>;
}

export type ScpEntry =
  | { readonly kind: 'released'; readonly file: ScpFile | null }
  /** In words for the client. */
  | { readonly kind: 'refused'; readonly why: string };

export interface ScpFiles {
  /** @param names of the directories around it and its own, outermost first */
  enter(kind: 'file' | 'directory', names: readonly string[]): Promise<ScpEntry>;
  /** An end says that something went wrong. */
  problem(by: 'source' | 'sink', text: string): Promise<void>;
}

export type RelayEnd =
  /** The source has no more, or an end has gone. */
  | { readonly kind: 'ended' }
  /** That end doesn't keep to the protocol. */
  | { readonly kind: 'broken'; readonly by: 'source' | 'sink'; readonly why: string };

const ENDED: RelayEnd = { kind: 'ended' };
type Answered = 'go' | 'problem' | RelayEnd;

export class ScpRelay {
  readonly #source: ScpEnd;
  readonly #sink: ScpEnd;
  readonly #files: ScpFiles;
  readonly #isRecursive: boolean;
  readonly #client: 'source' | 'sink';
  readonly #directories: string[] = [];

  constructor(ends: {
    readonly source: ScpEnd;
    readonly sink: ScpEnd;
    readonly files: ScpFiles;
    /** Whether directories were asked for. */
    readonly isRecursive: boolean;
    /** Which of the ends is the client's. */
    readonly client: 'source' | 'sink';
  }) {
    this.#source = ends.source;
    this.#sink = ends.sink;
    this.#files = ends.files;
    this.#isRecursive = ends.isRecursive;
    this.#client = ends.client;
  }

  /** Moves everything until the source has no more or an end has gone or is broken. */
  async run(): Promise<RelayEnd> {
    const ready = await this.#answer();
    if (typeof ready === 'object') return ready;
    for (;;) {
      const line = await this.#source.stream.line(MAX_LINE_BYTES);
      if (line.kind === 'end') return ENDED;
      if (line.kind === 'too-long') return brokenSource('a line is too long');
      const end = await this.#take(line.bytes);
      if (end !== null) return end;
    }
  }

  async #take(line: Buffer): Promise<RelayEnd | null> {
    const control = readControl(line);
    switch (control.kind) {
      case 'malformed':
        return brokenSource(control.why);
      case 'problem':
        // No answer follows: it is only told.
        await this.#files.problem('source', control.text);
        await this.#sink.send(withEnd(line));
        return null;
      case 'times':
        return endOf(await this.#ask(line));
      case 'leave':
        if (this.#directories.pop() === undefined) return brokenSource('it leaves no directory');
        return endOf(await this.#ask(line));
      case 'directory':
        return this.#directory(line, control.name);
      case 'file':
        return this.#file(line, control.name, control.sizeBytes);
    }
  }

  async #directory(line: Buffer, name: string): Promise<RelayEnd | null> {
    if (!this.#isRecursive) return brokenSource('it sends a directory that nobody asked for');
    if (this.#directories.length >= MAX_DEPTH) return brokenSource('directories are too deep');
    const entry = await this.#files.enter('directory', [...this.#directories, name]);
    if (entry.kind === 'refused') return this.#refuse(entry.why);
    const answer = await this.#ask(line);
    if (answer === 'go') this.#directories.push(name);
    await entry.file?.end(answer === 'go');
    return endOf(answer);
  }

  async #file(line: Buffer, name: string, sizeBytes: number): Promise<RelayEnd | null> {
    const entry = await this.#files.enter('file', [...this.#directories, name]);
    if (entry.kind === 'refused') return this.#refuse(entry.why);
    let isComplete = false;
    try {
      const answer = await this.#ask(line);
      if (answer !== 'go') return endOf(answer);
      let left = sizeBytes;
      while (left > 0) {
        const bytes = await this.#source.stream.take(Math.min(left, MAX_PIECE_BYTES));
        if (bytes === null) return ENDED;
        left -= bytes.length;
        await entry.file?.push(bytes);
        await this.#sink.send(bytes);
      }
      const read = await this.#pass('source', this.#source, this.#sink);
      if (typeof read === 'object') return read;
      const written = await this.#answer();
      isComplete = read === 'go' && written === 'go';
      return endOf(written);
    } finally {
      await entry.file?.end(isComplete);
    }
  }

  /** The source goes on with the next one; a sink gets a line in its place. The target needs no reasons. */
  async #refuse(why: string): Promise<null> {
    if (this.#client === 'source') await this.#source.send(problemLine(why));
    else {
      await this.#source.send(problemLine('Permission denied'));
      await this.#sink.send(problemLine(why));
    }
    return null;
  }

  async #ask(line: Buffer): Promise<Answered> {
    await this.#sink.send(withEnd(line));
    return this.#answer();
  }

  #answer(): Promise<Answered> {
    return this.#pass('sink', this.#sink, this.#source);
  }

  /** An answer, or the status at the end of a file: they have the same form. */
  async #pass(by: 'source' | 'sink', from: ScpEnd, to: ScpEnd): Promise<Answered> {
    const head = await from.stream.take(1);
    if (head === null) return ENDED;
    const first = head[0] ?? 0;
    let text: Buffer = Buffer.alloc(0);
    if (hasText(first)) {
      const line = await from.stream.line(MAX_LINE_BYTES);
      if (line.kind === 'too-long') return { kind: 'broken', by, why: 'a message is too long' };
      text = line.kind === 'line' ? line.bytes : line.rest;
    }
    const answer = readAnswer(first, text);
    if (answer.kind === 'go') {
      await to.send(head);
      return 'go';
    }
    await this.#files.problem(by, answer.text);
    await to.send(withEnd(Buffer.concat([head, text])));
    return 'problem';
  }
}

function brokenSource(why: string): RelayEnd {
  return { kind: 'broken', by: 'source', why };
}

function endOf(answer: Answered): RelayEnd | null {
  return typeof answer === 'object' ? answer : null;
}

function withEnd(line: Buffer): Buffer {
  return Buffer.concat([line, Buffer.from('\n')]);
}
