/**
 * Lines of python and javascript as tokens, as far as needed to see that a line is harmless. Not caught
 * here: grammar; what can't be told apart for certain (regular expressions, continued lines, letters
 * beyond ASCII outside texts) is no token at all.
 */

export type CodeLanguage = 'python' | 'node';

export interface CodeToken {
  readonly kind: 'name' | 'number' | 'text' | 'sign' | 'end';
  /** The name or sign; of a text what it says. */
  readonly text: string;
  /** Code inside a text: `f"{x}"`, `${x}` between backquotes. */
  readonly inner: readonly string[];
}

/** A longer line is not looked into. */
const MAX_CODE_CHARACTERS = 8192;
const SIGNS =
  /^(?:===|!==|\*\*=|>>>=|<<=|>>=|\.\.\.|=>|==|!=|<=|>=|->|:=|\+=|-=|\*=|\/=|%=|&&|\|\||\?\?|\?\.|\+\+|--|\*\*|\/\/|<<|>>|[-+*/%<>=(){}[\],.:;&|^~@?!])/;
const NUMBER =
  /^(?:0[xXbBoO][\da-fA-F_]+n?|\d[\d_]*\.?[\d_]*(?:[eE][-+]?\d+)?[jn]?|\.\d+(?:[eE][-+]?\d+)?)/;

/** null: the text can't be taken apart for certain. */
export function codeTokens(text: string, language: CodeLanguage): CodeToken[] | null {
  if (text.length > MAX_CODE_CHARACTERS) return null;
  const tokens: CodeToken[] = [];
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const blank = /^[ \t]+/.exec(rest) ?? comment(rest, language);
    if (blank !== null) {
      at += blank[0].length;
      continue;
    }
    if (/^\r?\n/.test(rest)) {
      tokens.push({ kind: 'end', text: '\n', inner: [] });
      at += rest.startsWith('\r') ? 2 : 1;
      continue;
    }
    const found = startsText(rest, language)
      ? textToken(rest, language)
      : plainToken(rest, language);
    if (found === null) return null;
    if (/^\/=?$/.test(found.token.text) && language === 'node' && !endsValue(tokens.at(-1)))
      return null;
    tokens.push(found.token);
    at += found.length;
  }
  return tokens;
}

/** Behind a value a slash divides; elsewhere it begins a regular expression. */
function endsValue(token: CodeToken | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === 'sign') return token.text === ')' || token.text === ']';
  return (
    token.kind === 'number' ||
    token.kind === 'text' ||
    !/^(?:return|typeof|in|of|case|void|delete|do|else|yield|await|instanceof|new)$/.test(
      token.text,
    )
  );
}

function comment(rest: string, language: CodeLanguage): RegExpExecArray | null {
  return language === 'python' ? /^#[^\n]*/.exec(rest) : /^(?:\/\/[^\n]*|\/\*[^]*?\*\/)/.exec(rest);
}

interface Found {
  readonly token: CodeToken;
  readonly length: number;
}

function plainToken(rest: string, language: CodeLanguage): Found | null {
  const name = (language === 'python' ? /^[A-Za-z_]\w*/ : /^[A-Za-z_$][\w$]*/).exec(rest)?.[0];
  if (name !== undefined) {
    return { token: { kind: 'name', text: name, inner: [] }, length: name.length };
  }
  const number = NUMBER.exec(rest)?.[0];
  if (number !== undefined) {
    // A name may not begin right behind a number, whatever an interpreter makes of it.
    if (/^[\w$]/.test(rest.slice(number.length))) return null;
    return { token: { kind: 'number', text: number, inner: [] }, length: number.length };
  }
  const sign = SIGNS.exec(rest)?.[0];
  if (sign === undefined) return null;
  return { token: { kind: 'sign', text: sign, inner: [] }, length: sign.length };
}

const PYTHON_TEXT = /^([A-Za-z]{0,2})("""|'''|"|')/;
const NODE_TEXT = /^()(["'`])/;

function startsText(rest: string, language: CodeLanguage): boolean {
  return (language === 'python' ? PYTHON_TEXT : NODE_TEXT).test(rest);
}

/** null: where it ends, or what it holds, isn't known. */
function textToken(rest: string, language: CodeLanguage): Found | null {
  const open = (language === 'python' ? PYTHON_TEXT : NODE_TEXT).exec(rest);
  if (open === null) return null;
  const [start, prefix = '', quote = ''] = open;
  if (language === 'python' && !/^(?:[rbuft]|br|rb|fr|rf|tr|rt)?$/i.test(prefix)) return null;
  let at = start.length;
  while (!rest.startsWith(quote, at)) {
    if (at >= rest.length || (quote.length === 1 && quote !== '`' && rest[at] === '\n'))
      return null;
    at += rest[at] === '\\' ? 2 : 1;
  }
  const body = rest.slice(start.length, at);
  const inner =
    language === 'python'
      ? /[ft]/i.test(prefix)
        ? inBraces(body)
        : []
      : quote === '`'
        ? inTemplate(body)
        : [];
  if (inner === null) return null;
  const said = body.replace(/\\(.)/gs, '$1');
  const escaped = body.includes('\\');
  return {
    token: { kind: 'text', text: escaped ? `\\${said}` : said, inner },
    length: at + quote.length,
  };
}

/** Expressions in a python text that is formatted; null = they hold texts or braces of their own. */
function inBraces(body: string): string[] | null {
  const rest = body.replaceAll(/\{\{|\}\}/g, '');
  if (/["'\\#]/.test(rest.replaceAll(/[^{}]*(\{[^{}]*\})|[^{}]+/g, '$1'))) return null;
  const found = [...rest.matchAll(/\{([^{}]*)\}/g)];
  if (/[{}]/.test(rest.replaceAll(/\{[^{}]*\}/g, ''))) return null;
  return found.map(([, code = '']) =>
    code.replace(/:[-<>=^+#\w,.% ]*$/, '').replace(/=?(?:![rsa])?$/, ''),
  );
}

function inTemplate(body: string): string[] | null {
  const found = [...body.matchAll(/\$\{([^{}`"'\\]*)\}/g)];
  return body.replaceAll(/\$\{[^{}`"'\\]*\}/g, '').includes('${')
    ? null
    : found.map(([, code = '']) => code);
}
