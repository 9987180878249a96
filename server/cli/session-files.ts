/** `sessions file`: what a grant kept of a transferred file. Looking is journalled. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import { printable } from '../printable.ts';
import { createKeptFiles } from '../store/kept-files.ts';
import type { Verb } from './verb.ts';

export const sessionFile: Verb = {
  name: 'sessions file',
  usage: 'ID N -o FILE [--direction read|written]',
  summary: 'the contents that are kept of the file that command N transferred',
  options: { output: { type: 'string', short: 'o' }, direction: { type: 'string' } },
  positionals: [2, 2],
  run: (input) =>
    withStores(input, async ({ database, journal, recordings }) => {
      const [id = '', number = ''] = input.positionals;
      const output = input.options.text('output');
      const asked = input.options.text('direction');
      const directions = (['written', 'read'] as const).filter(
        (one) => asked === null || asked === one,
      );
      if (output === null || directions.length === 0 || !/^[1-9]\d{0,8}$/.test(number)) {
        throw new SallyportError(
          'usage.invalid',
          'say which contents go to which file',
          'write: sessions file ID N -o FILE, with --direction read or written where both are kept',
        );
      }
      const session = await recordings.session(id);
      const files = createKeptFiles(database);
      for (const direction of session === null ? [] : directions) {
        const place = { session: id, seq: Number(number), direction };
        const contents = files.contents(place)[Symbol.asyncIterator]();
        const first = await contents.next();
        if (first.done === true) continue;
        await journal.append({
          type: 'recording.exported',
          principal: null,
          source: input.source,
          session: id,
          target: session?.target ?? null,
          data: { owner: session?.principal.name ?? null, format: `file ${number} ${direction}` },
        });
        const all = async function* (): AsyncGenerator<Buffer> {
          yield first.value;
          for (let next = await contents.next(); next.done !== true; next = await contents.next()) {
            yield next.value;
          }
        };
        await pipeline(Readable.from(all()), createWriteStream(output, { mode: 0o600 }));
        return 0;
      }
      throw new SallyportError(
        'object.unknown',
        `nothing is kept of command ${number} of session ${printable(id, 40)}`,
        'contents are kept where the grant says keepFiles: true; see the commands with: sallyport sessions commands ID',
      );
    }),
};
