/** Compares what the bastion wrote down with what the target really read. */

/** One row of the bastion's record. */
export interface Reading {
  readonly text: string;
  readonly isUncertain: boolean;
}

export interface Score {
  /** Lines that the target read. */
  lines: number;
  /** Of these, written down to the letter. */
  exact: number;
  /** Written down differently although the row claims to be observed. */
  wrong: number;
  /** Rows that say of themselves that they are uncertain, right or not. */
  uncertain: number;
  /** Lines of which there is no row. */
  missed: number;
  /** Rows that nobody read. */
  extra: number;
  /** For people: what was read, and what was written down instead. */
  differences: string[];
}

const CUT = /((?:^|[^\\])(?:\\\\)*)\\\n/g;
const CUT_AT_END = /(?:^|[^\\])(?:\\\\)*\\$/;

export function emptyScore(): Score {
  return { lines: 0, exact: 0, wrong: 0, uncertain: 0, missed: 0, extra: 0, differences: [] };
}

export function addScore(to: Score, one: Score): void {
  to.lines += one.lines;
  to.exact += one.exact;
  to.wrong += one.wrong;
  to.uncertain += one.uncertain;
  to.missed += one.missed;
  to.extra += one.extra;
  to.differences.push(...one.differences);
}

/**
 * @param shell inputs that the shell read, in order
 * @param program the same of programs that the shell started
 * @param unread what was typed for programs that don't tell what they read, or dropped on purpose
 */
export function score(
  readings: readonly Reading[],
  shell: readonly string[],
  program: readonly string[],
  unread: readonly string[],
): Score {
  const rows = joined(readings).flatMap(({ text, isUncertain }) =>
    physicalLines(text).map((line) => ({ text: line, isUncertain })),
  );
  const result = emptyScore();
  const truth = joined(shell.map((text) => ({ text, isUncertain: false }))).flatMap(({ text }) =>
    physicalLines(text),
  );
  const first = align(truth, rows);
  const programTruth = program.flatMap(physicalLines);
  const second = align(
    programTruth,
    first.gaps.flatMap((gap) => gap.extra),
  );
  result.lines = truth.length + programTruth.length;
  result.exact = first.exact + second.exact;
  result.uncertain = rows.filter((row) => row.isUncertain).length;
  const explained = unread.flatMap(physicalLines);
  const gaps =
    programTruth.length === 0
      ? first.gaps
      : [
          {
            missed: [...first.gaps, ...second.gaps].flatMap((gap) => gap.missed),
            extra: second.gaps.flatMap((gap) => gap.extra),
          },
        ];
  for (const { missed, extra } of gaps) {
    const rest = extra.filter((row) => !take(explained, row.text));
    const pairs = Math.min(missed.length, rest.length);
    for (let at = 0; at < Math.max(missed.length, rest.length); at += 1) {
      const [line, row] = [missed[at], rest[at]];
      const mark = row?.isUncertain === true ? ' (uncertain)' : '';
      result.differences.push(
        `read ${JSON.stringify(line ?? null)}, written ${JSON.stringify(row?.text ?? null)}${mark}`,
      );
      if (at >= pairs) result[line === undefined ? 'extra' : 'missed'] += 1;
      else if (row?.isUncertain === false) result.wrong += 1;
    }
  }
  return result;
}

/** A backslash at the end joins two rows; some shells have joined them when they tell. */
function joined(readings: readonly Reading[]): Reading[] {
  const whole: Reading[] = [];
  let isOpen = false;
  for (const { text, isUncertain } of readings) {
    const own = text.replaceAll(CUT, '$1');
    const last = isOpen ? whole.pop() : undefined;
    const full = (last?.text.slice(0, -1) ?? '') + own;
    isOpen = CUT_AT_END.test(own);
    whole.push({ text: full, isUncertain: isUncertain || last?.isUncertain === true });
  }
  return whole;
}

/** Blanks at the end of a row say nothing. */
function physicalLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/[ \t]+$/, ''))
    .filter((line) => line !== '');
}

function take(list: string[], text: string): boolean {
  const at = list.indexOf(text);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}

interface Gap {
  readonly missed: string[];
  readonly extra: Reading[];
}

/** The longest common subsequence, and what lies between its members. */
function align(truth: readonly string[], rows: readonly Reading[]): { exact: number; gaps: Gap[] } {
  const width = rows.length + 1;
  const longest = new Uint32Array((truth.length + 1) * width);
  for (let i = truth.length - 1; i >= 0; i -= 1) {
    for (let j = rows.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        truth[i] === rows[j]?.text
          ? (longest[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(longest[(i + 1) * width + j] ?? 0, longest[i * width + j + 1] ?? 0);
    }
  }
  let exact = 0;
  const gaps: Gap[] = [];
  let gap: Gap = { missed: [], extra: [] };
  let [i, j] = [0, 0];
  while (i < truth.length || j < rows.length) {
    const [line, row] = [truth[i], rows[j]];
    if (line !== undefined && line === row?.text) {
      exact += 1;
      gaps.push(gap);
      gap = { missed: [], extra: [] };
      i += 1;
      j += 1;
    } else if (
      row === undefined ||
      (line !== undefined &&
        (longest[(i + 1) * width + j] ?? 0) >= (longest[i * width + j + 1] ?? 0))
    ) {
      if (line !== undefined) gap.missed.push(line);
      i += 1;
    } else {
      gap.extra.push(row);
      j += 1;
    }
  }
  gaps.push(gap);
  return { exact, gaps };
}
