import type * as Client from '@openhands/typescript-client';
import path from 'node:path';
import { startScriptedEndpoint, type EndpointStep } from '../support/scripted-endpoint.js';
import { eventually } from '../support/server-process.js';
import { TypeScriptClientFixture } from '../support/typescript-client-fixture.js';
import { writeFiles } from '../support/write-files.js';
import { zipEntries } from '../support/zip-entries.js';

const UNKNOWN = '01234567-89ab-cdef-0123-456789abcdef';
const UNSEEN: Client.Event = {
  id: UNKNOWN,
  kind: 'MessageEvent',
  source: 'user',
  timestamp: '2030-01-01T00:00:00',
};
const HOOKS = { stop: [{ matcher: '*', hooks: [{ type: 'command', command: 'exit 0' }] }] };

describe('the TypeScript client on the state and the events of a conversation', () => {
  let fixture: TypeScriptClientFixture;
  let http: Client.HttpClient;

  beforeAll(async () => {
    fixture = await TypeScriptClientFixture.start();
    http = new fixture.client.HttpClient({ baseUrl: fixture.server.url, apiKey: fixture.options.apiKey });
  });
  afterAll(() => fixture.stop());

  async function finished(script: string): Promise<Client.RemoteConversation> {
    const conversation = fixture.conversation();
    await conversation.start({ initialMessage: script });
    await fixture.reaches(conversation, 'finished');
    return conversation;
  }

  it('reads the state over REST', async () => {
    const conversation = await finished('FINISH: done');
    const { id } = conversation;
    const state = new fixture.client.RemoteState(http, id);
    expect(state.id).toBe(id);
    expect(await state.getExecutionStatus()).toBe('finished');
    expect(await state.getConfirmationPolicy()).toEqual({ kind: 'NeverConfirm' });
    expect(await state.getActivatedKnowledgeSkills()).toEqual([]);
    expect(await state.getAgent()).toMatchObject({ kind: 'Agent', llm: { model: 'scripted/test' } });
    expect(await state.getWorkspace()).toEqual({ kind: 'LocalWorkspace', working_dir: fixture.folder });
    expect(path.basename(await state.getPersistenceDir())).toBe(id.replaceAll('-', ''));
    expect(JSON.parse(await state.modelDumpJson())).toEqual(await state.modelDump());
    await conversation.setTitle('Later');
    const kind = 'ConversationStateUpdateEvent' as const;
    for (const event of (await state.events.search({ kind })).items) {
      const { key, value } = { key: '', value: undefined, ...event };
      await state.updateStateFromEvent({ ...event, kind, key, value });
    }
    expect(await state.getExecutionStatus()).toBe('finished');
    await expect(new fixture.client.RemoteState(http, UNKNOWN).getAgent()).rejects.toMatchObject({
      status: 404,
    });
    await conversation.close();
  });

  it('follows the state over a socket', async () => {
    const conversation = fixture.conversation();
    await conversation.start();
    const state = new fixture.client.RemoteState(http, conversation.id);
    const errors: Error[] = [];
    const seen: Client.Event[] = [];
    const update = state.createStateUpdateCallback((error) => errors.push(error));
    const remember = state.events.createDefaultCallback((error) => errors.push(error));
    const socket = new fixture.client.WebSocketCallbackClient({
      ...{ ...fixture.options, conversationId: conversation.id, onError: (error) => errors.push(error) },
      callback: (event) => {
        seen.push(event);
        update(event);
        remember(event);
      },
    });
    socket.start();
    await eventually(() => Promise.resolve(seen.length > 0), 'the first snapshot');
    await conversation.sendMessage('RUN: true\nFINISH: done');
    await conversation.run();
    const ids = async () => (await state.events.search()).items.map(({ id }) => id);
    const isComplete = async () => (await ids()).every((id) => seen.some((event) => event.id === id));
    await fixture.reaches(conversation, 'finished');
    await eventually(isComplete, 'all events');
    expect(await state.getExecutionStatus()).toBe('finished');
    expect(await state.events.length()).toBe(seen.length);
    expect(await state.events.getEvent(0)).toEqual(seen[0]);
    // The events of the socket and those of the search are the same.
    const stored = new Set(await ids());
    expect((await state.events.getEvents()).filter(({ id }) => stored.has(id))).toEqual(
      seen.filter(({ id }) => stored.has(id)),
    );
    socket.stop();
    expect(errors).toEqual([]);
    await conversation.close();
  });

  it('searches, counts and iterates over events', async () => {
    const conversation = await finished('RUN: echo needle\nFINISH: done');
    const list = new fixture.client.RemoteEventsList(http, conversation.id);
    const { items } = await list.search({ sort_order: 'TIMESTAMP' });
    const action = items.find((event) => fixture.client.isActionEvent(event));
    const [first] = items;
    expect(await list.count()).toBe(items.length);
    expect(await list.count({ kind: 'ActionEvent', source: 'agent' })).toBe(2);
    expect(await list.count({ kind: 'MessageEvent', body: 'needle' })).toBe(1);
    expect(await list.count({ timestamp__lt: first?.timestamp })).toBe(0);
    const page = await list.search({ limit: 2, sort_order: 'TIMESTAMP_DESC' });
    expect(page.items).toEqual(items.toReversed().slice(0, 2));
    const older = await list.search({ limit: 2, sort_order: 'TIMESTAMP_DESC', page_id: page.next_page_id });
    expect(older.items).toEqual(items.toReversed().slice(2, 4));
    expect(await list.getEventById(action?.id ?? '')).toMatchObject(action ?? {});
    await expect(list.getEventById(UNKNOWN)).rejects.toMatchObject({ status: 404 });
    expect((await list.getEventsById([UNKNOWN, first?.id ?? ''])).map((event) => event?.id)).toEqual([
      undefined,
      first?.id,
    ]);
    await expect(list.search({ limit: 1000 })).rejects.toMatchObject({ status: 422 });

    const walked: string[] = [];
    for await (const { id } of list) walked.push(id);
    expect(walked).toEqual(items.map(({ id }) => id));
    await list.addEvent(first ?? { ...UNSEEN, id: '' });
    await list.append(UNSEEN);
    expect((await list.getEvents(-1)).map(({ id }) => id)).toEqual([UNKNOWN]);
    await conversation.close();
  });

  it('recognises the kinds of events', async () => {
    const conversation = await finished('RUN: echo one\nTOOL: terminal {"command": 5}\nFINISH: done');
    await conversation.sendMessage('FAIL: 401 no such key');
    await conversation.run();
    await fixture.reaches(conversation, 'error');
    const { items } = await conversation.state.events.search();
    const { client } = fixture;
    const kinds = (is: (event: Client.BaseEvent) => boolean) => [
      ...new Set(items.filter(is).map(({ kind }) => kind)),
    ];
    expect([
      ...[kinds(client.isMessageEvent), kinds(client.isActionEvent), kinds(client.isObservationEvent)],
      ...[kinds(client.isAgentErrorEvent), kinds(client.isObservationLike)],
      ...[kinds(client.isConversationErrorEvent)],
    ]).toEqual([
      ...[['MessageEvent'], ['ActionEvent'], ['ObservationEvent']],
      ...[['AgentErrorEvent'], ['ObservationEvent', 'AgentErrorEvent'], ['ConversationErrorEvent']],
    ]);
    expect(new client.StuckDetector().isStuck(items)).toEqual({ isStuck: false });
    await conversation.close();
  });

  it('sends and loads hooks, downloads the trajectory and reconnects its socket', async () => {
    await writeFiles(fixture.folder, {
      '.openhands/hooks.json': JSON.stringify({ hooks: { Stop: [{ hooks: [{ command: 'exit 0' }] }] } }),
    });
    const { client } = fixture;
    const hookConfig = client.hookConfigFromData(HOOKS);
    const conversation = fixture.conversation({ hookConfig });
    await conversation.start({ initialMessage: 'FINISH: done' });
    await fixture.reaches(conversation, 'finished');
    const loaded = await conversation.loadHooks();
    if (!loaded) throw new Error('no hooks');
    expect(loaded).toMatchObject({ stop: [{ hooks: [{ command: 'exit 0' }] }] });
    expect(client.isHookConfigEmpty(loaded)).toBe(false);
    expect(await conversation.loadHooks('/nowhere')).toBeNull();
    expect(await conversation.getHookConfig()).toMatchObject(client.hookConfigToJSON(hookConfig));
    expect(client.getHooksForEvent(loaded, client.HookEventType.STOP)).toHaveLength(1);
    expect(client.hasHooksForEvent(loaded, client.HookEventType.PRE_TOOL_USE)).toBe(false);
    // Hooks of type Stop run behind the status `finished`: they may send the agent back to work.
    await eventually(async () => {
      const { items } = await conversation.state.events.search({ kind: 'HookExecutionEvent' });
      return items.filter((event) => client.isHookExecutionEvent(event)).length === 1;
    }, 'the event of the hook');

    const zip = await conversation.downloadTrajectory();
    const names = [...zipEntries(Buffer.from(await zip.arrayBuffer())).keys()];
    expect(names).toContain(`${conversation.id.replaceAll('-', '')}/meta.json`);

    const seen: Client.Event[] = [];
    const other = fixture.conversation({
      conversationId: conversation.id,
      callback: (event) => seen.push(event),
    });
    await other.startWebSocketClient();
    await eventually(() => Promise.resolve(seen.length > 0), 'the first snapshot');
    await other.stopWebSocketClient();
    await conversation.setTitle('After the socket');
    await other.startWebSocketClient();
    await eventually(() => Promise.resolve(seen.length > 1), 'the second snapshot');
    expect(seen.map(({ kind }) => kind)).toEqual(Array(2).fill('ConversationStateUpdateEvent'));
    await Promise.all([conversation.close(), other.close()]);
  });

  it('condenses a conversation', async () => {
    const llm = { model: 'scripted/test', usage_id: 'condenser' };
    const agent = {
      ...{ kind: 'Agent', llm: { ...llm, usage_id: 'agent' }, tools: [] },
      condenser: { kind: 'LLMSummarizingCondenser', llm },
    };
    const conversation = new fixture.client.RemoteConversation(agent, fixture.workspace);
    const thoughts = [1, 2, 3, 4, 5].map((step) => `TOOL: think {"thought": "${step}"}`);
    await conversation.start({ initialMessage: [...thoughts, 'FINISH: done'].join('\n') });
    await fixture.reaches(conversation, 'finished');
    await conversation.condense();
    const { items } = await conversation.state.events.search();
    const [condensation] = items.filter((event) => fixture.client.isCondensationEvent(event));
    expect(condensation).toMatchObject({ summary: expect.any(String) as unknown, summary_offset: 2 });
    await conversation.close();

    const short = await finished('FINISH: done');
    await expect(short.condense()).rejects.toMatchObject({ status: 409 });
    await short.close();
  });

  it('starts, stops and resumes goals with another profile', async () => {
    const verdict = (complete: boolean): EndpointStep => ({
      say: JSON.stringify({ complete, score: complete ? 1 : 0, missing: [], reason: 'because' }),
    });
    const endpoint = await startScriptedEndpoint({
      script: [{ say: 'begun' }, { hang: true }],
    });
    const { base_url, ...llm } = { model: 'openai/scripted', base_url: endpoint.url, api_key: 'x' };
    const profiles = new fixture.clients.ProfilesClient(fixture.options);
    await profiles.saveProfile('endpoint', { llm: { ...llm, base_url }, include_secrets: true });
    const conversation = fixture.conversation();
    await conversation.start();
    // A conversation with a title does not request one from the model.
    await conversation.setTitle('A goal');
    await conversation.switchProfile('endpoint');
    const goal = async () => {
      const { items } = await conversation.state.events.search({ kind: 'ConversationStateUpdateEvent' });
      return items
        .filter((event) => Reflect.get(event, 'key') === 'goal')
        .map((event) => Reflect.get(event, 'value') as object);
    };
    const status = async () => Reflect.get((await goal()).at(-1) ?? {}, 'status') as unknown;
    await expect(conversation.startGoal('')).rejects.toMatchObject({ status: 400 });
    await expect(conversation.resumeGoal()).rejects.toMatchObject({ status: 400 });
    await conversation.startGoal('make it', 3);
    await eventually(() => Promise.resolve(endpoint.requests.length === 2), 'the audit');
    await expect(conversation.startGoal('another')).rejects.toMatchObject({ status: 409 });
    await conversation.stopGoal();
    await eventually(async () => (await status()) === 'interrupted', 'the goal to stop');
    endpoint.script([{ say: 'made' }, verdict(true)]);
    await conversation.resumeGoal();
    await eventually(async () => (await status()) === 'complete', 'the goal to be reached');
    expect((await goal()).at(-1)).toMatchObject({ objective: 'make it', max_iterations: 3, active: false });
    await conversation.close();
    profiles.close();
    await endpoint.close();
  });

  it('creates conversations and workspaces with its factories', async () => {
    const { client } = fixture;
    const options = { ...fixture.options, workingDir: fixture.folder };
    const agent = { kind: 'Agent', llm: { model: 'scripted/test' } };
    const conversations = new fixture.clients.ConversationClient(fixture.options);
    const workspaces = [
      client.createWorkspace({ type: 'remote', options }),
      client.createWorkspaceAuto(options),
      new client.Workspace(options),
    ];
    for (const workspace of workspaces) {
      if (!(workspace instanceof client.RemoteWorkspace)) throw new Error('no remote workspace');
      const made = [
        client.createConversation({ type: 'remote', agent, workspace }),
        client.createConversationAuto(agent, workspace),
        new client.Conversation(agent, workspace),
      ];
      for (const conversation of made) {
        await conversation.start({ initialMessage: 'FINISH: made' });
        expect((await conversations.getConversation(conversation.id)).workspace).toMatchObject({
          working_dir: fixture.folder,
        });
      }
    }
  });
});
