/**
 * What is stored of commands, with its secrets masked: rows, markers, the journal, approvals. Judged is the
 * text as it is; nobody but the judge sees it. Not caught here: secrets that a policy has no mask for, and
 * halves of one that its author spread over several commands.
 */
import type { JsonValue } from '../journal/event.ts';
import type { Detectors } from '../mask/detectors.ts';
import { Masker } from '../mask/masker.ts';
import { maskText, maskWords } from '../mask/text.ts';
import type { Decision } from '../policy/decision.ts';
import type { ReadCommand } from '../shell/command.ts';
import { detectorsOf, HOLD_MS } from './masking.ts';
import type {
  ApprovalRequest,
  Approvals,
  DecidedCommand,
  Policies,
  Recording,
  RecordingSink,
  SessionStart,
} from './ports.ts';

/** What came out of a command just before its end is still counted to it. */
const ENDING_DELAY_MS = 200;
/** Times at which something was masked, per session; of more the oldest two are one. */
const MAX_TIMES = 4096;
/** What was held back comes out so much later. */
const HELD_US = HOLD_MS * 1000;
/** How a text ends that was cut. */
const CUT = /…$/;

export interface MaskedPorts {
  readonly recordings: RecordingSink;
  readonly approvals: Approvals;
}

/** Told by whoever masks the output of a recording's session. */
export interface MaskTally {
  masked(total: number, atUs: number): void;
}

const tallies = new WeakMap<Recording, MaskTally>();

/** null = the session's policy masks nothing. */
export function tallyOf(recording: Recording): MaskTally | null {
  return tallies.get(recording) ?? null;
}

/** The ports as they are, for sessions whose policy masks something. */
export function maskedPorts(
  { approvals, recordings }: MaskedPorts,
  policies: Policies,
): MaskedPorts {
  const running = new Map<string, Detectors>();
  const begin = async (start: SessionStart): Promise<Recording> => {
    const { policy } = await policies.byName(start.policy);
    const detectors = detectorsOf(policy);
    if (detectors.isEmpty) return recordings.begin(start);
    const command = start.command === null ? null : maskText(detectors, start.command).text;
    const recording = await recordings.begin({ ...start, command });
    running.set(start.id, detectors);
    const masked = new MaskedRecording(recording, detectors, () => running.delete(start.id));
    tallies.set(masked, masked);
    return masked;
  };
  return {
    recordings: { begin },
    approvals: {
      outcome: (id, signal) => approvals.outcome(id, signal),
      request: (asked) => {
        const detectors = asked.session === null ? undefined : running.get(asked.session);
        return approvals.request(detectors === undefined ? asked : maskedRequest(detectors, asked));
      },
    },
  };
}

/** An approver sees no secret, and what has one is decided each time: equal texts say too little then. */
function maskedRequest(detectors: Detectors, asked: ApprovalRequest): ApprovalRequest {
  const shown = (text: string, isCut = false): string => maskText(detectors, text, isCut).text;
  const text = shown(asked.text);
  const never = { kind: 'never', why: 'a secret in it is masked' } as const;
  return {
    ...asked,
    text,
    reason: asked.reason === null ? null : shown(asked.reason, CUT.test(asked.reason)),
    ...(asked.grounds !== undefined && {
      grounds: asked.grounds.map((one) => ({ ...one, why: shown(one.why, CUT.test(one.why)) })),
    }),
    ...(text !== asked.text && { repeat: never }),
  };
}

class MaskedRecording implements Recording, MaskTally {
  readonly #recording: Recording;
  readonly #detectors: Detectors;
  readonly #onEnd: () => void;
  #times: { readonly atUs: number; readonly total: number }[] = [];
  /** When the latest commands were read, in order. */
  readonly #readUs: number[] = [];
  readonly #ending = new Map<number, () => void>();
  /** Lines one after the other: those of a key that somebody pastes belong together. */
  readonly #lines: Masker;
  /** Secrets in the text of a command. */
  readonly #inText = new Map<number, number>();

