/**
 * What others are told of an entry of the journal: as JSON, and as messages of Slack and Teams. Pure. Texts
 * come from clients and targets: nothing in them can address people, make links or forge lines. Not caught
 * here: secrets that no mask knows; the text is what approvers see.
 */
import { printable } from '../printable.ts';
import type { JournalEntry, JsonValue } from './event.ts';
import { eventName } from './webhook-events.ts';

export type MessageFormat = 'json' | 'slack' | 'teams';

/** Longest text of a message for people, and of any text in JSON. */
export const MAX_SHOWN_CHARACTERS = 1_500;
export const MAX_JSON_TEXT_CHARACTERS = 10_000;
/** Slack refuses longer texts of a section, 3,000, and of a field, 2,000; escapes count. */
const MAX_SECTION_CHARACTERS = 2_900;
const MAX_FACT_CHARACTERS = 300;
const MAX_FACTS = 10;

/** @param publicUrl where browsers reach the bastion, without a final slash */
export function webhookBody(entry: JournalEntry, format: MessageFormat, publicUrl: string): string {
  const notice = noticeOf(entry, publicUrl);
  switch (format) {
    case 'json':
      return JSON.stringify(jsonMessage(entry, notice.link));
    case 'slack':
      return JSON.stringify(slackMessage(notice));
    case 'teams':
      return JSON.stringify(teamsMessage(notice));
  }
}

/** An entry in words. */
interface Notice {
  readonly title: string;
  /** What was asked for or decided, as approvers see it; '' = nothing. */
  readonly text: string;
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly link: string | null;
}

const TITLES: Readonly<Record<string, string>> = {
  'approval.requested': 'Approval wanted',
  'approval.agreed': 'One approval of several',
  'approval.escalated': 'Still no decision: others may decide now',
  'approval.decided': 'Approval decided',
  'approval.expired': 'Approval expired',
  'approval.cancelled': 'Approval no longer wanted',
  'access.requested': 'Access asked for',
  'access.granted': 'Access granted for a time',
  'access.refused': 'Access refused',
  'access.ended': 'Access has ended',
  'command.denied': 'Command denied',
  'command.held': 'Command held',
  'session.started': 'Session started',
  'session.ended': 'Session ended',
};

/** What is told of an entry beside its text, in this order, when it is there. */
const FACTS: readonly (readonly [name: string, label: string])[] = [
  ['requester', 'Asked by'],
  ['login', 'Login'],
  ['decision', 'Decision'],
  ['rule', 'Rule'],
  ['reason', 'Reason'],
  ['why', 'Why'],
  ['run', 'Run'],
  ['task', 'Task'],
  ['expiresAt', 'Expires'],
  ['endsAt', 'Ends'],
];

function noticeOf(entry: JournalEntry, publicUrl: string): Notice {
  const { data, principal, target } = entry;
  const name = eventName(entry);
  const facts: [string, string][] = [];
  if (principal !== null) facts.push(['Who', principal]);
  if (target !== null) facts.push(['Target', target]);
  for (const [key, label] of FACTS) {
    const value = data[key];
    if (typeof value === 'string' && value !== '') facts.push([label, value]);
  }
  const seconds = data['durationS'];
  if (typeof seconds === 'number') facts.push(['For', `${seconds} s`]);
  const text = data['text'];
  return {
    title: TITLES[name] ?? name,
    text: typeof text === 'string' ? text : '',
    facts: facts.slice(0, MAX_FACTS).map(([label, value]) => [label, fact(value)] as const),
    link: linkOf(entry, publicUrl),
  };
}

/** The page where it can be decided, or looked at. */
function linkOf({ data, session, type }: JournalEntry, publicUrl: string): string | null {
  const { id, request, seq } = data;
  if (type.startsWith('approval.') && typeof id === 'string') {
    return `${publicUrl}/approvals/${encodeURIComponent(id)}`;
  }
  if (type.startsWith('access.') && typeof request === 'string') {
    return `${publicUrl}/approvals/${encodeURIComponent(request)}`;
  }
  if (session === null) return null;
  const place = typeof seq === 'number' && type.startsWith('command.') ? `#cmd-${seq}` : '';
  return `${publicUrl}/sessions/${encodeURIComponent(session)}${place}`;
}

