import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import {
  endpointLlm,
  startScriptedEndpoint,
  type ChatEndpoint,
  type EndpointStep,
} from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/** A command that runs longer than any test. */
const FOREVER: EndpointStep = { tools: [['terminal', { command: 'sleep 1000' }]] };
const COMPLETE: EndpointStep = { say: JSON.stringify({ complete: true, score: 1, missing: [] }) };

describe('a goal and concurrent requests', () => {
  let server: ServerProcess;
  let endpoint: ChatEndpoint;

  beforeAll(async () => {
    server = await ServerProcess.start({
      env: { OH_MAX_CONCURRENT_RUNS: '1', OH_CONVERSATION_IDLE_TTL_SECONDS: '0.2' },
    });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
  });
  afterEach(() => endpoint.close());

  const create = (...steps: EndpointStep[]) => {
    endpoint.script(steps);
    const agent = { llm: endpointLlm(endpoint), tools: [{ name: 'terminal' }] };
    return ConversationClient.create(
      server,
      scriptedRequest(path.join(server.cwd, 'work'), undefined, { agent }),
    );
  };
  const pursue = async (conversation: ConversationClient) => {
    // The goal of the previous test may still hold the only slot for runs.
    await eventually(
      async () => (await conversation.post('goal', { objective: 'o' })).status === 200,
      'the goal',
    );
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
    server = await server.restart();
  });

  it('stays paused when a pause comes while a goal starts its run', async () => {
    endpoint.script([{ hang: true, repeat: true }]);
    for (let round = 0; round < 10; round += 1) {
      const conversation = await create();
      await pursue(conversation);
      await conversation.post('pause');
      expect(await conversation.status()).toBe('paused');
      // 429 until the goal has released its slot; 409 if it had started a run in spite of the pause.
      let status = 429;
      await eventually(async () => (status = (await conversation.post('run')).status) !== 429, 'a free slot');
      expect(status).toBe(200);
      await conversation.post('interrupt');
    }
  });

  it('releases its slot when a goal is stopped during an audit', async () => {
    const conversation = await create({ say: 'worked' }, { hang: true }, { say: 'answer' });
    await pursue(conversation);
    await inAudit();
    await conversation.post('goal/stop');
    await conversation.send('hey');
    await conversation.reaches('finished');
    expect(endpoint.requests).toHaveLength(3);
  });

  it('releases its slot when a goal is interrupted during a tool', async () => {
    const conversation = await create(FOREVER, { say: 'answer' });
    await pursue(conversation);
    await inTool(conversation);
    await conversation.post('interrupt');
    await conversation.send('hey');
    await conversation.reaches('finished');
  });

  it('does not close a conversation as idle during an audit', async () => {
    const conversation = await create({ say: 'worked' }, { ...COMPLETE, wait: 1 });
    await pursue(conversation);
    await inAudit();
    // Read from the file, because a request would keep the conversation from being idle.
    const log = path.join(server.cwd, (await conversation.info()).persistence_dir, 'events.jsonl');
    const ended = async () => /"status":"(?!running)[a-z]+"/.exec(await readFile(log, 'utf8'))?.[0];
    await eventually(async () => (await ended()) !== undefined, 'the end of the goal');
    expect(await ended()).toBe('"status":"complete"');
  });
});
