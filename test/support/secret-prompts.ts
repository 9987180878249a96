/**
 * Programs and shells that ask for a secret without echo: what starts them, what they ask, what is typed
 * then, and what shows that they got it.
 */

/** Any four characters of it in a row are found nowhere else. */
export const SECRET = 'Zq~7xK~v9~w';
/** Programs that ask somebody else than root. */
const NOBODY =
  process.getuid?.() === 0 ? 'setpriv --reuid=65534 --regid=65534 --clear-groups ' : '';

export interface Asked {
  readonly name: string;
  readonly line: string;
  /** What it asks, and what is typed then. */
  readonly answers: readonly (readonly [RegExp, string])[];
  /** What shows that the target got it. */
  readonly shows?: RegExp;
  /** What must be installed for it. */
  readonly needs?: string;
  /** Who gets it can't be known: it has a row, without its text. */
  readonly isDoubted?: boolean;
}

const GOT = /got 11\r\n/;
const asked = (name: string, times: number): Asked => ({
  name,
  line: `for i in ${'x '.repeat(times)}; do read -rsp 'Password for ann: ' S; echo; done; echo "got \${#S}"`,
  answers: Array.from({ length: times }, () => [/Password for ann: $/, `${SECRET}\r`]),
  shows: GOT,
});
const read = (name: string, keys: string, shows = GOT, isDoubted = false): Asked => ({
  name,
  line: `read -rsp 'Token: ' S; echo; echo "got \${#S}"`,
  answers: [[/Token: $/, keys]],
  shows,
  isDoubted,
});
const PLAIN_READ = `stty -echo; printf 'Pass: '; read -r S; stty echo; echo; echo "got \${#S}"`;

