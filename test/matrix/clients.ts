/** All clients of the matrix, in the order of its rows. */
import type { Client } from './check.ts';
import { ANSIBLE } from './clients/ansible.ts';
import { DROPBEAR } from './clients/dropbear.ts';
import { GIT } from './clients/git.ts';
import { LFTP } from './clients/lftp.ts';
import { OPENSSH } from './clients/openssh.ts';
import { PUTTY } from './clients/putty.ts';
import { PYTHON_LIBRARIES } from './clients/python.ts';
import { RSYNC } from './clients/rsync.ts';
import { SSHFS } from './clients/sshfs.ts';

export const CLIENTS: readonly Client[] = [
  ...OPENSSH,
  ...PUTTY,
  ...DROPBEAR,
  ...PYTHON_LIBRARIES,
  ...RSYNC,
  ...GIT,
  ...LFTP,
  ...SSHFS,
  ...ANSIBLE,
];
