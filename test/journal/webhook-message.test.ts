import assert from 'node:assert/strict';
import type { AuditEvent, JournalEntry } from '../../server/journal/event.ts';
import {
  eventName,
  isEventPattern,
  isNamedEvent,
  WEBHOOK_EVENTS,
} from '../../server/journal/webhook-events.ts';
import { MAX_JSON_TEXT_CHARACTERS, webhookBody } from '../../server/journal/webhook-message.ts';

const URL = 'https://bastion.example';

function entry(changes: Partial<AuditEvent>): JournalEntry {
  return {
    seq: 7,
    at: '2026-01-01T10:00:00.000Z',
    type: 'approval.requested',
    principal: 'deploy-bot',
    source: '192.0.2.7:50000',
    session: '0197a000-0000-7000-8000-000000000001',
    target: 'web1',
    data: { id: 'ab12cd', text: 'shutdown -h now', rule: 'power', reason: 'a person looks first' },
    prevHash: '0'.repeat(64),
    hash: 'f'.repeat(64),
    ...changes,
  };
}

interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly {
    readonly type: string;
    readonly text?: { readonly type: string; readonly text: string };
    readonly fields?: readonly { readonly type: string; readonly text: string }[];
  }[];
}
interface TeamsMessage {
  readonly type: string;
  readonly attachments: readonly {
    readonly contentType: string;
    readonly content: {
      readonly type: string;
      readonly version: string;
      readonly body: readonly {
        readonly type: string;
        readonly inlines: readonly { readonly type: string; readonly text: string }[];
      }[];
      readonly actions: readonly { readonly type: string; readonly url: string }[];
    };
  }[];
}

const HOSTILE = [
  'echo <!channel> <@U123> <https://evil.example|Approve> & done',
  '``` *bold* _it_ ~no~ `x` \n>quote\n<!here>',
  '[Approve](https://evil.example) **now** <at>ann</at>',
  '\u001b[31mred\u0007\u202egnp.exe\u2066\0',
  '&'.repeat(70_000),
  '`'.repeat(70_000),
  '😀'.repeat(40_000),
  '\ud800 alone',
  '',
];

