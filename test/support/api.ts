/** The HTTP interface of a running bastion, asked as `ann`, who may read everything. */
import type { CommandView, SessionView } from '../../server/http/ports.ts';
import type { Bastion } from './world.ts';

export interface Api {
  /** The text of an answer; rejects unless it is a good one. @param path below `/api/v1/` */
  get(path: string): Promise<string>;
  lastSession(): Promise<SessionView>;
  commands(session: string): Promise<readonly CommandView[]>;
}

export async function apiOf(bastion: Bastion): Promise<Api> {
  const { stdout } = await bastion.cli('token', 'create', '--principal', 'ann');
  const headers = { authorization: `Bearer ${stdout.trim()}` };
  const ask = async (path: string): Promise<string> => {
    const answer = await fetch(`${bastion.run.http.url}/api/v1/${path}`, { headers });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text.slice(0, 500)}`);
    return text;
  };
  const items = async <T>(path: string): Promise<readonly T[]> =>
    (JSON.parse(await ask(path)) as { items: T[] }).items;
  return {
    get: ask,
    lastSession: async () => {
      const [session] = await items<SessionView>('sessions?limit=1');
      if (session === undefined) throw new Error('there is no session');
      return session;
    },
    commands: (session) => items<CommandView>(`sessions/${session}/commands`),
  };
}