export const CASES: readonly Asked[] = [
  asked('asked once', 1),
  asked('asked three times', 3),
  read('edited', `${SECRET}wrong\u0015${SECRET}x\u007f\r`),
  read('pasted with a line break', `${SECRET}\n`),
  read('with a word erased', `x ${SECRET}\u0017${SECRET}\r`, /got \d+/, true),
  read('with an arrow key', `${SECRET}\u001b[D\r`, /got \d+/, true),
  {
    name: 'given up by Ctrl-C',
    line: `read -rsp 'Token: ' S; echo`,
    answers: [[/Token: $/, `${SECRET}\u0003`]],
  },
  {
    name: 'without a question',
    line: `read -rs S; echo "got \${#S}"`,
    answers: [[/\r\n(?:.\[\?2004l\r?)?$/, `${SECRET}\r`]],
    shows: GOT,
  },
  {
    name: 'behind output of others',
    line: `(sleep 0.6; echo noise) & read -rsp 'Token: ' S; echo; echo "got \${#S}"`,
    answers: [
      [/Token: $/, SECRET.slice(0, 5)],
      [/noise\r\n/, `${SECRET.slice(5)}\r`],
    ],
    shows: GOT,
    isDoubted: true,
  },
  {
    name: 'through the line editor of the shell',
    line: `read -resp 'Token: ' S; echo; echo "got \${#S}"`,
    answers: [[/Token: $/, `${SECRET}\r`]],
    shows: GOT,
    isDoubted: true,
  },
  {
    name: 'a question that looks like the prompt of a shell',
    line: `read -rsp 'ann@web:~$ ' S; echo; echo "got \${#S}"`,
    answers: [[/ann@web:~\$ $/, `${SECRET}\r`]],
    shows: GOT,
    isDoubted: true,
  },
  {
    name: 'a line of bash in plain sh',
    line: PLAIN_READ,
    answers: [[/Pass: $/, `${SECRET}\r`]],
    shows: GOT,
  },
  {
    name: 'sudo, wrong twice',
    line: `${NOBODY}sudo -k id`,
    answers: [
      [/password for [^:]*: $/, `${SECRET}\r`],
      [/password for [^:]*: $/, `${SECRET}x\r`],
      [/password for [^:]*: $/, '\u0003'],
    ],
    needs: 'sudo',
  },
  {
    name: 'su',
    line: `${NOBODY}su root -c true`,
    answers: [[/Password: $/, `${SECRET}\r`]],
    shows: /[Ff]ailure/,
  },
  {
    name: 'passwd',
    line: `${NOBODY}passwd`,
    answers: [[/password: $/, `${SECRET}\r`]],
    shows: /passwd: /,
  },
  {
    name: 'a passphrase of a key, twice',
    line: 'ssh-keygen -q -t ed25519 -f "$PLACE/key"',
    answers: [
      [/passphrase[^:]*: $/i, `${SECRET}\r`],
      [/again: $/i, `${SECRET}\r`],
    ],
  },
  {
    name: 'a passphrase of a key, wrong',
    line: 'ssh-keygen -y -f "$PLACE/key"',
    answers: [[/passphrase[^:]*: $/i, `${SECRET}-no\r`]],
    shows: /incorrect passphrase/,
  },
  {
    name: 'a passphrase for an agent, wrong and then right',
    line: 'ssh-agent sh -c \'ssh-add "$PLACE/key"\'',
    answers: [
      [/passphrase[^:]*: $/i, `${SECRET}-no\r`],
      [/try again[^:]*: $/i, `${SECRET}\r`],
    ],
    shows: /Identity added/,
  },
  {
    name: 'a password of a database client',
    line: 'mysql -h 127.0.0.1 -P 1 -u nobody -p',
    answers: [[/[Pp]assword: $/, `${SECRET}\r`]],
    shows: /ERROR 2/,
    needs: 'mysql',
  },
  {
    name: 'a password of psql',
    line: 'psql -W -h 127.0.0.1 -p 1 -U nobody x',
    answers: [[/Password: $/, `${SECRET}\r`]],
    shows: /refused/,
  },
  {
    name: 'getpass of python',
    line: 'python3 "$PLACE/ask.py"',
    answers: [[/Password: $/, `${SECRET}\r`]],
    shows: GOT,
  },
  {
    name: 'a program that shows stars',
    line: 'python3 "$PLACE/stars.py"',
    answers: [[/Code: $/, `ab\u007f\u007f${SECRET}\r`]],
    shows: GOT,
  },
  {
    name: 'openssl',
    line: 'echo hi | openssl enc -aes-256-cbc -pbkdf2 -out "$PLACE/sealed"',
    answers: [
      [/password:$/, `${SECRET}\r`],
      [/password:$/, `${SECRET}\r`],
    ],
    needs: 'openssl',
  },
  {
    name: 'gpg',
    line: 'GNUPGHOME="$PLACE" gpg --pinentry-mode loopback -o "$PLACE/g.gpg" -c "$PLACE/ask.py"',
    answers: [[/passphrase: $/, `${SECRET}\r`]],
    needs: 'gpg',
  },
  {
    name: 'git for a web server',
    line: 'git -c credential.helper= ls-remote http://ann@127.0.0.1:$WEB_PORT/x.git',
    answers: [[/Password for [^:]*:\/\/[^:]*:\d+': $/, `${SECRET}\r`]],
    shows: /fatal: /,
  },
];

const FISH_PROMPT = `function fish_prompt; echo -n 'REA''DY> '; end`;
/** Other shells inside the first one, and how each reads a secret. */
export const SHELLS: readonly (readonly [string, string, Asked])[] = [
  [
    'zsh',
    `PS1='REA''DY> ' zsh -f`,
    {
      name: 'read -s',
      line: `read -s 'S?Pass: '; echo; echo "got $#S"`,
      answers: [[/Pass: $/, `${SECRET}\r`]],
      shows: GOT,
    },
  ],
  [
    'zsh',
    `PS1='REA''DY> ' zsh -f`,
    { name: 'stty', line: PLAIN_READ, answers: [[/Pass: $/, `${SECRET}\r`]], shows: GOT },
  ],
  [
    'dash',
    `PS1='REA''DY> ' dash`,
    { name: 'stty', line: PLAIN_READ, answers: [[/Pass: $/, `${SECRET}\r`]], shows: GOT },
  ],
  [
    'ash',
    `PS1='REA''DY> ' busybox ash`,
    { name: 'stty', line: PLAIN_READ, answers: [[/Pass: $/, `${SECRET}\r`]], shows: GOT },
  ],
  ['ash', `PS1='REA''DY> ' busybox ash`, read('read -s', `${SECRET}\r`)],
  [
    'fish',
    `fish -N -C "${FISH_PROMPT}"`,
    {
      name: 'read -s',
      line: `read -s -P 'Pass: ' S; echo got (string length "$S")`,
      answers: [[/Pass: /, `${SECRET}\r`]],
      shows: /got 11/,
    },
  ],
];

/** In Python. */
export const ASK = `import getpass
print("got", len(getpass.getpass()))
`;
/** The same with stars. */
export const STARS = `import sys, termios, tty
before = termios.tcgetattr(0)
tty.setcbreak(0)
print("Code: ", end="", flush=True)
got = 0
while (key := sys.stdin.read(1)) not in "\\r\\n":
    if key == "\\x7f":
        got -= 1
        print("\\b \\b", end="", flush=True)
    else:
        got += 1
        print("*", end="", flush=True)
termios.tcsetattr(0, termios.TCSANOW, before)
print("\\ngot", got)
`;