describe('messages of webhooks', () => {
  it('names an event by what it says', () => {
    const decided = { type: 'command.decided', data: { verdict: 'deny' } } as const;
    assert.equal(eventName(decided), 'command.denied');
    assert.equal(eventName({ type: 'command.decided', data: {} }), 'command.decided');
    const cases: readonly (readonly [readonly string[], boolean])[] = [
      [['command.denied'], true],
      [['command.decided'], true],
      [['command.*'], true],
      [['*'], true],
      [['command.allowed', 'approval.*'], false],
      [['command'], false],
    ];
    for (const [patterns, expected] of cases) {
      assert.equal(isNamedEvent(patterns, decided), expected, patterns.join());
    }
    for (const name of WEBHOOK_EVENTS) assert.ok(isEventPattern(name), name);
    assert.deepEqual(
      ['*', 'approval.*', 'approva.*', 'command.den', '.*', ''].map(isEventPattern),
      [true, true, false, false, false, false],
    );
  });

  it('has the form of Standard Webhooks as JSON, with what the journal says', () => {
    const said = JSON.parse(webhookBody(entry({}), 'json', URL)) as unknown;
    assert.deepEqual(said, {
      type: 'approval.requested',
      timestamp: '2026-01-01T10:00:00.000Z',
      data: {
        seq: 7,
        event: 'approval.requested',
        principal: 'deploy-bot',
        source: '192.0.2.7:50000',
        session: '0197a000-0000-7000-8000-000000000001',
        target: 'web1',
        url: `${URL}/approvals/ab12cd`,
        details: {
          id: 'ab12cd',
          text: 'shutdown -h now',
          rule: 'power',
          reason: 'a person looks first',
        },
      },
    });
  });

  it('leads to where it can be decided or seen', () => {
    const links: readonly (readonly [Partial<AuditEvent>, string | null])[] = [
      [{}, `${URL}/approvals/ab12cd`],
      [{ type: 'access.requested', data: { request: 'x/y' } }, `${URL}/approvals/x%2Fy`],
      [
        { type: 'command.decided', data: { verdict: 'deny', seq: 3 } },
        `${URL}/sessions/0197a000-0000-7000-8000-000000000001#cmd-3`,
      ],
      [{ type: 'config.changed', session: null, data: {} }, null],
    ];
    for (const [changes, link] of links) {
      const said = JSON.parse(webhookBody(entry(changes), 'json', URL)) as {
        data: { url: string | null };
      };
      assert.equal(said.data.url, link);
    }
  });

  for (const text of HOSTILE) {
    const shown = JSON.stringify(text.slice(0, 40));

    it(`keeps within Slack's limits and makes nothing of ${shown}`, () => {
      const data = { id: 'ab12cd', text, rule: text, reason: text, requester: text };
      const body = webhookBody(entry({ data }), 'slack', URL);
      const message = JSON.parse(body) as SlackMessage;
      assert.ok(message.text.length > 0 && message.text.length <= 3_000);
      assert.ok(message.blocks.length <= 50);
      const texts = message.blocks.flatMap((block) => [
        ...(block.text === undefined ? [] : [block.text]),
        ...(block.fields ?? []),
      ]);
      for (const block of message.blocks) assert.ok((block.fields ?? []).length <= 10);
      for (const one of message.blocks.flatMap(({ fields }) => fields ?? [])) {
        assert.ok(one.text.length > 0 && one.text.length <= 2_000);
      }
      for (const one of texts) {
        assert.equal(one.type, 'mrkdwn');
        assert.ok(one.text.length > 0 && one.text.length <= 3_000, String(one.text.length));
        const links = one.text.match(/<[^>]*>/g) ?? [];
        const ours = `<${URL}/approvals/ab12cd|Open it in Sallyport>`;
        assert.deepEqual(
          links.filter((link) => link !== ours),
          [],
        );
        // Code begins and ends where we say: what is inside is not read as anything else.
        const inside = one.text.replace(/^\*[^*]*\*:?\s?/, '').replace(ours, '');
        assert.match(inside, /^(```[^`]*```|(`[^`]*`( on )?)*)$/s);
        assert.doesNotMatch(one.text.replaceAll('\n', ''), /[\p{Cc}\u202e\u2066]/u);
        assert.ok(one.text.isWellFormed());
      }
    });

    it(`is a card for Teams that reads nothing into ${shown}`, () => {
      const data = { id: 'ab12cd', text, rule: text, reason: text, requester: text };
      const body = webhookBody(entry({ data }), 'teams', URL);
      assert.ok(Buffer.byteLength(body) < 28_000, String(body.length));
      const message = JSON.parse(body) as TeamsMessage;
      assert.equal(message.type, 'message');
      const [attachment] = message.attachments;
      assert.equal(attachment?.contentType, 'application/vnd.microsoft.card.adaptive');
      const { actions, body: blocks, type, version } = attachment.content;
      assert.deepEqual([type, version], ['AdaptiveCard', '1.4']);
      // Markdown is read in text blocks and facts, never in runs.
      for (const block of blocks) {
        assert.equal(block.type, 'RichTextBlock');
        for (const run of block.inlines) {
          assert.equal(run.type, 'TextRun');
          assert.ok(run.text.isWellFormed());
        }
      }
      assert.deepEqual(actions, [
        {
          type: 'Action.OpenUrl',
          title: 'Open it in Sallyport',
          url: `${URL}/approvals/ab12cd`,
        },
      ]);
    });

    it(`bounds the JSON of ${shown}`, () => {
      const body = webhookBody(entry({ data: { text, more: [text, { text }] } }), 'json', URL);
      const said = JSON.parse(body) as { data: { details: { text: string } } };
      assert.ok(said.data.details.text.length <= MAX_JSON_TEXT_CHARACTERS + 1);
    });
  }
});
