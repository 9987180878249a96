/** ansible-core: its ways to send modules (files or a pipe) on its own and on shared connections. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashOf, type Attempt, type Check, type Client } from '../check.ts';
import { endOf, runClient } from '../program-run.ts';

interface Variant {
  readonly name: string;
  readonly isPipelining: boolean;
  readonly isSharing: boolean;
}

/** Without pipelining, modules and data travel by sftp and run from files. */
const VARIANTS: readonly Variant[] = [
  { name: 'ansible', isPipelining: false, isSharing: true },
  { name: 'ansible, pipelining', isPipelining: true, isSharing: true },
  { name: 'ansible, no ControlMaster', isPipelining: false, isSharing: false },
  { name: 'ansible, pipelining, no ControlMaster', isPipelining: true, isSharing: false },
];

const PLAYBOOK = (attempt: Attempt, bulk: string): string => `- hosts: all
  gather_facts: false
  tasks:
    - ping:
    - shell: echo out; echo err >&2; exit 7
      register: failed
      failed_when: false
    - debug: {msg: "{{failed.rc}} {{failed.stdout}} {{failed.stderr}}"}
    - copy: {src: ${bulk}, dest: ${attempt.there}/copied}
    - template: {src: ${attempt.here}/template.j2, dest: ${attempt.there}/rendered, mode: "0640"}
    - shell: wc -c <${attempt.there}/copied
      register: counted
    - debug: {msg: "{{counted.stdout}}"}
    - fetch: {src: ${attempt.there}/copied, dest: ${attempt.here}/fetched, flat: true}
    - command: no-such-command-here
`;

function playbook({ isPipelining, isSharing }: Variant): Check {
  return async (attempt) => {
    const { scene, way, here, there } = attempt;
    const bulk = await scene.bulkFile(1024 * 1024);
    const book = join(here, 'book.yaml');
    await writeFile(book, PLAYBOOK(attempt, bulk));
    await writeFile(join(here, 'template.j2'), 'six times seven is {{ 6 * 7 }}\n');
    const sharing = '-o ControlMaster=auto -o ControlPersist=10s';
    const result = await runClient(attempt, ['ansible-playbook', '-i', `${way},`, book], {
      env: {
        ANSIBLE_PIPELINING: String(isPipelining),
        ANSIBLE_SSH_ARGS: `-F ${scene.sshConfig} ${isSharing ? sharing : '-o ControlMaster=no -o ControlPath=none'}`,
        // A path of a socket must be short.
        ...(isSharing && { ANSIBLE_SSH_CONTROL_PATH_DIR: join(scene.folder, 'cp') }),
        ANSIBLE_PYTHON_INTERPRETER: '/usr/bin/python3',
        ANSIBLE_LOCAL_TEMP: join(here, 'tmp'),
        ANSIBLE_REMOTE_TEMP: join(there, 'tmp'),
        ANSIBLE_NOCOLOR: '1',
        ANSIBLE_FORKS: '1',
      },
    });
    const { status, stdout, stderr } = result;
    // The name of the host and how long commands took are the only words that may differ.
    const said = stdout
      .toString()
      .replaceAll(`[${way}]`, '[host]')
      .replaceAll(new RegExp(`^${way} +:`, 'gm'), 'host :')
      .replaceAll(/"(delta|end|start)": "[^"]*"/g, '"$1": ""');
    return {
      ...endOf('playbook', { status, signal: result.signal, stdout: Buffer.from(said), stderr }),
      copied: await hashOf(join(there, 'copied')),
      rendered: await hashOf(join(there, 'rendered')),
      fetched: await hashOf(join(here, 'fetched')),
    };
  };
}

export const ANSIBLE: readonly Client[] = VARIANTS.map((variant) => ({
  name: variant.name,
  isBulk: false,
  checks: { 'login and errors': playbook(variant) },
}));
