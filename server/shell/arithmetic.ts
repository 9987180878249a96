/**
 * Values of arithmetic expressions, as far as they are known (bash manual, 6.5). Not caught here:
 * numbers beyond 53 bits and values that come from the environment; they are not known.
 */
import type { ArithmeticExpression } from './grammar.ts';
import { parseShell } from './grammar.ts';

/** What an expression needs from the shell. */
export interface ArithmeticContext {
  /** False when the budget is used up. */
  spend(): boolean;
  /** The text of a variable; null = not known. */
  variable(name: string): string | null;
  /** Sets a variable; null = to something that isn't known. */
  assign(name: string, value: number | null): void;
  /** The text of a word with its expansions; null = not known. */
  text(word: Extract<ArithmeticExpression, { type: 'ArithmeticWord' }>): string | null;
  /** Runs a command substitution inside the expression. */
  run(expression: Extract<ArithmeticExpression, { type: 'ArithmeticCommandExpansion' }>): void;
}

const MAX_TEXT_CHARACTERS = 200;
/** Variables whose values are names of variables whose values … */
const MAX_HOPS = 4;
const ASSIGNS = /^(?:[-+*/%&|^]|<<|>>)?=$/;

/** The value of an expression; null = not known. */
export function evaluate(
  expression: ArithmeticExpression | undefined,
  context: ArithmeticContext,
  hops = 0,
): number | null {
  if (expression === undefined) return 0;
  if (!context.spend()) return null;
  switch (expression.type) {
    case 'ArithmeticBinary':
      return binary(expression, context, hops);
    case 'ArithmeticUnary': {
      const value = evaluate(expression.operand, context, hops);
      if (expression.operator === '++' || expression.operator === '--') {
        const next = value === null ? null : value + (expression.operator === '++' ? 1 : -1);
        assign(expression.operand, next, context);
        return expression.prefix ? next : value;
      }
      return value === null ? null : unary(expression.operator, value);
    }
    case 'ArithmeticTernary': {
      const test = evaluate(expression.test, context, hops);
      const yes = evaluate(expression.consequent, perhaps(context), hops);
      const no = evaluate(expression.alternate, perhaps(context), hops);
      return test === null ? null : test !== 0 ? yes : no;
    }
    case 'ArithmeticGroup':
      return evaluate(expression.expression, context, hops);
    case 'ArithmeticCommandExpansion':
      context.run(expression);
      return null;
    case 'ArithmeticWord': {
      const text = context.text(expression);
      return text === null ? null : evaluateText(text, context, hops);
    }
  }
}

function binary(
  expression: Extract<ArithmeticExpression, { type: 'ArithmeticBinary' }>,
  context: ArithmeticContext,
  hops: number,
): number | null {
  const { operator } = expression;
  const isSure = operator !== '&&' && operator !== '||';
  const right = evaluate(expression.right, isSure ? context : perhaps(context), hops);
  if (operator === '=') {
    assign(expression.left, right, context);
    return right;
  }
  const left = evaluate(expression.left, context, hops);
  if (ASSIGNS.test(operator)) {
    const plain = operator.slice(0, -1);
    const value = left === null || right === null ? null : compute(plain, left, right);
    assign(expression.left, value, context);
    return value;
  }
  return left === null || right === null ? null : compute(operator, left, right);
}

/** For a part that may not be evaluated: what it assigns is not known. */
function perhaps(context: ArithmeticContext): ArithmeticContext {
  return { ...context, assign: (name) => context.assign(name, null) };
}

function assign(
  target: ArithmeticExpression,
  value: number | null,
  context: ArithmeticContext,
): void {
  if (target.type === 'ArithmeticWord' && /^[A-Za-z_]\w*$/.test(target.value)) {
    context.assign(target.value, value);
  }
}

