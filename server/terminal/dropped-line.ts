/**
 * Lines that should have gone: one that was refused, and what was typed before a Ctrl-C. Not caught here:
 * what a program keeps that shows an empty line behind its prompt.
 */
import { looksLikeShellPrompt, type Prompts } from './prompt.ts';
import type { Screen } from './screen.ts';
import { uncertainLine, type SubmittedLine } from './submitted-line.ts';

/** So much of what was typed before Ctrl-C is kept. */
const MAX_INTERRUPTED_CHARS = 4096;

/** The line that was refused last, until a key of the next one comes. */
export class RefusedLine {
  #prompt: string | null = null;
  #line = '';

  /** What stood before it; null = no line was refused. */
  get prompt(): string | null {
    return this.#prompt;
  }

  denied(screen: Screen, prompt: string, prompts: Prompts): void {
    const row = screen.logicalLineTo(screen.cursor).trimEnd();
    this.#prompt = prompt;
    // The line stands elsewhere, or isn't shown: behind the next prompt it would look the same.
    this.#line = prompts.isBare(row) ? prompt.trimEnd() : row;
  }

  forget(): void {
    this.#prompt = null;
  }

  /** A program that takes the abort for text still has the line, and the next Enter submits it. */
  isStuck(screen: Screen): boolean {
    if (this.#prompt === null || this.#line === this.#prompt.trimEnd()) return false;
    return screen.logicalLineTo(screen.cursor).startsWith(this.#line);
  }
}

/** What was typed for a line before Ctrl-C came: some programs keep it, and show it or not. */
export class InterruptedLine {
  #text = '';

  interrupted(typed: string): void {
    this.#text = (this.#text + typed).slice(-MAX_INTERRUPTED_CHARS);
  }

  /** An Enter went up. */
  forget(): void {
    this.#text = '';
  }

  /** The line, in doubt where nothing shows that it is a new one. @param prompt what stands before it */
  compared(line: SubmittedLine, prompt: string | null, prompts: Prompts): SubmittedLine {
    if (this.#text.trim() === '' || line.alternate || line.text === null) return line;
    if (prompt !== null && (prompts.isKnown(prompt) || looksLikeShellPrompt(prompt))) return line;
    const kept = line.candidates.map((one) => this.#text + one);
    const why = 'nothing shows that Ctrl-C has emptied the line';
    return uncertainLine({ ...line, candidates: [...line.candidates, ...kept] }, why);
  }
}
