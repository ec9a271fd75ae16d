import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

interface Node {
  event_id: string | null;
  parent_event_id: string | null;
  kind: string;
  label: string;
  first_label: string;
  events: number;
  timestamp: string | null;
  active: boolean;
  is_head: boolean;
}
interface Tree {
  nodes: Node[];
  head_event_id: string | null;
  truncated: boolean;
}

describe('the tree of branches', () => {
  let server: ServerProcess;

  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  const create = (script?: string) =>
    ConversationClient.create(server, scriptedRequest(path.join(server.cwd, 'work'), script));
  const tree = async ({ route }: ConversationClient): Promise<Tree> =>
    (await server.request('GET', `${route}/branches`)).body as Tree;
  const shape = ({ nodes }: Tree): string[] =>
    nodes.map(
      ({ kind, label, events, active, is_head }) =>
        `${kind} "${label}" ${events}${active ? ' active' : ''}${is_head ? ' head' : ''}`,
    );
  const answers = async (conversation: ConversationClient, count: number): Promise<void> => {
    await eventually(
      async () => (await conversation.events('&kind=MessageEvent&source=agent')).length === count,
      `answer ${count}`,
    );
    await conversation.reaches('finished');
  };

  it('has one way without forks', async () => {
    const empty = await create();
    expect(await tree(empty)).toMatchObject({ head_event_id: null, truncated: false });
    expect(shape(await tree(empty))).toEqual(['root "" 0 active head']);
    const conversation = await create('SAY: one');
    await conversation.reaches('finished');
    expect(shape(await tree(conversation))).toEqual(['root "" 0 active', 'leaf "one" 3 active head']);
  });

  it('shows where branches part, where they end and where the head is', async () => {
    const conversation = await create('SAY: one');
    await conversation.reaches('finished');
    const [question, first] = await conversation.events('&kind=MessageEvent');
    await conversation.send('SAY: two');
    await answers(conversation, 2);
    await conversation.post('navigate', { event_id: first?.id });
    const moved = await tree(conversation);
    expect(shape(moved)).toEqual(['root "" 0 active', 'head "one" 3 active head', 'leaf "two" 2']);
    await conversation.send('SAY: three');
    await answers(conversation, 3);
    const forked = await tree(conversation);
    expect(shape(forked)).toEqual([
      'root "" 0 active',
      'fork "one" 3 active',
      'leaf "two" 2',
      'leaf "three" 2 active head',
    ]);
    expect(forked.nodes.map(({ first_label }) => first_label)).toEqual([
      '',
      'system prompt',
      'SAY: two',
      'SAY: three',
    ]);
    const fork = forked.nodes[1];
    expect(fork?.event_id).toBe(first?.id);
    expect(forked.nodes.slice(2).map(({ parent_event_id }) => parent_event_id)).toEqual([
      first?.id,
      first?.id,
    ]);
    expect(Date.parse(fork?.timestamp ?? '')).toBeCloseTo(Date.now(), -5);

    // Going on at the end of a branch makes it longer, and a new root is a branch, too.
    await conversation.post('navigate', { event_id: forked.nodes[2]?.event_id });
    await conversation.send('SAY: four');
    await answers(conversation, 4);
    await conversation.post('navigate', { event_id: null });
    expect((await tree(conversation)).head_event_id).toBeNull();
    await conversation.send('SAY: five');
    await answers(conversation, 5);
    expect(shape(await tree(conversation))).toEqual([
      'root "" 0 active',
      'fork "one" 3',
      'leaf "three" 2',
      'leaf "four" 4',
      'leaf "five" 2 active head',
    ]);
    server = await server.restart();
    expect(shape(await tree(conversation.on(server)))).toHaveLength(5);
    expect(question?.kind).toBe('MessageEvent');
  });

  it('is bounded, and keeps the active branch', async () => {
    const conversation = await create();
    await conversation.send('root', false);
    const [prompt] = await conversation.events('&kind=SystemPromptEvent');
    for (let count = 0; count < 520; count += 1) {
      await conversation.post('navigate', { event_id: prompt?.id });
      await conversation.send(`branch ${count}`, false);
    }
    const { nodes, truncated } = await tree(conversation);
    expect([nodes.length, truncated]).toEqual([500, true]);
    expect(nodes.find(({ is_head }) => is_head)?.label).toBe('branch 519');
    expect(nodes.some(({ label }) => label === 'branch 0')).toBe(false);
  });
});