function fact(value: string): string {
  return printable(value.toWellFormed(), MAX_FACT_CHARACTERS, ' ');
}

// --- JSON: the payload of Standard Webhooks -----------------------------------------------------

function jsonMessage(entry: JournalEntry, url: string | null): JsonValue {
  const { at, data, principal, seq, session, source, target, type } = entry;
  return {
    type: eventName(entry),
    timestamp: at,
    data: { seq, event: type, principal, source, session, target, url, details: clipped(data) },
  };
}

function clipped(value: JsonValue): JsonValue {
  if (typeof value === 'string') {
    return value.length > MAX_JSON_TEXT_CHARACTERS
      ? `${value.slice(0, MAX_JSON_TEXT_CHARACTERS).toWellFormed()}…`
      : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(clipped);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, clipped(one)]));
}

// --- Slack: blocks of an incoming webhook -------------------------------------------------------

function slackMessage({ facts, link, text, title }: Notice): JsonValue {
  const said = facts.slice(0, 2).map(([, value]) => slackCode(value, MAX_FACT_CHARACTERS));
  const headline = `*${slackEscaped(title)}*${said.length === 0 ? '' : `: ${said.join(' on ')}`}`;
  const blocks: JsonValue[] = [section(headline)];
  if (text !== '') blocks.push(section(`\`\`\`${slackLiteral(shownLines(text))}\`\`\``));
  const fields = facts.map(([label, value]) => ({
    type: 'mrkdwn',
    text: `*${slackEscaped(label)}*\n${slackCode(value, MAX_FACT_CHARACTERS)}`,
  }));
  if (fields.length > 0) blocks.push({ type: 'section', fields });
  if (link !== null) blocks.push(section(`<${link}|Open it in Sallyport>`));
  // What notifications and clients without blocks show; it is read as mrkdwn too.
  return { text: headline, blocks };
}

function section(text: string): JsonValue {
  return { type: 'section', text: { type: 'mrkdwn', text } };
}

/** Slack's own rule: these three and no others. They also make mentions and links. */
function slackEscaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Text inside code, which a backtick would end. */
function slackLiteral(text: string): string {
  const safe = (part: string): string => slackEscaped(part.replaceAll('`', 'ˋ'));
  let kept = text;
  while (safe(kept).length > MAX_SECTION_CHARACTERS) {
    kept = `${kept.slice(0, Math.floor(kept.length * 0.8)).toWellFormed()}…`;
  }
  return safe(kept);
}

function slackCode(value: string, maxCharacters: number): string {
  const text = printable(value, maxCharacters, ' ').trim();
  return `\`${slackLiteral(text === '' ? '(nothing)' : text)}\``;
}

// --- Teams: an Adaptive Card for a workflow's webhook ---------------------------------------------

/** Text runs aren't read as Markdown, other than text blocks and facts. */
function teamsMessage({ facts, link, text, title }: Notice): JsonValue {
  const run = (value: string, more: { readonly [name: string]: JsonValue } = {}): JsonValue => ({
    type: 'TextRun',
    text: value,
    ...more,
  });
  const lines = (inlines: readonly JsonValue[]): JsonValue => ({ type: 'RichTextBlock', inlines });
  const body: JsonValue[] = [lines([run(title, { weight: 'Bolder', size: 'Medium' })])];
  if (text !== '') body.push(lines([run(shownLines(text), { fontType: 'Monospace' })]));
  for (const [label, value] of facts) {
    body.push(lines([run(`${label}: `, { weight: 'Bolder' }), run(value)]));
  }
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body,
    actions:
      link === null ? [] : [{ type: 'Action.OpenUrl', title: 'Open it in Sallyport', url: link }],
  };
  const contentType = 'application/vnd.microsoft.card.adaptive';
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content }] };
}

/** Of several lines, each made harmless. */
function shownLines(text: string): string {
  const isLong = text.length > MAX_SHOWN_CHARACTERS;
  const head = isLong ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
  return head
    .toWellFormed()
    .split(/\r\n|\r|\n/)
    .map((line) => printable(line, MAX_SHOWN_CHARACTERS))
    .join('\n');
}
