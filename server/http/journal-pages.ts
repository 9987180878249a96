/** The page `/journal`, and its export as JSON lines. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Router } from 'express';
import { EVENT_TYPES, type JournalEntry } from '../journal/event.ts';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import { journalQuery } from './journal-routes.ts';
import { listProblem } from './list-problem.ts';
import type { Services } from './options.ts';
import type { JournalProps } from './pages.ts';
import type { AuditReader, JournalQuery } from './ports.ts';
import { invalid, MAX_LIMIT, shownFilters } from './query.ts';
import { principalFor } from './session-access.ts';
import { viewerOf } from './viewer.ts';

const FILTERS = ['type', 'principal', 'target', 'session', 'since', 'until'] as const;
/** An export that was cut says so in its last line; `sallyport journal export` has no bound. */
export const MAX_EXPORTED_ENTRIES = 100_000;

export function journalPages(services: Services): Router {
  const { audit, pages } = services;
  const router = Router();
  router.get('/journal', async (request, response) => {
    const principal = principalFor(response, 'journal.read');
    const base = {
      frame: await frameOf(services, response),
      filters: shownFilters(request.query, FILTERS),
      types: EVENT_TYPES,
      continued: typeof request.query['cursor'] === 'string',
    };
    let props: JournalProps;
    try {
      const query = journalQuery(request.query);
      const page = await audit.list(query);
      const { cursor: _cursor, limit: _limit, ...asked } = query;
      await services.views.readJournal(principal, viewerOf(response).source, asked);
      props = { ...base, page, problem: null };
    } catch (error) {
      const problem = listProblem(error, response);
      props = { ...base, page: { items: [], next: null }, problem };
    }
    response.type('html').send(pages.journal(props));
  });
  router.get('/journal/export', async (request, response) => {
    const principal = principalFor(response, 'journal.read');
    const { cursor, limit: _limit, ...query } = journalQuery(request.query);
    if (cursor !== undefined) {
      throw invalid(
        'cursor',
        'is not for exports, which have no pages',
        'leave it out; "since" and "until" narrow an export',
      );
    }
    await audit.append({
      type: 'journal.exported',
      principal: principal.name,
      source: viewerOf(response).source,
      session: null,
      target: null,
      data: { ...query },
    });
    response.type('application/x-ndjson; charset=utf-8');
    response.attachment('journal.jsonl');
    await pipeline(Readable.from(lines(audit, query)), response);
  });
  router.all(['/journal', '/journal/export'], onlyMethods('GET', 'HEAD'));
  return router;
}

/** Newest first, one entry a line. */
async function* lines(
  audit: AuditReader,
  query: Omit<JournalQuery, 'limit' | 'cursor'>,
): AsyncGenerator<string> {
  let cursor: string | null = null;
  let written = 0;
  do {
    const page: { readonly items: readonly JournalEntry[]; readonly next: string | null } =
      await audit.list({ ...query, limit: MAX_LIMIT, ...(cursor !== null && { cursor }) });
    yield page.items.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    written += page.items.length;
    cursor = page.next;
  } while (cursor !== null && written < MAX_EXPORTED_ENTRIES);
  if (cursor !== null) yield `${JSON.stringify({ cut: `after ${written} entries` })}\n`;
}