  constructor(recording: Recording, detectors: Detectors, onEnd: () => void) {
    this.#recording = recording;
    this.#detectors = detectors;
    this.#onEnd = onEnd;
    this.#lines = new Masker(detectors);
  }

  masked(total: number, atUs: number): void {
    this.#times.push({ total, atUs });
    if (this.#times.length > MAX_TIMES) this.#times.splice(0, 1);
  }

  append(event: Parameters<Recording['append']>[0]): ReturnType<Recording['append']> {
    if (event.code === 'm') {
      return this.#recording.append({ ...event, label: this.#line(event.label) });
    }
    if (event.code !== 'o') return this.#recording.append(event);
    return this.#recording.append({ ...event, text: maskText(this.#detectors, event.text).text });
  }

  decided(command: DecidedCommand): Promise<void> {
    const before = this.#lines.masked;
    this.#readUs.push(command.atUs);
    if (this.#readUs.length > MAX_TIMES) this.#readUs.shift();
    const text = this.#line(command.text);
    const masked = this.#lines.masked - before;
    if (masked > 0) this.#inText.set(command.seq, masked);
    const decision = maskedDecision(this.#detectors, command.decision);
    return this.#recording.decided({ ...command, text, masked, decision });
  }

  commandEnded(seq: number, end: Parameters<Recording['commandEnded']>[1]): void {
    const { file } = end;
    if (file !== undefined) {
      const data = maskedData(this.#detectors, file.data) as typeof file.data;
      const masked = this.#inText.get(seq) ?? 0;
      this.#inText.delete(seq);
      this.#recording.commandEnded(seq, { ...end, masked, file: { ...file, data } });
      return;
    }
    const tell = (): void => {
      clearTimeout(timer);
      this.#ending.delete(seq);
      const { outputFromUs, outputToUs } = end;
      const inText = this.#inText.get(seq) ?? 0;
      this.#inText.delete(seq);
      const masked = inText + this.#between(outputFromUs, outputToUs);
      this.#recording.commandEnded(seq, { ...end, masked });
    };
    const timer = setTimeout(tell, ENDING_DELAY_MS);
    this.#ending.set(seq, tell);
  }

  end(end: Parameters<Recording['end']>[0]): Promise<void> {
    for (const tell of this.#ending.values()) tell();
    this.#onEnd();
    return this.#recording.end(end);
  }

  #line(text: string): string {
    const bytes = Buffer.from(`${text}\n`);
    const out = Buffer.concat([this.#lines.push(bytes), this.#lines.flush()]);
    return out.toString().slice(0, -1);
  }

  /** How much was masked from … to, what was held back at the end included, but nothing of the next command. */
  #between(fromUs: number, toUs: number): number {
    const until = (atUs: number): number =>
      this.#times.findLast((one) => one.atUs <= atUs)?.total ?? 0;
    const nextUs = this.#readUs.find((atUs) => atUs > toUs) ?? Infinity;
    return Math.max(0, until(Math.min(toUs + HELD_US, nextUs - 1)) - until(fromUs - 1));
  }
}

/** Names of files and the like. */
function maskedData(detectors: Detectors, value: JsonValue): JsonValue {
  if (typeof value === 'string') return maskText(detectors, value).text;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one: JsonValue) => maskedData(detectors, one));
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, maskedData(detectors, one)]),
  );
}

function maskedDecision(detectors: Detectors, decision: Decision): Decision {
  const { reason, commands } = decision;
  return {
    ...decision,
    reason: reason === null ? null : maskText(detectors, reason, CUT.test(reason)).text,
    commands: commands.map((command) => maskedCommand(detectors, command)),
  };
}

/** Only what is stored: the rest is for the judge. */
function maskedCommand(detectors: Detectors, command: ReadCommand): ReadCommand {
  const { language, readsInput, stdinLanguage } = command;
  return {
    language,
    readsInput,
    stdinLanguage,
    redirections: [],
    directory: null,
    argv: command.argv === null ? null : [...maskWords(detectors, command.argv)],
    text: maskText(detectors, command.text).text,
    via: command.via.map((one) => maskText(detectors, one, CUT.test(one)).text),
  };
}
