/**
 * Follows a parsed program node by node: every branch that could run is run, loops over known values
 * value by value. Not caught here: which branch a condition takes.
 */
import { arithmetic, expandWord } from './expand.ts';
import type {
  CommandNode,
  CompoundList,
  ScriptNode,
  Statement,
  TestExpression,
} from './grammar.ts';
import { isCalledByItself, isHooked } from './hooks.ts';
import { laterFile } from './later-files.ts';
import { MAX_LOOP_VALUES } from './limits.ts';
import { readRedirections } from './redirect.ts';
import type { Frame, Output, Runner } from './runner.ts';
import { deeper, inputOf, subshell } from './runner.ts';
import { hasForgotten, joinStates, remember, valuesIn, writeFile } from './state.ts';
import type { ShellState } from './state.ts';
import { runSubscripts } from './subscript.ts';
import type { Word } from './word.ts';
import { exactText, isUnknown, literal, unknown } from './word.ts';

export function runStatements(list: readonly Statement[], frame: Frame, run: Runner): Output {
  let output: Output = '';
  for (const statement of list) {
    if (!run.spend(1)) return null;
    const inner = statement.background === true ? { ...frame, state: frame.state.child() } : frame;
    output = append(output, run.runNode(statement.command, inner));
    inner.state.settle();
  }
  return output;
}

function append(one: Output, other: Output): Output {
  if (one === '') return other;
  if (other === '') return one;
  if (typeof one === 'string' && typeof other === 'string') return one + other;
  const words = [...linesOf(one), ...linesOf(other)];
  const isKnown = words.some((word) => !isUnknown(word));
  return isKnown && words.length <= MAX_LOOP_VALUES ? { words, single: false } : null;
}

function linesOf(output: Output): readonly Word[] {
  if (output === null) return [[unknown('the output of a command is not known', true)]];
  return typeof output === 'string'
    ? output.replace(/\n$/, '').split('\n').map(literal)
    : output.words;
}

/** Every node but a simple command, which the reader itself runs. */
export function runCompound(
  node: Exclude<ScriptNode, { type: 'Command' }>,
  frame: Frame,
  run: Runner,
): Output {
  switch (node.type) {
    case 'CompoundList':
      return runStatements(node.commands, frame, run);
    case 'AndOr':
      return runAndOr(node, frame, run);
    case 'Pipeline':
      return runPipeline(node.commands, frame, run);
    case 'Redirected': {
      const redirected = readRedirections(node.redirects, frame, run);
      const inner = redirected.input === null ? frame : { ...frame, input: redirected.input };
      run.opened(redirected.files, frame);
      const output = run.runNode(node.command, inner);
      for (const { path, append } of redirected.outputPaths) {
        laterFile(path, output, frame, run);
        writeFile(frame.state, path, append, known(output));
      }
      return redirected.outputTaken ? '' : output;
    }
    case 'Subshell': {
      const inner = subshell(frame, null);
      return runTraps(runStatements(node.body.commands, inner, run), inner, run);
    }
    case 'BraceGroup':
      return runStatements(node.body.commands, frame, run);
    case 'If': {
      runStatements(node.clause.commands, frame, run);
      const branches = [branch(node.then, frame, run)];
      for (const elif of node.elif) {
        if (!run.spend(1)) break;
        runStatements(elif.clause.commands, frame, run);
        branches.push(branch(elif.then, frame, run));
      }
      branches.push(node.else === undefined ? frame.state.copy() : branch(node.else, frame, run));
      joinStates(frame.state, branches);
      return null;
    }
    case 'While':
      return runWhile(node.clause, node.body, frame, run);
    case 'For':
    case 'Select': {
      const words = node.wordlist?.flatMap((word) => expandWord(word, frame, run));
      loop(node.name.value, words ?? frame.state.positional, node.body, frame, run);
      return null;
    }
    case 'ArithmeticFor':
      for (const part of [node.initialize, node.test, node.update]) arithmetic(part, frame, run);
      joinStates(frame.state, [branch(node.body, frame, run), frame.state.copy()]);
      return null;
    case 'Case': {
      expandWord(node.word, frame, run);
      const branches = [frame.state.copy()];
      for (const item of node.items) {
        if (!run.spend(1)) break;
        for (const pattern of item.pattern) expandWord(pattern, frame, run);
        branches.push(branch(item.body, frame, run));
      }
      joinStates(frame.state, branches);
      return null;
    }
    case 'Function':
      remember(frame.state.functions, node.name.value, node.body);
      // The shell calls this one by itself.
      if (isCalledByItself(node.name.value) || isHooked(node.name.value, frame.state)) {
        run.runNode(node.body, subshell(frame, `function ${node.name.value}`));
      }
      return '';
    case 'Coproc':
      run.runNode(node.body, subshell(frame, null));
      return '';
    case 'TestCommand':
      test(node.expression, frame, run);
      return '';
    case 'ArithmeticCommand':
      arithmetic(node.expression, frame, run);
      // A shell without this command (dash) sees a subshell in a subshell.
      if (isLikeCommand(node.body)) run.runText(node.body, subshell(frame, null));
      return '';
  }
}

