/**
 * Inputs of up to 64 KiB that are made to be slow to read, by name. Somewhere in each of them stands a
 * command that the policy of the corpora denies, so that no verdict but deny or hold is right.
 */

/** What hides in them. */
export const HIDDEN = 'rm -rf /data';

const MOST = 65_000;

/** As many units as fit. */
function fill(unit: string, before = '', after = `;${HIDDEN}`): string {
  const room = MOST - before.length - after.length;
  return before + unit.repeat(Math.floor(room / unit.length)) + after;
}

function nest(open: string, close: string, depth: number, middle = HIDDEN): string {
  return open.repeat(depth) + middle + close.repeat(depth);
}

/** Wraps again and again while the text stays short enough. */
function wrap(once: (text: string) => string, rounds: number, start = HIDDEN): string {
  let text = start;
  for (let round = 0; round < rounds; round++) {
    const next = once(text);
    if (next.length > MOST) break;
    text = next;
  }
  return text;
}

function numbered(count: number, one: (index: number) => string, between = '\n'): string {
  return Array.from({ length: count }, (_, index) => one(index)).join(between);
}

function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function doubleQuoted(text: string): string {
  return `"${text.replaceAll(/["\\$`]/g, '\\$&')}"`;
}

const R = HIDDEN;
const LONG = 'a'.repeat(10_000);

