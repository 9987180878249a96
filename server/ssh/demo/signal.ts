/** Signals for a job that was started for a client. */
import { constants } from 'node:os';

/** The signals that sshd lets a client send. */
const ALLOWED = new Set(['ALRM', 'HUP', 'INT', 'KILL', 'PIPE', 'QUIT', 'TERM', 'USR1', 'USR2']);

/** Sends a signal, by its name without `SIG`, to the process group that `pid` leads. */
export function signalGroup(pid: number | undefined, name: string): void {
  const number = new Map(Object.entries(constants.signals)).get(`SIG${name}`);
  if (pid === undefined || number === undefined || !ALLOWED.has(name)) return;
  try {
    process.kill(-pid, number);
  } catch {
    // The job has ended meanwhile.
  }
}