/** A word, a blank and an operand, with no operator of arithmetic in between. */
function isLikeCommand(body: string): boolean {
  return /^[\s(]*[A-Za-z_/.][\w/.-]*[ \t]+(?:-\w|[/~.]\S|[\w"'$\\{])/.test(body);
}

/** What follows the first command may not run, so its changes may not be made. */
function runAndOr(node: Extract<ScriptNode, { type: 'AndOr' }>, frame: Frame, run: Runner): Output {
  const state = frame.state.copy();
  const branches: ShellState[] = [];
  node.commands.forEach((command, index) => {
    if (!run.spend(1)) return;
    run.runNode(command, { ...frame, state });
    const operator = node.operators[index];
    const goesOn = operator === '&&' ? succeeds(command) : operator === '||' && fails(command);
    if (!goesOn) branches.push(state.copy());
  });
  for (const branch of branches) branch.settle();
  joinStates(frame.state, branches);
  return null;
}

function fails(node: ScriptNode): boolean {
  return node.type === 'Command' && node.name?.value === 'false' && node.redirects.length === 0;
}

/** Commands that can't fail, so that what stands behind `&&` runs. */
function succeeds(node: ScriptNode): boolean {
  if (node.type !== 'Command') return false;
  if (node.name === undefined) return node.redirects.length === 0;
  return (node.name.value === 'true' || node.name.value === ':') && node.redirects.length === 0;
}

function runPipeline(commands: readonly CommandNode[], frame: Frame, run: Runner): Output {
  if (commands.length === 1) return run.runNode(commands[0] as CommandNode, frame);
  let input = frame.input;
  let output: Output = null;
  for (const command of commands) {
    if (!run.spend(1)) return null;
    output = run.runNode(command, { ...frame, state: frame.state.child(), input });
    input = inputOf(output, 'the command before the pipe');
  }
  return output;
}

function branch(list: CompoundList, frame: Frame, run: Runner): ShellState {
  const state = frame.state.copy();
  runStatements(list.commands, { ...frame, state }, run);
  return state;
}

function loop(
  name: string,
  values: readonly Word[] | null,
  body: CompoundList,
  frame: Frame,
  run: Runner,
): void {
  const list = values ?? [[unknown(`the values of $${name} are not known`, true)]];
  if (list.length > MAX_LOOP_VALUES) {
    // Too many to follow one by one: any value at all.
    frame.state.setWord(name, [unknown(`the values of $${name} are too many to follow`, true)]);
    runStatements(body.commands, frame, run);
    return;
  }
  for (const value of list) {
    frame.state.setWord(name, value);
    runStatements(body.commands, frame, run);
  }
}

const REST_OF_LOOP = { kind: 'unknown', why: 'the rest of the input of a loop' } as const;

/** `while read x; do …` over known text runs line by line; any other loop runs once. */
function runWhile(clause: CompoundList, body: CompoundList, frame: Frame, run: Runner): Output {
  const first = clause.commands[0]?.command;
  const reads = first?.type === 'Command' && first.name?.value === 'read';
  const state = frame.state.copy();
  const { input } = frame;
  if (reads && input.kind === 'text') {
    const lines = input.text.replace(/\n$/, '').split('\n');
    if (lines.length <= MAX_LOOP_VALUES) {
      for (const line of lines) {
        runStatements(
          clause.commands,
          { ...frame, state, input: { kind: 'text', text: `${line}\n` } },
          run,
        );
        runStatements(body.commands, { ...frame, state, input: REST_OF_LOOP }, run);
      }
      joinStates(frame.state, [state, frame.state.copy()]);
      return null;
    }
  }
  const lines = reads && input.kind === 'unknown' ? (input.lines ?? []) : [];
  for (const line of lines.slice(0, MAX_LOOP_VALUES)) {
    const one = { kind: 'unknown', why: 'a line of a loop', lines: [line] } as const;
    runStatements(clause.commands, { ...frame, state, input: one }, run);
    runStatements(body.commands, { ...frame, state, input: REST_OF_LOOP }, run);
  }
  const blurred =
    input.kind === 'text' && reads
      ? ({ kind: 'unknown', why: 'the lines of a loop are too many to follow' } as const)
      : input;
  // Twice: what the body sets, its second round uses.
  for (let round = 0; round < 2; round++) {
    runStatements(clause.commands, { ...frame, state, input: blurred }, run);
    runStatements(body.commands, { ...frame, state, input: blurred }, run);
  }
  joinStates(frame.state, [state, frame.state.copy()]);
  return null;
}

function test(expression: TestExpression, frame: Frame, run: Runner): void {
  if (!run.spend(1)) return;
  switch (expression.type) {
    case 'TestUnary':
      for (const word of expandWord(expression.operand, frame, run)) {
        if (expression.operator === '-v') runSubscripts(exactText(word), frame, run);
      }
      return;
    case 'TestBinary':
      for (const operand of [expression.left, expression.right]) {
        for (const word of expandWord(operand, frame, run)) {
          if (/^-(eq|ne|lt|le|gt|ge)$/.test(expression.operator)) {
            runSubscripts(exactText(word), frame, run);
          }
        }
      }
      return;
    case 'TestLogical':
      for (const operand of expression.operands) test(operand, frame, run);
      return;
    case 'TestNot':
      test(expression.operand, frame, run);
      return;
    case 'TestGroup':
      test(expression.expression, frame, run);
  }
}

/** At the end of a program: what `trap` has set up, once more if its variables have changed. */
export function runTraps(output: Output, frame: Frame, run: Runner): Output {
  for (const [text, values] of frame.state.traps) {
    const now = valuesIn(text, frame.state);
    if (now === values) continue;
    frame.state.traps.set(text, now);
    run.runText(text, subshell(frame, 'trap'));
  }
  return output;
}

export function known(output: Output): { kind: 'text'; text: string } | { kind: 'unknown' } {
  return typeof output === 'string' ? { kind: 'text', text: output } : { kind: 'unknown' };
}

/** Says so when a name may call something else than what is known of it. */
export function checkMeaning(name: string, { state, via }: Frame, run: Runner): void {
  if (/^[={]\w/.test(name)) run.uncertain(`zsh reads the first character of ${name} by itself`);
  if (hasForgotten(state)) {
    run.uncertain('more functions and aliases are defined than can be remembered');
  }
  if (!state.functions.has(name) && via.includes(`function ${name}`)) {
    run.uncertain(`the function ${name} calls itself`);
  }
}

/** Calls a function of the session with its own positional parameters. */
export function callFunction(
  name: string,
  words: readonly Word[],
  frame: Frame,
  run: Runner,
): Output {
  const body = frame.state.functions.get(name);
  if (body === undefined) return null;
  const inner = deeper(frame, `function ${name}`);
  const { positional } = inner.state;
  inner.state.positional = words;
  // A function that calls itself would never end here.
  inner.state.functions.delete(name);
  const output = run.runNode(body, inner);
  remember(inner.state.functions, name, body);
  inner.state.positional = positional;
  return output;
}

/** The positional parameters of `sh -c TEXT NAME ARG…`. */
export function setPositional(state: ShellState, words: readonly Word[]): void {
  state.setWord('0', words[0] ?? literal('sh'));
  state.positional = words.slice(1);
}
