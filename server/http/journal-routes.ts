/** `GET /api/v1/journal`: the audit log, for auditors. */
import { Router } from 'express';
import { EVENT_TYPES, type EventType } from '../journal/event.ts';
import { onlyMethods } from './failure.ts';
import type { Services } from './options.ts';
import type { JournalQuery } from './ports.ts';
import {
  DEFAULT_LIMIT,
  invalid,
  MAX_CURSOR_CHARACTERS,
  MAX_FILTER_CHARACTERS,
  MAX_LIMIT,
  type RawQuery,
  refuseUnknown,
  span,
  text,
  wholeNumber,
} from './query.ts';
import { principalFor } from './session-access.ts';
import { viewerOf } from './viewer.ts';

const TEXT_FILTERS = ['principal', 'session', 'target'] as const;
/** A list of types is longer than a name. */
const MAX_TYPES_CHARACTERS = 2_000;

export function journalRoutes(services: Services): Router {
  const router = Router();
  router.get('/', async (request, response) => {
    const principal = principalFor(response, 'journal.read');
    const query = journalQuery(request.query);
    const page = await services.audit.list(query);
    const { cursor: _cursor, limit: _limit, ...asked } = query;
    await services.views.readJournal(principal, viewerOf(response).source, asked);
    response.json(page);
  });
  router.all('/', onlyMethods('GET', 'HEAD'));
  return router;
}

/** Throws `usage.invalid` naming the first bad parameter. `type` may be several, with commas between. */
export function journalQuery(raw: RawQuery): JournalQuery {
  const known = [...TEXT_FILTERS, 'type', 'since', 'until', 'limit', 'cursor'];
  refuseUnknown(raw, known);
  const query: { -readonly [Name in keyof JournalQuery]: JournalQuery[Name] } = {
    ...span(raw),
    limit: wholeNumber(raw, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
  };
  for (const name of TEXT_FILTERS) {
    const value = text(raw, name, MAX_FILTER_CHARACTERS);
    if (value !== null) query[name] = value;
  }
  const types = text(raw, 'type', MAX_TYPES_CHARACTERS)?.split(',').map(eventType);
  if (types !== undefined) query.types = types;
  const cursor = text(raw, 'cursor', MAX_CURSOR_CHARACTERS);
  if (cursor !== null) query.cursor = cursor;
  return query;
}

function eventType(name: string): EventType {
  const type = EVENT_TYPES.find((one) => one === name.trim());
  if (type !== undefined) return type;
  throw invalid('type', 'has a type that there is not', `use some of: ${EVENT_TYPES.join(', ')}`);
}