/** The value of an expression that is text: an index, an offset, a variable's value. */
export function evaluateText(text: string, context: ArithmeticContext, hops = 0): number | null {
  const trimmed = text.trim();
  if (trimmed === '') return 0;
  const number = constant(trimmed);
  if (number !== null) return number;
  if (trimmed.length > MAX_TEXT_CHARACTERS || hops > MAX_HOPS) return null;
  if (/^[A-Za-z_]\w*$/.test(trimmed)) {
    const value = context.variable(trimmed);
    return value === null ? null : evaluateText(value, context, hops + 1);
  }
  if (/[`$\\"'{}]/.test(trimmed)) return null;
  const parsed = parseShell(`: $((${trimmed}))`);
  const command = parsed.kind === 'ok' ? parsed.script.commands[0]?.command : undefined;
  const part = command?.type === 'Command' ? command.args[0] : undefined;
  const inner = part?.type === 'Word' ? part.parts?.[0] : undefined;
  if (inner?.type !== 'ArithmeticExpansion' || inner.expression?.type === 'ArithmeticWord') {
    return null;
  }
  return evaluate(inner.expression, context, hops + 1);
}

/** `12`, `-3`, `017`, `0x1f`, `2#101`. */
function constant(text: string): number | null {
  if (/^[-+]?[1-9]\d{0,14}$|^[-+]?0$/.test(text)) return Number(text);
  if (/^0[xX][0-9a-fA-F]{1,12}$/.test(text)) return Number.parseInt(text, 16);
  if (/^0[0-7]{1,15}$/.test(text)) return Number.parseInt(text, 8);
  const [, base, digits] = /^(\d{1,2})#([0-9a-zA-Z@_]{1,10})$/.exec(text) ?? [];
  if (base === undefined || digits === undefined) return null;
  const radix = Number(base);
  if (radix < 2 || radix > 64) return null;
  const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@_';
  let value = 0;
  for (const char of digits) {
    const digit = alphabet.indexOf(radix <= 36 ? char.toLowerCase() : char);
    if (digit < 0 || digit >= radix) return null;
    value = value * radix + digit;
  }
  return Number.isSafeInteger(value) ? value : null;
}

function unary(operator: string, value: number): number | null {
  if (operator === '-') return -value;
  if (operator === '+') return value;
  if (operator === '!') return value === 0 ? 1 : 0;
  return operator === '~' ? -value - 1 : null;
}

const MAX_SHIFT = 62;
const MAX_POWER = 64;

function compute(operator: string, left: number, right: number): number | null {
  const truth = (value: boolean) => (value ? 1 : 0);
  const bits = (value: bigint) => safe(Number(value));
  switch (operator) {
    case '+':
      return safe(left + right);
    case '-':
      return safe(left - right);
    case '*':
      return safe(left * right);
    case '/':
      return right === 0 ? null : safe(Math.trunc(left / right));
    case '%':
      return right === 0 ? null : safe(left % right);
    case '**':
      return right < 0 || right > MAX_POWER ? null : safe(left ** right);
    case '<<':
      return right < 0 || right > MAX_SHIFT ? null : bits(BigInt(left) << BigInt(right));
    case '>>':
      return right < 0 || right > MAX_SHIFT ? null : bits(BigInt(left) >> BigInt(right));
    case '&':
      return bits(BigInt(left) & BigInt(right));
    case '|':
      return bits(BigInt(left) | BigInt(right));
    case '^':
      return bits(BigInt(left) ^ BigInt(right));
    case '&&':
      return truth(left !== 0 && right !== 0);
    case '||':
      return truth(left !== 0 || right !== 0);
    case '==':
      return truth(left === right);
    case '!=':
      return truth(left !== right);
    case '<':
      return truth(left < right);
    case '>':
      return truth(left > right);
    case '<=':
      return truth(left <= right);
    case '>=':
      return truth(left >= right);
    case ',':
      return right;
    default:
      return null;
  }
}

function safe(value: number): number | null {
  return Number.isSafeInteger(value) ? value + 0 : null;
}
