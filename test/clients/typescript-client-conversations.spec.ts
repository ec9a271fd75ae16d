import type * as Client from '@openhands/typescript-client';
import type * as Clients from '@openhands/typescript-client/clients';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { acpCommand } from '../support/acp.js';
import { eventually } from '../support/server-process.js';
import { TypeScriptClientFixture } from '../support/typescript-client-fixture.js';

const UNKNOWN = '01234567-89ab-cdef-0123-456789abcdef';
const LLM = { model: 'scripted/test', usage_id: 'agent' };
const AGENT = { kind: 'Agent', llm: LLM, tools: [{ name: 'terminal' }] };
const message = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] });

describe('the TypeScript client on conversations', () => {
  let fixture: TypeScriptClientFixture;
  let conversations: Clients.ConversationClient;
  let manager: Client.ConversationManager;

  beforeAll(async () => {
    fixture = await TypeScriptClientFixture.start();
    conversations = new fixture.clients.ConversationClient(fixture.options);
    manager = new fixture.client.ConversationManager(fixture.options);
  });
  afterAll(async () => {
    conversations.close();
    manager.close();
    await fixture.stop();
  });

  const create = (text?: string, more: object = {}) =>
    conversations.createConversation({
      agent: AGENT,
      workspace: { working_dir: fixture.folder },
      autotitle: false,
      ...(text === undefined ? {} : { initial_message: message(text) }),
      ...more,
    });
  const status = async (id: string) => {
    const { execution_status: now }: { execution_status: string } = await conversations.getConversation(id);
    return now;
  };
  const reaches = (id: string, wanted: string) =>
    eventually(async () => (await status(id)) === wanted, wanted);

  it('finds, counts and changes conversations with both of its classes', async () => {
    const { CREATED_AT_DESC } = fixture.client.ConversationSortOrder;
    const [one, two] = [await create(), await create('FINISH: done', { tags: { team: 'blue' } })];
    await reaches(two.id, 'finished');
    const { FINISHED } = fixture.client.ConversationExecutionStatus;
    for (const list of [conversations, manager]) {
      const page = await list.searchConversations({ limit: 1, sort_order: CREATED_AT_DESC });
      expect(page.items.map(({ id }) => id)).toEqual([two.id]);
      const next = await list.searchConversations({
        ...{ limit: 1, sort_order: CREATED_AT_DESC, page_id: page.next_page_id },
      });
      expect(next.items.map(({ id }) => id)).toEqual([one.id]);
      expect(await list.countConversations()).toBe(2);
      expect(await list.countConversations({ status: FINISHED })).toBe(1);
      const known = await list.getConversations([two.id, UNKNOWN, one.id]);
      expect(known.map((found) => found?.id)).toEqual([two.id, undefined, one.id]);
      expect(await list.getConversation(two.id)).toMatchObject({ id: two.id, tags: { team: 'blue' } });
      await expect(list.getConversation(UNKNOWN)).rejects.toMatchObject({ status: 404 });
      await list.updateConversation(one.id, { title: 'A title' });
      expect((await list.getConversation(one.id)).title).toBe('A title');
      await expect(list.updateConversation(one.id, { tags: { NO: 'x' } })).rejects.toMatchObject({
        status: 422,
      });
    }
    // Servers of this version ignore the search by tags and answer with all conversations.
    const all = await manager.getAllConversations({ tag: ['team:blue'] });
    expect(all.map(({ id }) => id)).toEqual([two.id, one.id]);
    await manager.deleteConversation(one.id);
    await conversations.deleteConversation(two.id);
    expect(await manager.getAllConversations()).toEqual([]);
    await expect(manager.deleteConversation(one.id)).rejects.toMatchObject({ status: 404 });
  });

  it('creates and loads conversations with the manager', async () => {
    await manager.profiles.saveProfile('other', { llm: { model: 'scripted/other' } });
    const made = await manager.createConversation(AGENT, {
      ...{ initialMessage: 'RUN: pwd\nFINISH: done', workingDir: fixture.folder, userId: 'somebody' },
    });
    await reaches(made.id, 'finished');
    const loaded = await manager.loadConversation(made.id, fixture.folder);
    expect(await loaded.getAgentFinalResponse()).toBe('done');
    await manager.switchProfile(made.id, 'other');
    expect(await loaded.state.getAgent()).toMatchObject({ llm: { model: 'scripted/other' } });
    await expect(manager.switchProfile(made.id, 'none')).rejects.toMatchObject({ status: 404 });
    await expect(manager.loadConversation(UNKNOWN)).rejects.toMatchObject({ status: 404 });
    await Promise.all([made.close(), loaded.close()]);
    await manager.deleteConversation(made.id);
  });

  it('works with ACP agents', async () => {
    const agent = { kind: 'ACPAgent', acp_command: acpCommand() };
    const asked = await manager.acp.createConversation(agent, {
      ...{ initialMessage: 'say it again', workingDir: fixture.folder },
    });
    expect(asked.agent.kind).toBe('ACPAgent');
    await reaches(asked.id, 'finished');
    expect(await conversations.getAgentFinalResponse(asked.id)).toEqual({
      response: 'You said: say it again',
    });
    await conversations.switchAcpModel(asked.id, 'large');
    const open = fixture.conversation({ conversationId: asked.id });
    await open.switchAcpModel('small');
    expect((await conversations.getConversation(asked.id))['current_model_id']).toBe('small');
    await expect(open.switchAcpModel('')).rejects.toMatchObject({ status: 400 });
    await expect(
      manager.acp.createConversation({ kind: 'ACPAgent', tools: [{ name: 'x' }] }),
    ).rejects.toThrow(/422/);

    const second = await manager.createACPConversation(agent, { workingDir: fixture.folder });
    expect(await manager.acp.countConversations()).toBe(await manager.countACPConversations());
    expect(await manager.acp.searchConversations()).toEqual(await manager.searchACPConversations());
    const ids = [asked.id, second.id];
    expect((await manager.acp.getConversations(ids)).map((found) => found?.id)).toEqual(ids);
    expect(await manager.getACPConversations([UNKNOWN])).toEqual([null]);
    for (const all of [await manager.acp.getAllConversations(), await manager.getAllACPConversations()]) {
      expect(all.map(({ id }) => id).sort()).toEqual([...ids].sort());
    }
    expect(await manager.acp.getConversation(second.id)).toMatchObject({ execution_status: 'idle' });
    await expect(manager.getACPConversation(UNKNOWN)).rejects.toMatchObject({ status: 404 });
    await open.close();
    for (const id of ids) await manager.deleteConversation(id);
  });

  it('sends messages, runs the agent, reads events and confirms actions', async () => {
    const { id } = await create(undefined, { confirmation_policy: { kind: 'NeverConfirm' } });
    const approved = path.join(fixture.folder, 'approved');
    await conversations.setConfirmationPolicy(id, { kind: 'AlwaysConfirm' });
    await conversations.setSecurityAnalyzer(id, { kind: 'LLMSecurityAnalyzer' });
    await conversations.setSecurityAnalyzer(id, { security_analyzer: null });
    await conversations.updateSecrets(id, { secrets: { WORD: { kind: 'StaticSecret', value: 'hush' } } });
    await conversations.sendEvent(id, message(`RUN: printf "$WORD" > ${approved}\nFINISH: done`), {
      run: true,
    });
    await reaches(id, 'waiting_for_confirmation');
    expect(await conversations.respondToConfirmation(id, { accept: true })).toEqual({ success: true });
    await reaches(id, 'finished');
    expect(await readFile(approved, 'utf8')).toBe('hush');

    const page = await conversations.searchEvents(id, { kind: 'ActionEvent', sort_order: 'TIMESTAMP_DESC' });
    expect(page.items.map((event) => Reflect.get(event, 'tool_name') as unknown)).toEqual([
      'finish',
      'terminal',
    ]);
    expect(await conversations.getEventCount(id, { kind: 'ActionEvent' })).toBe(2);
    const [first] = page.items;
    expect(await conversations.getEvent(id, String(first?.id))).toMatchObject({ tool_name: 'finish' });
    await expect(conversations.getEvent(id, UNKNOWN)).rejects.toMatchObject({ status: 404 });
    expect((await conversations.getEvents(id, [UNKNOWN, String(first?.id)])).map((it) => it?.id)).toEqual([
      undefined,
      first?.id,
    ]);
    await expect(
      conversations.sendEvent(id, { role: 'user', content: [{ type: 'no' }] }),
    ).rejects.toMatchObject({
      status: 422,
    });
    await expect(conversations.setConfirmationPolicy(id, { kind: 'Sometimes' })).rejects.toMatchObject({
      status: 422,
    });
    expect(await conversations.askAgent(id, 'SAY: aside')).toMatchObject({
      response: expect.stringMatching(/^aside/) as unknown,
    });
  });

  it('interrupts runs, forks and navigates in the history', async () => {
    await manager.profiles.saveProfile('third', { llm: { model: 'scripted/third' } });
    const { id } = await create('RUN: sleep 1000\nFINISH: never');
    await reaches(id, 'running');
    expect(await conversations.interruptConversation(id)).toEqual({ success: true });
    await reaches(id, 'paused');
    expect(await conversations.pauseConversation(id)).toEqual({ success: true });
    await conversations.sendEvent(id, message('FINISH: after all'));
    expect(await conversations.runConversation(id)).toEqual({ success: true });
    await reaches(id, 'finished');

    const fork = await conversations.forkConversation(id, { title: 'A fork' }, { includeSkills: true });
    expect(fork).toMatchObject({ title: 'A fork', execution_status: 'idle' });
    const [first] = (await conversations.searchEvents(fork.id, { kind: 'MessageEvent' })).items;
    const moved = await conversations.navigateConversation(fork.id, { event_id: String(first?.id) });
    expect(moved.leaf_event_id).toBe(first?.id);
    await expect(conversations.navigateConversation(fork.id, { event_id: UNKNOWN })).rejects.toMatchObject({
      status: 404,
    });
    await conversations.switchProfile(fork.id, 'third');
    await conversations.switchLLM(id, { ...LLM, model: 'scripted/fourth' });
    const models = await conversations.getConversations([fork.id, id]);
    expect(models.map((it) => it?.agent.llm)).toMatchObject([
      { model: 'scripted/third' },
      { model: 'scripted/fourth' },
    ]);
    await expect(conversations.switchAcpModel(id, 'large')).rejects.toMatchObject({ status: 400 });
    await expect(conversations.condenseConversation(id)).rejects.toMatchObject({ status: 409 });
    await expect(conversations.resumeGoal(id)).rejects.toMatchObject({ status: 400 });
    expect(await conversations.stopGoal(id)).toEqual({ success: true });
    await expect(conversations.startGoal(id, { objective: ' ' })).rejects.toMatchObject({ status: 400 });
  });

  it('sends requests with the plain methods of AgentServerClient', async () => {
    const all = new fixture.clients.AgentServerClient(fixture.options);
    await mkdir(path.join(fixture.folder, 'plain'));
    await writeFile(path.join(fixture.folder, 'plain/a.bin'), Buffer.from([0, 255]));
    const secret = { name: 'A', value: 'b', description: null };
    expect(await all.put('/api/settings/secrets', secret)).toMatchObject({ name: 'A' });
    expect(await all.get('/api/settings/secrets/A')).toBe('b');
    expect(await all.delete('/api/settings/secrets/A')).toMatchObject({ deleted: true });
    const made = await all.post<{ id: string }>('/api/conversations', {
      ...{ agent: AGENT, workspace: { working_dir: fixture.folder } },
    });
    expect(await all.patch(`/api/conversations/${made.id}`, { title: 'Plain' })).toMatchObject({
      success: true,
    });
    const bytes = await all.request<ArrayBuffer>({
      ...{ method: 'GET', path: '/api/file/download', responseType: 'arrayBuffer' },
      params: { path: path.join(fixture.folder, 'plain/a.bin') },
    });
    expect([...new Uint8Array(bytes)]).toEqual([0, 255]);
    await expect(all.get('/api/settings', { authMode: 'none' })).rejects.toMatchObject({ status: 401 });
    expect((await all.conversations.getConversation(made.id)).title).toBe('Plain');
    all.close();
  });

  it('sends requests with HttpClient and detects the version of the server', async () => {
    const { client } = fixture;
    const http = new client.HttpClient({ baseUrl: fixture.server.url, apiKey: fixture.options.apiKey });
    const { workspaces } = client.AgentServerFeatureRequirements;
    const info = await client.assertAgentServerSupports(http, workspaces);
    expect(await client.getCachedAgentServerInfo(http)).toBe(info);
    client.clearAgentServerInfoCache(http);
    expect(client.compareAgentServerVersions(info.version, '1.58.2')).toBe(0);
    const tooNew = { ...workspaces, minVersion: '99.0.0' };
    const refusal = await client.assertAgentServerSupports(http, tooNew).catch((error: unknown) => error);
    expect(client.isAgentServerVersionError(refusal)).toBe(true);

    const name = 'B';
    const put = await http.put('/api/settings/secrets', { name, value: 'c' });
    expect([put.status, put.headers['content-type']]).toEqual([200, 'application/json']);
    expect((await http.delete(`/api/settings/secrets/${name}`)).data).toMatchObject({ deleted: true });
    const post = await http.post<{ id: string }>('/api/conversations', {
      ...{ agent: AGENT, workspace: { working_dir: fixture.folder } },
    });
    expect(post).toMatchObject({ status: 201, statusText: 'Created' });
    const route = `/api/conversations/${post.data.id}`;
    expect((await http.patch(route, { title: 'Http' })).data).toEqual({ success: true });
    expect((await http.get<{ title: string }>(route)).data.title).toBe('Http');
    const refused = http.request({ method: 'GET', url: '/api/nowhere' });
    await expect(refused).rejects.toBeInstanceOf(client.HttpError);
    await expect(refused).rejects.toMatchObject({ status: 404, response: { detail: 'Not Found' } });
    http.close();
  });

  it('gives an answer in the form that the client asks for, and shows the tools as they were sent', async () => {
    const response_schema = {
      type: 'object',
      properties: { score: { type: 'integer' } },
      required: ['score'],
    };
    const tools = [{ name: 'finish', params: { response_schema } }];
    const { id } = await create('TOOL: finish {"message": "m"}\nTOOL: finish {"message": "m", "score": 7}', {
      agent: { ...AGENT, tools, include_default_tools: ['ThinkTool'] },
    });
    await reaches(id, 'finished');
    expect(await conversations.getAgentFinalResponse(id)).toEqual({
      response: 'm',
      structured_output: { score: 7 },
    });
    expect((await conversations.getConversation(id)).agent).toMatchObject({ tools });
    const { items } = await conversations.searchEvents(id, { kind: 'AgentErrorEvent' });
    expect(JSON.stringify(items)).toContain("'score' is a required property");
  });
});
