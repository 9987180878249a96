/** A login shell of choice behind a real sshd, in a home of its own, without an account for it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sshInteractive, type Terminal } from './ssh.ts';

export type LoginShell = 'bash' | 'zsh' | 'fish' | 'dash' | 'ash';

/** What the shells of `writeLogin` show before a line. */
export const PROMPT = 'READY> ';

/** Start-up files by name, below the home. */
export type StartUp = Readonly<Record<string, string>>;

const PLAIN: StartUp = {
  '.bash_profile': `PS1='${PROMPT}' HISTFILE=~/history\n`,
  // What the system's own file says of prompts comes before it.
  '.profile': `PS1='${PROMPT}'\n`,
  '.zshrc': `unsetopt prompt_sp prompt_cr; PROMPT='${PROMPT}' HISTFILE=~/history SAVEHIST=100\n`,
  '.config/fish/config.fish': `function fish_prompt; echo -n '${PROMPT}'; end\nfunction fish_greeting; end\n`,
};

/** @returns lines for the server's configuration, which make `LC_SHELL` the name of the login shell */
export async function writeLogin(folder: string, files: StartUp = {}): Promise<readonly string[]> {
  for (const [name, text] of Object.entries({ ...PLAIN, ...files })) {
    await mkdir(join(folder, 'start-up', name, '..'), { recursive: true });
    await writeFile(join(folder, 'start-up', name), text);
  }
  const login = join(folder, 'login');
  await writeFile(login, LOGIN.replaceAll('FOLDER', folder), { mode: 0o755 });
  // The account's own shell starts first, and would read the start-up files of who runs the tests.
  return [`ForceCommand ${login}`, `SetEnv HOME=${folder}`];
}

/** fish makes completions of all manuals where it finds none, which takes minutes. */
const LOGIN = `#!/bin/sh
HOME=FOLDER/home-$LC_SHELL SHELL=$(command -v "$LC_SHELL") PS1='${PROMPT}'
[ "$LC_SHELL" = ash ] && SHELL=FOLDER/ash && printf '#!/bin/sh\\nexec busybox ash "$@"\\n' >FOLDER/ash && chmod +x FOLDER/ash
export HOME SHELL PS1 XDG_CONFIG_HOME="$HOME/.config" XDG_DATA_HOME="$HOME/.local/share"
mkdir -p "$XDG_DATA_HOME/fish/generated_completions"
cp -R FOLDER/start-up/. "$HOME"
cd "$HOME" || exit
[ "$SSH_ORIGINAL_COMMAND" = internal-sftp ] && SSH_ORIGINAL_COMMAND=/usr/lib/openssh/sftp-server
[ -n "$SSH_ORIGINAL_COMMAND" ] && exec "$SHELL" -c "$SSH_ORIGINAL_COMMAND"
exec "$SHELL" -l
`;

/** A person at that shell, behind its first prompt. */
export async function loginAt(
  config: string,
  shell: LoginShell,
  host = 'person',
): Promise<Terminal> {
  const terminal = sshInteractive({ config, host, args: ['-o', `SetEnv=LC_SHELL=${shell}`] });
  await terminal.expect(PROMPT);
  return terminal;
}
