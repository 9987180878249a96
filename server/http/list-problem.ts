/** Lists that could not be made as they were asked for: their pages say so, and keep what was typed. */
import type { Response } from 'express';
import { messageOf, SallyportError } from '../errors.ts';
import type { ListProblem } from './pages.ts';

/** Throws what another choice of filters can't mend; else the answer gets its status. */
export function listProblem(error: unknown, response: Response): ListProblem {
  const isTheirs =
    error instanceof SallyportError &&
    (error.code === 'usage.invalid' || error.code === 'limit.exceeded');
  if (!isTheirs) throw error;
  response.status(error.httpStatus);
  return { message: messageOf(error), hint: error.hint };
}
