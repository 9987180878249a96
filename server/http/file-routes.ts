/** Kept contents of transferred files, as bytes to save and never to show. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { SallyportError } from '../errors.ts';
import { unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import { sessionFor } from './session-access.ts';

const DIRECTIONS = ['written', 'read'] as const;

/** Sends what is kept of one command; without a direction what was written, else what was read. */
export async function sendKeptFile(
  services: Services,
  request: Request,
  response: Response,
): Promise<void> {
  const { session, principal, source } = await sessionFor(services, response, request.params['id']);
  const number = String(request.params['number']);
  if (!/^[1-9]\d{0,8}$/.test(number)) throw unknownObject('file');
  const asked = request.query['direction'];
  const directions = DIRECTIONS.filter((one) => asked === undefined || asked === one);
  if (directions.length === 0) {
    throw new SallyportError(
      'usage.invalid',
      'direction is not what was read or written',
      'take direction=read or direction=written, or leave it out',
    );
  }
  for (const direction of directions) {
    const place = { session: session.id, seq: Number(number), direction };
    const contents = services.files.contents(place)[Symbol.asyncIterator]();
    const first = await contents.next();
    if (first.done === true) continue;
    response.set({
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': `attachment; filename="${session.id}-${number}-${direction}"`,
      'X-Content-Type-Options': 'nosniff',
    });
    if (request.method === 'HEAD') {
      await contents.return?.();
      response.end();
      return;
    }
    await services.views.exported(principal, session, source, `file ${number} ${direction}`);
    const all = async function* (): AsyncGenerator<Buffer> {
      yield first.value;
      for (let next = await contents.next(); next.done !== true; next = await contents.next()) {
        yield next.value;
      }
    };
    // Half a file must not look whole: a part that can't be read breaks the connection.
    await pipeline(Readable.from(all()), response).catch(() => response.destroy());
    return;
  }
  throw unknownObject('file');
}
