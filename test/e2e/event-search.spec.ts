import fc from 'fast-check';
import { ConversationClient, scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

/** The filters of a search, by the names of their query parameters. */
interface Query {
  kind?: string;
  source?: string;
  body?: string;
  timestamp__gte?: string;
  timestamp__lt?: string;
  sort_order?: string;
}

/** Compares filters and pages with a simple model: all events, filtered in memory. */
describe('the search for events', () => {
  let server: ServerProcess;
  let conversation: ConversationClient;
  let all: SeenEvent[];

  beforeAll(async () => {
    server = await ServerProcess.start();
    conversation = await ConversationClient.create(
      server,
      scriptedRequest('work', 'RUN: echo one\nSAY: Done ÄÖ', { autotitle: false }),
    );
    await conversation.reaches('finished');
    for (let round = 0; round < 20; round++) {
      await conversation.send(round % 3 === 0 ? 'Hello World' : `note ${round} é%_"\\ a/b [c]\nd`, false);
      if (round % 4 === 0) await conversation.post('pause');
      if (round % 5 === 0)
        await server.request('PATCH', conversation.route, { tags: { round: String(round) } });
    }
    const { body } = await server.request('GET', `${conversation.route}/events/search?limit=100`);
    all = page(body).items;
    expect(all.length).toBeGreaterThan(40);
    expect(all.length).toBeLessThan(100);
  });
  afterAll(() => server.stop());

  const expected = (query: Query): string[] => {
    const found = all.filter(
      (event) =>
        (query.kind === undefined || event.kind === query.kind.split('.').at(-1)) &&
        (query.source === undefined || event.source === query.source) &&
        (query.timestamp__gte === undefined || event.timestamp >= query.timestamp__gte) &&
        (query.timestamp__lt === undefined || event.timestamp < query.timestamp__lt) &&
        (query.body === undefined || containsIgnoringCase(event, query.body)),
    );
    const ids = found.map(({ id }) => id);
    return query.sort_order === 'TIMESTAMP_DESC' ? ids.reverse() : ids;
  };

  /** The ids on all pages. */
  async function search(query: Query, limit: number): Promise<string[]> {
    const ids: string[] = [];
    for (let next: string | null = ''; next !== null;) {
      const parameters = new URLSearchParams({
        ...query,
        limit: String(limit),
        ...(next && { page_id: next }),
      });
      const route = `${conversation.route}/events/search?${parameters.toString()}`;
      const { items, next_page_id } = page((await server.request('GET', route)).body);
      expect(items.length).toBeLessThanOrEqual(limit);
      ids.push(...items.map(({ id }) => id));
      next = next_page_id;
    }
    return ids;
  }

  it('finds and counts the same events as a filter in memory, on pages of any size', async () => {
    const moment = fc.nat().map((index) => all[index % all.length]?.timestamp ?? '');
    const anyQuery: fc.Arbitrary<Query> = fc.record(
      {
        kind: fc.constantFrom('MessageEvent', 'PauseEvent', 'openhands.sdk.event.MessageEvent', 'NoEvent'),
        source: fc.constantFrom('user', 'agent', 'environment', 'nobody'),
        body: fc.constantFrom(
          'hello',
          'WORLD',
          'äö',
          'É',
          '%',
          '_',
          '"',
          '\\',
          'note 1',
          'A/B',
          '[C]\nd',
          'llm_message',
          'absent',
        ),
        timestamp__gte: moment,
        timestamp__lt: moment,
        sort_order: fc.constantFrom('TIMESTAMP', 'TIMESTAMP_DESC'),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(anyQuery, fc.integer({ min: 1, max: 100 }), async (query, limit) => {
        const wanted = expected(query);
        expect(await search(query, limit)).toEqual(wanted);
        const { sort_order: _, ...filter } = query;
        const count = new URLSearchParams({ ...filter }).toString();
        const answer = await server.request('GET', `${conversation.route}/events/count?${count}`);
        expect(answer.body).toBe(wanted.length);
      }),
      { numRuns: 120, seed: 3 },
    );
  });

  it('starts from the first page for an unknown page id', async () => {
    const unknown = new URLSearchParams({ limit: '3', page_id: 'nothing' }).toString();
    const answer = await server.request('GET', `${conversation.route}/events/search?${unknown}`);
    expect(page(answer.body).items).toEqual(all.slice(0, 3));
  });
});

/** Whether the text of a message contains this one. Only messages have a text to search in. */
function containsIgnoringCase(event: SeenEvent, text: string): boolean {
  const message = event['llm_message'];
  if (typeof message !== 'object' || message === null || !('content' in message)) return false;
  const parts: unknown[] = Array.isArray(message.content) ? message.content : [];
  const texts = parts.map((part) =>
    typeof part === 'object' && part !== null && 'text' in part ? String(part.text) : '',
  );
  return texts.join('\n').toLowerCase().includes(text.toLowerCase());
}

interface Page {
  items: SeenEvent[];
  next_page_id: string | null;
}

function page(body: unknown): Page {
  if (isPage(body)) return body;
  throw new Error(`no page: ${JSON.stringify(body)}`);
}

function isPage(body: unknown): body is Page {
  return typeof body === 'object' && body !== null && 'items' in body && 'next_page_id' in body;
}
