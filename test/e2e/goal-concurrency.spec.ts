import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { startScriptedEndpoint, type ChatEndpoint, type EndpointStep } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/** Longer than any test. */
const FOREVER: EndpointStep = { tools: [['terminal', { command: 'sleep 1000' }]] };
const COMPLETE: EndpointStep = { say: JSON.stringify({ complete: true, score: 1, missing: [] }) };

describe('a goal and concurrent requests', () => {
  let folder: string;
  let server: ServerProcess;
  let endpoint: ChatEndpoint;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'goal-'));
    endpoint = await startScriptedEndpoint();
    server = await ServerProcess.start({
      cwd: folder,
      env: { OH_MAX_CONCURRENT_RUNS: '1', OH_CONVERSATION_IDLE_TTL_SECONDS: '0.2' },
    });
  });
  afterEach(async () => {
    await server.stop();
    await endpoint.close();
    await rm(folder, { recursive: true, force: true });
  });

  const create = (...steps: EndpointStep[]) => {
    endpoint.script(steps);
    const llm = {
      ...{ model: 'openai/scripted', base_url: endpoint.url, api_key: 'x' },
      ...{ usage_id: 'agent', num_retries: 1 },
    };
    const agent = { llm, tools: [{ name: 'terminal' }] };
    return ConversationClient.create(
      server,
      scriptedRequest(path.join(folder, 'work'), undefined, { agent }),
    );
  };
  const post = (conversation: ConversationClient, what: string, body?: unknown) =>
    server.request('POST', `${conversation.route}/${what}`, body);
  const pursue = async (conversation: ConversationClient) => {
    expect((await post(conversation, 'goal', { objective: 'o' })).status).toBe(200);
  };
  const inTool = (conversation: ConversationClient) =>
    eventually(async () => (await conversation.events('&kind=ActionEvent')).length > 0, 'the action');
  const inAudit = () => eventually(() => endpoint.requests.length === 2, 'the audit');

  it('deletes a conversation at once while its goal runs a tool', async () => {
    const conversation = await create(FOREVER);
    await pursue(conversation);
    await inTool(conversation);
    expect((await server.request('DELETE', conversation.route)).status).toBe(200);
    expect((await server.request('GET', conversation.route)).status).toBe(404);
  });

  it('shuts down while a goal runs a tool', async () => {
    const conversation = await create(FOREVER);
    await pursue(conversation);
    await inTool(conversation);
    expect(await server.end()).toBe(0);
  });

  it('stays paused when a pause comes while a goal starts its run', async () => {
    endpoint.script([{ hang: true, repeat: true }]);
    for (let round = 0; round < 10; round += 1) {
      const conversation = await create();
      await pursue(conversation);
      await post(conversation, 'pause');
      expect(await conversation.status()).toBe('paused');
      // 429 until the goal has released its slot; 409 if it had started a run in spite of the pause.
      let status = 429;
      await eventually(
        async () => (status = (await post(conversation, 'run')).status) !== 429,
        'a free slot',
      );
      expect(status).toBe(200);
      await post(conversation, 'interrupt');
    }
  });

  it('releases its slot when a goal is stopped during an audit', async () => {
    const conversation = await create({ say: 'worked' }, { hang: true }, { say: 'answer' });
    await pursue(conversation);
    await inAudit();
    await post(conversation, 'goal/stop');
    await conversation.send('hey');
    await conversation.reaches('finished');
    expect(endpoint.requests).toHaveLength(3);
  });

  it('releases its slot when a goal is interrupted during a tool', async () => {
    const conversation = await create(FOREVER, { say: 'answer' });
    await pursue(conversation);
    await inTool(conversation);
    await post(conversation, 'interrupt');
    await conversation.send('hey');
    await conversation.reaches('finished');
  });

  it('does not close a conversation as idle during an audit', async () => {
    const conversation = await create({ say: 'worked' }, { ...COMPLETE, wait: 1 });
    await pursue(conversation);
    await inAudit();
    // Read from the file, because a request would keep the conversation from being idle.
    const log = path.join(folder, (await conversation.info()).persistence_dir, 'events.jsonl');
    const ended = async () => /"status":"(?!running)[a-z]+"/.exec(await readFile(log, 'utf8'))?.[0];
    await eventually(async () => (await ended()) !== undefined, 'the end of the goal');
    expect(await ended()).toBe('"status":"complete"');
  });
});
