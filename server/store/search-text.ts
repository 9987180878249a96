/**
 * What a session printed, as pieces of plain text that can be found: escape sequences and full-screen
 * programs are left out, a piece never holds output of two commands, and the same recording always gives
 * the same pieces. It reads the recording, so what was masked there isn't here either.
 * Not caught here: text that stands on the screen only because a program put it together cell by cell.
 */
import type { RecordedEvent } from '../asciicast/event.ts';
import { PlainTextStage } from '../asciicast/text.ts';
import { storable } from './storable.ts';

/** A piece is full at this length; one line makes a longer one. */
export const PIECE_CHARACTERS = 1024;
/** A line longer than this is cut, and the parts overlap by the longest text that can be searched for. */
export const LINE_CHARACTERS = 4096;
export const OVERLAP_CHARACTERS = 200;

export interface TextPiece {
  /** From 1 over the whole session. */
  readonly n: number;
  /** When its first line was complete. */
  readonly atUs: number;
  readonly text: string;
}

export class TextPieces {
  readonly #stage: PlainTextStage;
  #pieces: TextPiece[] = [];
  #count = 0;
  #text = '';
  #atUs = 0;

  /** @param cols width of the terminal at the start */
  constructor(cols: number) {
    this.#stage = new PlainTextStage(cols);
  }

  push(event: RecordedEvent): void {
    switch (event.code) {
      case 'o':
        this.#add(event.atUs, this.#stage.push(event.text));
        return;
      case 'r':
        this.#stage.resize(event.cols);
        return;
      case 'm':
        this.#cut();
        return;
      case 'x':
        this.end(event.atUs);
        return;
      case 'b':
    }
  }

  /** Nothing more comes: the last line is complete. */
  end(atUs: number): void {
    this.#add(atUs, this.#stage.flush());
    this.#cut();
  }

  /** The pieces that were completed since the last call. */
  take(): TextPiece[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  #add(atUs: number, lines: string): void {
    if (lines === '') return;
    for (const line of lines.slice(0, -1).split('\n')) {
      if (line === '' && this.#text === '') continue;
      for (const part of partsOf(line)) {
        if (this.#text === '') this.#atUs = atUs;
        this.#text += `${part}\n`;
        if (this.#text.length >= PIECE_CHARACTERS) this.#cut();
      }
    }
  }

  #cut(): void {
    const text = this.#text.trimEnd();
    this.#text = '';
    if (text === '') return;
    this.#count += 1;
    this.#pieces.push({ n: this.#count, atUs: this.#atUs, text: storable(text) });
  }
}

function* partsOf(line: string): Generator<string> {
  for (let at = 0; ; at += LINE_CHARACTERS - OVERLAP_CHARACTERS) {
    yield line.slice(at, at + LINE_CHARACTERS);
    if (at + LINE_CHARACTERS >= line.length) return;
  }
}
