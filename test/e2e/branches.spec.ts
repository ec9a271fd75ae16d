import { access, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import {
  ConversationClient,
  scriptedRequest,
  type SeenConversation,
  type SeenEvent,
} from '../support/conversation-client.js';
import { endpointLlm, startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describe('branches and forks', () => {
  let workspace: string;
  let server: ServerProcess;

  beforeAll(async () => {
    server = await ServerProcess.start();
    workspace = path.join(server.cwd, 'work');
  });
  afterAll(() => server.stop());

  const create = (script?: string, more: Record<string, unknown> = {}) =>
    ConversationClient.create(server, scriptedRequest(workspace, script, more));
  const finalResponse = async (conversation: ConversationClient) =>
    (await conversation.server.request('GET', `${conversation.route}/agent_final_response`)).body;
  const exists = (file: string) =>
    access(file).then(
      () => true,
      () => false,
    );

  it('moves the head without an event and makes the next message a sibling, also after a crash', async () => {
    let conversation = await create('SAY: one');
    await conversation.reaches('finished');
    const before = await conversation.events();
    const question = before.find(({ kind }) => kind === 'MessageEvent');
    const prompt = before.find(({ kind }) => kind === 'SystemPromptEvent');
    const moved = await conversation.post('navigate', { event_id: prompt?.id });
    expect(moved.status).toBe(200);
    expect(moved.body).toMatchObject({
      leaf_event_id: prompt?.id,
      execution_status: 'finished',
      runtime_info: null,
    });
    expect(await finalResponse(conversation)).toEqual({ response: '' });
    expect(await conversation.events()).toEqual(before);

    // What was acknowledged survives a crash right after the answer.
    server = await server.restart('SIGKILL');
    conversation = conversation.on(server);
    expect((await conversation.info())['leaf_event_id']).toBe(prompt?.id);
    await conversation.send('SAY: two');
    await conversation.reaches('finished');
    const sibling = (await conversation.events('&kind=MessageEvent&source=user')).at(-1);
    expect(sibling?.parent_id).toBe(question?.parent_id);
    expect(await finalResponse(conversation)).toEqual({ response: 'two' });

    const answer = before.findLast(({ kind }) => kind === 'MessageEvent');
    await conversation.post('navigate', { event_id: answer?.id });
    expect(await finalResponse(conversation)).toEqual({ response: 'one' });
  });

  it('begins a new root after navigating to the start and keeps the system prompt', async () => {
    const endpoint = await startScriptedEndpoint();
    try {
      const conversation = await create('SAY: first answer', {
        agent: { llm: endpointLlm(endpoint), tools: [] },
      });
      await conversation.reaches('finished');
      const reply = await conversation.post('navigate', {});
      expect(reply.body).toMatchObject({ leaf_event_id: null });
      await conversation.send('SAY: new root');
      await conversation.reaches('finished');
      const events = await conversation.events();
      expect(events.filter(({ kind }) => kind === 'SystemPromptEvent')).toHaveLength(1);
      expect(events.findLast(({ source }) => source === 'user')?.parent_id).toBe('__root__');
      expect(endpoint.requests.at(-1)?.body.messages.map(({ role }) => role)).toEqual(['system', 'user']);
      expect(JSON.stringify(endpoint.requests.at(-1)?.body.messages)).not.toContain('first answer');
      expect(await finalResponse(conversation)).toEqual({ response: 'new root' });
    } finally {
      await endpoint.close();
    }
  });

  it('refuses to navigate to an unknown event or during a run', async () => {
    const conversation = await create('WAIT: 1000\nSAY: late');
    await conversation.reaches('running');
    expect(await conversation.post('navigate', {})).toMatchObject({
      status: 409,
      body: { detail: 'Conversation already running. Wait for completion or pause first.' },
    });
    await conversation.post('interrupt');
    expect(await conversation.post('navigate', { event_id: 'nope' })).toMatchObject({
      status: 404,
      body: { detail: 'Unknown event_id: nope' },
    });
    const unknown = new ConversationClient(server, '00000000-0000-4000-8000-000000000001');
    expect((await unknown.post('navigate', {})).body).toEqual({ detail: 'Conversation not found' });
    expect((await unknown.post('fork')).body).toEqual({ detail: 'Source conversation not found' });
  });

  it('forks a conversation with its events and head, and shares nothing with it', async () => {
    const secrets = { TOKEN: { kind: 'StaticSecret', value: 'sesame' } };
    const source = await create('RUN: echo hi\nSAY: one', { tags: { a: 'b' }, secrets });
    await source.reaches('finished');
    const { status, body } = await source.post('fork');
    expect(status).toBe(201);
    const info = await source.info();
    const fork = body as SeenConversation;
    expect(fork).toMatchObject({
      execution_status: 'idle',
      leaf_event_id: info['leaf_event_id'],
      last_user_message_id: null,
      stats: { usage_to_metrics: {} },
      title: null,
      tags: {},
      forked_from_conversation_id: source.id,
      forked_from_event_id: null,
      parent_conversation_id: null,
      runtime_info: null,
    });
    expect(Object.keys(fork)).toEqual(Object.keys(info));
    expect(Object.keys((fork['secret_registry'] as { secret_sources: object }).secret_sources)).toEqual([
      'TOKEN',
    ]);

    const copy = new ConversationClient(server, fork.id);
    const original = await source.events();
    expect(await copy.events()).toEqual(original);
    await copy.send('SAY: two');
    await copy.reaches('finished');
    expect(await source.events()).toEqual(original);
    server = await server.restart();
    const again = copy.on(server);
    expect((await again.events()).slice(0, original.length)).toEqual(original);
    expect(await finalResponse(again)).toEqual({ response: 'two' });
    expect((await again.info())['forked_from_conversation_id']).toBe(source.id);
  });

  it('forks one branch with a title, tags and statistics, without state updates', async () => {
    const source = await create('SAY: one');
    await source.reaches('finished');
    const [prompt, message] = (await source.events()).filter(({ key }) => key === undefined);
    const { status, body } = await source.post('fork', {
      title: 'T',
      tags: { x: 'y' },
      from_event_id: message?.id,
      reset_metrics: false,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      title: 'T',
      tags: { x: 'y' },
      leaf_event_id: message?.id,
      forked_from_event_id: message?.id,
      stats: { usage_to_metrics: { agent: { model_name: 'scripted/test' } } },
    });
    const fork = new ConversationClient(server, (body as SeenConversation).id);
    expect((await fork.events()).map(({ id }) => id)).toEqual([prompt?.id, message?.id]);
    await fork.send('SAY: other');
    await fork.reaches('finished');
    expect((await fork.events()).filter(({ kind }) => kind === 'SystemPromptEvent')).toHaveLength(1);
  });

  it('reports what is wrong with a fork request and leaves no folder behind', async () => {
    const source = await create('SAY: one');
    await source.reaches('finished');
    const folders = async () => (await readdir(path.join(server.cwd, 'workspace/conversations'))).length;
    const before = await folders();
    const refused = async (body: unknown) => {
      const answer = await source.post('fork', body);
      return [answer.status, (answer.body as { detail: unknown }).detail];
    };
    expect(await refused({ id: source.id })).toEqual([
      409,
      `Conversation with id ${source.id} already exists`,
    ]);
    expect(await refused({ from_event_id: 'nope' })).toEqual([404, 'Unknown from_event_id: nope']);
    expect((await refused({ title: 'x'.repeat(201) }))[0]).toBe(422);
    expect(await folders()).toBe(before);
    const id = '11111111-2222-4333-8444-555555555555';
    const both = await Promise.all([source.post('fork', { id }), source.post('fork', { id })]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it('copies the task list and the long outputs of the agent to a fork', async () => {
    const plan = JSON.stringify({ command: 'plan', task_list: [{ title: 'write it', status: 'todo' }] });
    const source = await create(`TOOL: task_tracker ${plan}\nRUN: seq 1 20000\nSAY: done`);
    await source.reaches('finished');
    const fork = new ConversationClient(server, ((await source.post('fork')).body as SeenConversation).id);
    const events = JSON.stringify(await fork.events());
    const folderOf = ({ id }: ConversationClient) =>
      path.join(server.cwd, 'workspace', 'conversations', id.replaceAll('-', ''));
    const [output] = await readdir(path.join(folderOf(fork), 'observations'));
    // Compared as booleans, or a failure would print the whole log.
    expect(events.includes(`${path.basename(folderOf(fork))}/observations`)).toBe(true);
    expect(events.includes(path.basename(folderOf(source)))).toBe(false);

    await server.request('DELETE', source.route);
    const text = await readFile(path.join(folderOf(fork), 'observations', output ?? ''), 'utf8');
    expect(text.includes('20000')).toBe(true);
    await fork.send('TOOL: task_tracker {"command": "view"}\nSAY: seen');
    await fork.reaches('finished');
    expect(JSON.stringify((await fork.events('&kind=ObservationEvent')).at(-1))).toContain('write it');
    // A fork from an earlier event has only the tasks that its log records.
    const [first] = await fork.events('&kind=MessageEvent');
    const early = (await fork.post('fork', { from_event_id: first?.id })).body as SeenConversation;
    expect(await readdir(folderOf(new ConversationClient(server, early.id)))).not.toContain('TASKS.json');
  });

  it('keeps actions waiting for confirmation in a fork', async () => {
    const source = await create('RUN: echo hi\nSAY: end', { confirmation_policy: { kind: 'AlwaysConfirm' } });
    await source.reaches('waiting_for_confirmation');
    const fork = new ConversationClient(server, ((await source.post('fork')).body as SeenConversation).id);
    expect(await fork.status()).toBe('waiting_for_confirmation');
    await fork.post('events/respond_to_confirmation', { accept: false });
    expect((await fork.events()).at(-1)?.kind).toBe('UserRejectObservation');
    expect(await source.status()).toBe('waiting_for_confirmation');
  });

  it('does not repeat in a fork the action that the source is executing', async () => {
    const source = await create('RUN: echo once >> ran; read -t 1000 < <(sleep 1000)\nSAY: end');
    await eventually(() => exists(path.join(workspace, 'ran')), 'the command');
    const [action] = await source.events('&kind=ActionEvent');
    for (const request of [{}, { from_event_id: action?.id }]) {
      const { status, body } = await source.post('fork', request);
      expect([status, (body as SeenConversation).execution_status]).toEqual([201, 'idle']);
      const fork = new ConversationClient(server, (body as SeenConversation).id);
      const last = (await fork.events()).at(-1);
      expect(last).toMatchObject({ kind: 'AgentErrorEvent', parent_id: action?.id });
      expect((await fork.info())['leaf_event_id']).toBe(last?.id);
      await fork.send('SAY: here');
      await fork.reaches('finished');
      expect(await fork.events('&kind=ObservationEvent')).toEqual([]);
    }
    expect(await readFile(path.join(workspace, 'ran'), 'utf8')).toBe('once\n');
    await source.post('interrupt');
  });

  it('builds the same tree of events as a simple model', async () => {
    const anyStep = fc.oneof(
      fc.record({ do: fc.constant('say' as const) }),
      fc.record({ do: fc.constant('navigate' as const), to: fc.nat() }),
      fc.record({ do: fc.constant('fork' as const), to: fc.option(fc.nat()) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 3, maxLength: 10 }), async (steps) => {
        let conversation = await create();
        const parents = new Map<string, string | undefined>();
        let head: string | undefined;
        const addToModel = (events: SeenEvent[]) => {
          for (const event of events) {
            if (event.key !== undefined || parents.has(event.id)) continue;
            expect(event.parent_id).toBe(head ?? (parents.size === 0 ? undefined : '__root__'));
            parents.set(event.id, event.parent_id);
            head = event.id;
          }
        };
        const pathTo = (id: string): string[] => {
          const parent = parents.get(id);
          return [...(parent === undefined || parent === '__root__' ? [] : pathTo(parent)), id];
        };
        for (const step of steps) {
          const ids = [...parents.keys()];
          const target = step.do !== 'say' && step.to !== null ? ids[step.to % (ids.length + 1)] : undefined;
          if (step.do === 'say') {
            await conversation.send('hello', false);
            addToModel(await conversation.events());
          } else if (step.do === 'navigate') {
            const { body } = await conversation.post('navigate', { event_id: target ?? null });
            head = target;
            expect((body as SeenConversation)['leaf_event_id']).toBe(target ?? null);
          } else {
            const { body } = await conversation.post('fork', { from_event_id: target ?? null });
            conversation = new ConversationClient(server, (body as SeenConversation).id);
            if (target !== undefined) {
              const kept = pathTo(target);
              const [prompt] = ids;
              const expected = prompt === undefined || kept.includes(prompt) ? kept : [prompt, ...kept];
              for (const id of ids) if (!expected.includes(id)) parents.delete(id);
              head = target;
            }
            const seen = (await conversation.events()).filter(({ key }) => key === undefined);
            expect(seen.map(({ id, parent_id }) => [id, parent_id])).toEqual([...parents]);
            expect((await conversation.info())['leaf_event_id']).toBe(head ?? null);
          }
        }
      }),
      { numRuns: 15 },
    );
  });
});
