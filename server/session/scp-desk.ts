/** Decides the files and directories of one transfer by scp, and tells the record what came of each. */
import { createHash, type Hash } from 'node:crypto';
import {
  fileText,
  refusedFiles,
  type FileOperation,
  type FilePlace,
  type FileVerb,
} from '../policy/file-operation.ts';
import { printable } from '../printable.ts';
import { Keeping, KeptFile, type Direction } from './kept-file.ts';
import type { Scene } from './scene.ts';
import { downloadPlace, uploadPlace, type ScpCall } from './scp-call.ts';
import type { ScpEntry, ScpFile, ScpFiles } from './scp-relay.ts';

const VERBS = {
  upload: { file: 'write', directory: 'mkdir' },
  download: { file: 'read', directory: 'list' },
} as const satisfies Record<ScpCall['direction'], Record<string, FileVerb>>;
const DIRECTIONS = { upload: 'written', download: 'read' } as const;
const EVENTS = { upload: 'file.written', download: 'file.read' } as const;
/** Of a message of an end. */
const MAX_MESSAGE_CHARACTERS = 1_000;

export class ScpDesk implements ScpFiles {
  readonly #scene: Scene;
  readonly #call: ScpCall;
  /** Files and directories that were not let through. */
  refused = 0;

  #fail: (error: unknown) => void = () => {};
  readonly #keeping: Keeping | null;
  /** Rejects when contents that a grant wants kept can't be. */
  readonly failed: Promise<never> = new Promise((_, reject) => (this.#fail = reject));

  constructor(scene: Scene, call: ScpCall) {
    this.#scene = scene;
    this.#call = call;
    this.failed.catch(() => {});
    const { context, dependencies, sessionId } = scene;
    this.#keeping = context.grant.rule.keepFiles
      ? new Keeping(dependencies.files, sessionId, (error) => this.#fail(error))
      : null;
  }

  async enter(kind: 'file' | 'directory', names: readonly string[]): Promise<ScpEntry> {
    const { gate, input, say } = this.#scene;
    const { direction } = this.#call;
    const asked =
      direction === 'upload' ? uploadPlace(this.#call, names) : downloadPlace(this.#call, names);
    const place: FilePlace = asked ?? { path: names.join('/'), spelt: null };
    const operation: FileOperation = {
      verb: VERBS[direction][kind],
      places: [place],
      detail: null,
    };
    const why = 'the target sends a file that nobody asked for';
    const broken = asked === null ? refusedFiles(operation, 'scp', why) : null;
    const outcome = await gate.decideFile(operation, input.gone, say, false, broken);
    if (outcome.kind === 'refused') {
      this.refused += 1;
      return { kind: 'refused', why: `scp: ${place.path}: Permission denied (${outcome.notice})` };
    }
    // An approval may come after the client has left: then the ends are gone as well.
    const { seq } = outcome;
    return { kind: 'released', file: seq === null ? null : this.#file(operation, kind, seq) };
  }

  async problem(by: 'source' | 'sink', text: string): Promise<void> {
    const isClient = (by === 'source') === (this.#call.direction === 'upload');
    const shown = printable(text, MAX_MESSAGE_CHARACTERS, ' ');
    await this.#line(isClient ? `the client: ${shown}` : shown);
  }

  #file(operation: FileOperation, kind: 'file' | 'directory', seq: number): ScpFile {
    const { gate, nowUs } = this.#scene;
    const fromUs = nowUs();
    const hash: Hash = createHash('sha256');
    let bytes = 0;
    const [place] = operation.places;
    const direction = DIRECTIONS[this.#call.direction];
    const kept = kind === 'file' ? this.#kept(seq, direction) : null;
    return {
      push: async (piece) => {
        bytes += piece.length;
        hash.update(piece);
        kept?.add(piece);
        await this.#keeping?.room();
      },
      end: async (isComplete) => {
        const times = { outputFromUs: fromUs, outputToUs: nowUs(), exitStatus: isComplete ? 0 : 1 };
        if (kind === 'directory') {
          gate.commands.fileEnded(seq, times);
          return;
        }
        const sha256 = hash.digest('hex');
        const spelt = place?.spelt ?? null;
        const data = {
          path: place?.path ?? '',
          ...(spelt !== null && { spelt }),
          status: isComplete ? 0 : 1,
          bytes,
          sha256,
          from: 0,
          to: bytes,
          complete: isComplete,
          ...(kept !== null && { kept: [{ direction, ...(await kept.end()) }] }),
        };
        gate.commands.fileEnded(seq, {
          ...times,
          file: { type: EVENTS[this.#call.direction], data },
        });
        const whole = isComplete ? '' : ', not complete';
        await this.#line(`${fileText(operation)}: ${bytes} bytes, sha256 ${sha256}${whole}`);
      },
    };
  }

  #kept(seq: number, direction: Direction): KeptFile | null {
    const { maxKeptFileBytes } = this.#scene.dependencies.limits;
    const keeping = this.#keeping;
    return keeping === null ? null : new KeptFile(keeping, seq, direction, maxKeptFileBytes);
  }

  #line(text: string): Promise<void> {
    const { output, nowUs } = this.#scene;
    return output.event({ atUs: nowUs(), code: 'o', text: `${text}\n` });
  }
}