export const BOMBS: Readonly<Record<string, string>> = {
  'one long word': fill('x'),
  'one word of stars': fill('*a', 'rm -rf /', ''),
  'one word of question marks': fill('?', 'rm -rf /', ''),
  'one word of sets': fill('[a-z]'),
  'one word of quotes': fill(`""`),
  'one word of quoted parts': fill(`"a"'b'`),
  words: fill('x '),
  operands: fill('/x ', 'rm -rf ', '/data'),
  'relative operands': fill('x ', 'cd /; rm -rf ', 'data'),
  'patterns as operands': fill('/[ab][ab][ab][ab][ab][ab]x ', 'rm -rf ', '/data'),
  'stars as operands': fill(`/${'*a'.repeat(100)} `, 'rm -rf ', '/data'),
  'operands that lead up': fill('../x ', 'rm -rf ', '/data'),
  'long options': fill('--recursive ', 'rm ', '/data'),
  'unknown operands': fill('$X ', 'systemctl ', `;${R}`),
  'unknown names': fill('$x y;'),
  'patterns as names': fill('*a*a*a*a*b x;'),
  separators: fill('x;'),
  lines: fill('x\n'),
  and: fill('x&&', '', R),
  or: fill('x||', '', R),
  pipes: fill('x|', '', R),
  background: fill('x& ', '', R),
  negations: fill('! ', '', R),
  'doubling a variable': fill('x=$x$x;', 'x=aaaaaaaa;'),
  'doubling an unknown variable': fill('x=$x$y$x;'),
  'doubling an array': fill('a=("${a[@]}" "${a[@]}");', 'a=("" "");'),
  'doubling in prefixes': fill('x=$x$x ', '', R),
  appending: fill('x+=$x;', 'x=a;'),
  'doubling by echo': fill('x=$(echo $x$x);', 'x=aaaaaaaa;'),
  'doubling parameters': fill('set -- "$@" "$@";', 'set -- a b c;'),
  'doubling a file': fill(
    'cat /tmp/x /tmp/x >/tmp/y; cat /tmp/y /tmp/y >/tmp/x\n',
    'echo a >/tmp/x\n',
  ),
  'a long variable': fill('$x ', `x="${LONG}"; ls `),
  parentheses: nest('(', ')', 10_000),
  'spaced parentheses': nest('( ', ' )', 10_000),
  braces: nest('{ ', '; }', 10_000),
  'some parentheses': nest('( ', ' )', 190),
  'some braces': nest('{ ', '; }', 190),
  substitutions: `echo ${nest('$(', ')', 10_000)}`,
  'some substitutions': `echo ${nest('$(echo ', ')', 190, `$(${R})`)}`,
  backquotes: fill('`', 'echo ', `;${R}`),
  'escaped backquotes': `echo ${wrap((text) => `\`echo ${text.replaceAll(/[\\`]/g, '\\$&')}\``, 12, `\`${R}\``)}`,
  arithmetic: `echo ${nest('$((', '))', 10_000, `$(${R})`)}`,
  'arithmetic parentheses': `echo $((${nest('(', ')', 10_000, `$(${R})`)}))`,
  'arithmetic signs': `echo $((${'- '.repeat(30_000)}$(${R})))`,
  'arithmetic powers': `echo $((${'2**'.repeat(20_000)}$(${R})))`,
  'arithmetic assignments': `echo $((${'x='.repeat(30_000)}$(${R})))`,
  'arithmetic choices': `echo $((${'1?'.repeat(15_000)}$(${R})${':1'.repeat(15_000)}))`,
  tests: fill('[[ '),
  'test parentheses': `[[ ${nest('( ', ' )', 10_000, `$(${R})`)} ]]`,
  'test conjunctions': `[[ ${'x && '.repeat(12_000)}$(${R}) ]]`,
  defaults: `echo ${nest('${x:-', '}', 190, `$(${R})`)}`,
  'many defaults': `echo ${nest('${x:-', '}', 10_000, `$(${R})`)}`,
  'array indices': `a=(0); echo ${nest('${a[', ']}', 190, `$(${R})`)}`,
  'here-documents': fill('cat <<E\nx\nE\n', '', R),
  'here-documents of one line': `cat ${'<<E '.repeat(5_000)};${R}\n${'x\nE\n'.repeat(5_000)}`,
  'here-documents in each other': nest('cat <<E\n$(', ')\nE\n', 190),
  'shells in here-documents': wrap(
    (text) => `sh <<E${text.length}\n${text}\nE${text.length}`,
    2_000,
  ),
  'here-strings': fill('<<<x ', 'cat '),
  ranges: fill('{1..9999} ', 'echo '),
  'joined ranges': fill('{1..9999}', 'echo '),
  'joined braces': fill('{a,b}', 'echo '),
  'braces in braces': `echo ${nest('{a,', '}', 10_000, 'b')};${R}`,
  'open braces': fill('{a,', 'echo '),
  'a brace of many': fill('a,', 'echo {', `b};${R}`),
  'ranges of operands': numbered(60, () => 'rm {1..250}', ';') + `;${R}`,
  'aliases that double': `${numbered(30, (n) => `alias a${n}='a${n + 1};a${n + 1}'`)}\nalias a30='${R}'\na0`,
  'aliases in a row': `${numbered(1_500, (n) => `alias a${n}='a${n + 1} a${n + 1}'`)}\nalias a1500='${R}'\na0`,
  'a long alias': `alias a='${'x '.repeat(20_000)};${R}'\n${'a\n'.repeat(5_000)}`,
  'functions that double': `${numbered(30, (n) => `f${n}(){ f${n + 1}; f${n + 1}; }`)}\nf30(){ ${R}; }\nf0`,
  'functions that double words': `${numbered(30, (n) => `f${n}(){ f${n + 1} "$@" "$@"; }`)}\nf30(){ ${R}; }\nf0 a b`,
  'functions that call themselves': ':(){ :|:& };:',
  'many functions': `${numbered(4_000, (n) => `f${n}(){ :;}`)}\n${R}`,
  'loops in loops': nest('for i in 1 2 3 4 5 6 7 8 9; do ', '; done', 150),
  'loops over ranges': nest('for i in {1..48}; do ', '; done', 10, `rm $i; ${R}`),
  'many loops': fill('for i in 1 2 3 4 5 6 7 8; do echo $i; done;', '', R),
  'conditions in conditions': nest('if x; then ', '; fi', 3_000),
  'many conditions': fill('elif x; then y; ', 'if x; then y; ', `else ${R}; fi`),
  cases: fill('a) y;; ', 'case $x in ', `*) ${R};; esac`),
  'cases in cases': nest('case x in a) ', ';; esac', 3_000),
  'while in while': nest('while x; do ', '; done', 150),
  'reading lines': `printf "${'x\\n'.repeat(10_000)}" | while read x; do rm $x; ${R}; done`,
  'shells in shells, single quotes': wrap((text) => `sh -c ${singleQuoted(text)}`, 20),
  'shells in shells, double quotes': wrap((text) => `sh -c ${doubleQuoted(text)}`, 20),
  'many shells': fill(`sh -c '${'x;'.repeat(400)}';`),
  'a long program many times': `x='${'y;'.repeat(5_000)}${R}'; ${'sh -c "$x";'.repeat(2_000)}`,
  evaluations: wrap((text) => `eval ${doubleQuoted(text)}`, 20),
  'evaluations that double': `x='eval "$x;$x;${R}"'; eval "$x"`,
  'traps in traps': wrap((text) => `trap ${singleQuoted(text)} EXIT`, 14),
  replacements: `x='${'a'.repeat(200)}'; echo ${'${x//*a*a*a*b/c}'.repeat(2_000)};${R}`,
  'replacements of long text': `x='${LONG}'; echo ${'${x//a/b}'.repeat(2_000)};${R}`,
  removals: `x='${'a'.repeat(200)}'; echo ${'${x##[abc][abc][abc][abc][abc]*b} '.repeat(1_500)};${R}`,
  slices: `x='${LONG}'; echo ${'${x:1} '.repeat(5_000)};${R}`,
  'encoded programs': wrap(
    (text) => `echo ${Buffer.from(text).toString('base64')} | base64 -d | sh`,
    25,
  ),
  'filters in a row': fill('| rev ', `printf '${LONG}' `, `| sh; ${R}`),
  'encoders in a row': fill('| base64 ', 'echo x ', `| sh; ${R}`),
  'items for xargs': `printf '${'/x\\n'.repeat(10_000)}/data' | xargs -n1 rm -rf`,
  'marks for xargs': `echo ${'x'.repeat(15_000)} | xargs -I{} rm ${'{}'.repeat(15_000)}; ${R}`,
  'wrappers in a row': fill('sudo ', '', R),
  'wrappers with values': fill('timeout 1 ', '', R),
  'hosts in a row': fill('ssh h ', '', R),
  'starts of find': fill('/x ', 'find ', '/data -delete'),
  'actions of find': fill('-exec rm {} \\; ', 'find / ', '-delete'),
  'starts times actions': `find ${'/x '.repeat(8_000)}/data ${'-exec rm {} \\; '.repeat(1_000)}-delete`,
  redirections: fill('>/x ', 'x '),
  'redirections of a group': fill('>/x ', `{ ${R}; } `, ''),
  directories: fill('cd x;'),
  'directories and deletes': fill('cd x;rm y;'),
  'directories that may fail': `${numbered(40, (n) => `cd d${n}||cd e${n}`)}\n${'rm -rf x y z\n'.repeat(3_000)}${R}`,
  'extended patterns': `rm /${nest('+(a|', ')', 8_000, 'b')};${R}`,
  'pattern alternatives': `rm /${'@(a|b|c|d)'.repeat(1_000)};${R}`,
  'process substitutions': nest('cat <(', ')', 190),
  backslashes: fill('\\', '', `\n${R}`),
  continuations: fill('\\\n', '', R),
  history: fill('!! '),
  carets: `^${'a'.repeat(30_000)}^${'b'.repeat(30_000)}`,
  'characters of the patterns': fill('\ue001a', 'rm -rf /data '),
  'lone surrogates': fill('\ud800'),
  'variables in every branch': `${numbered(900, (n) => `v${n}=1`, ';')};${'x||y;'.repeat(8_000)}${R}`,
  'variables in every subshell': `${numbered(900, (n) => `v${n}=1`, ';')};${'(x);'.repeat(10_000)}${R}`,
  references: `${numbered(1_000, (n) => `declare -n a${n}=a${n + 1}`, ';')};$a0;${R}`,
  files: `${numbered(2_000, (n) => `echo x >/tmp/f${n}`)}\n${R}`,
};
