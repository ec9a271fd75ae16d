import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';

interface Page {
  items: { id: string }[];
  next_page_id: string | null;
}

describe('pages of conversations', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  /** The ids on all pages, two on each. */
  const ids = async (order: string, status = ''): Promise<string[]> => {
    const found: string[] = [];
    for (let from: string | null = ''; from !== null;) {
      const route = `/api/conversations/search?limit=2&sort_order=${order}${status}${from && `&page_id=${from}`}`;
      const { items, next_page_id } = (await server.request('GET', route)).body as Page;
      found.push(...items.map(({ id }) => id));
      from = next_page_id;
    }
    return found;
  };

  it('pages conversations by creation or last change, in both directions', async () => {
    const made: string[] = [];
    // Without a run, which would change the conversations.
    const request = scriptedRequest('work');
    for (let i = 0; i < 5; i += 1) made.push((await ConversationClient.create(server, request)).id);
    const [a = '', b = '', c = '', d = '', e = ''] = made;
    for (const id of [c, a])
      expect((await server.request('PATCH', `/api/conversations/${id}`, { title: 'changed' })).status).toBe(
        200,
      );
    const changed = [b, d, e, c, a];
    expect(await ids('CREATED_AT')).toEqual(made);
    expect(await ids('CREATED_AT_DESC')).toEqual(made.toReversed());
    expect(await ids('UPDATED_AT')).toEqual(changed);
    expect(await ids('UPDATED_AT_DESC')).toEqual(changed.toReversed());
    expect(await ids('UPDATED_AT_DESC', '&status=idle')).toEqual(changed.toReversed());
    expect(await ids('UPDATED_AT_DESC', '&status=running')).toEqual([]);
  });
});
