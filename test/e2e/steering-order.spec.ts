import { access, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describe('a conversation that is steered by several requests at once', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeAll(async () => {
    server = await ServerProcess.start();
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(workspace, { recursive: true, force: true, maxRetries: 5 });
  });

  const post = (conversation: ConversationClient, what: string) =>
    server.request('POST', `${conversation.route}/${what}`);

  it('does not execute the next call of an answer after an interrupt', async () => {
    const file = path.join(workspace, 'must-not-be.txt');
    const create = JSON.stringify({ command: 'create', path: file, file_text: 'x' });
    const script = `RUN: sleep 1000\nAND TOOL: file_editor ${create}\nSAY: end`;
    const conversation = await ConversationClient.create(server, scriptedRequest(workspace, script));
    await conversation.startsTool();
    await post(conversation, 'interrupt');
    expect(await conversation.events('&kind=AgentErrorEvent')).toHaveLength(2);
    // The next run waits for what the interrupted one has started. When it has ended, nothing can follow.
    await conversation.send('SAY: after');
    await conversation.reaches('finished');
    await expect(access(file)).rejects.toThrow();
  });

  it('stays stopped when the last request was an interrupt or a pause', async () => {
    for (const last of ['interrupt', 'pause']) {
      const conversation = await ConversationClient.create(
        server,
        scriptedRequest(workspace, 'RUN: sleep 0.5\nRUN: sleep 1000\nSAY: end'),
      );
      await conversation.startsTool();
      for (const what of ['pause', 'run', last]) expect((await post(conversation, what)).status).toBe(200);
      await conversation.reaches('paused');
      const events = await conversation.events();
      expect(events.filter((event) => event.kind === 'ActionEvent')).toHaveLength(1);
      await conversation.send('FINISH: done');
      await conversation.reaches('finished');
    }
  });

  it('does not start a run that is paused while it is being prepared', async () => {
    for (let round = 0; round < 10; round += 1) {
      const conversation = await ConversationClient.create(server, scriptedRequest(workspace));
      await conversation.send('WAIT: 1000\nSAY: end', false);
      await post(conversation, 'run');
      await post(conversation, 'pause');
      expect((await conversation.events()).at(-1)?.kind).toBe('PauseEvent');
      if ((await conversation.events()).some(({ value }) => value === 'running')) continue;
      await server.logs(`${conversation.id} ended`);
      expect((await conversation.events()).at(-1)?.kind).toBe('PauseEvent');
    }
  });

  it('continues when the last request was a run', async () => {
    const script = 'RUN: sleep 0.3\nFINISH: end';
    const conversation = await ConversationClient.create(server, scriptedRequest(workspace, script));
    await conversation.startsTool();
    for (const what of ['pause', 'run', 'pause', 'run']) {
      expect((await post(conversation, what)).status).toBe(200);
    }
    await conversation.reaches('finished');
  });

  it('answers a message after a burst of requests', async () => {
    const conversation = await ConversationClient.create(
      server,
      scriptedRequest(workspace, 'RUN: sleep 0.1\nSAY: x'),
    );
    const burst = Array.from({ length: 60 }, (_, index) => {
      const what = ['pause', 'run', 'interrupt', 'message'][(index * 7) % 4] ?? 'run';
      return what === 'message' ? conversation.send(`RUN: echo ${index}\nSAY: y`) : post(conversation, what);
    });
    await Promise.all(burst);
    await conversation.reaches('paused', 'finished', 'idle');
    await conversation.send('FINISH: calm');
    await eventually(async () => {
      const { body } = await server.request('GET', `${conversation.route}/agent_final_response`);
      return JSON.stringify(body) === '{"response":"calm"}';
    }, 'the last answer');
    await conversation.reaches('finished');
    const ids = (await conversation.events()).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is deleted once when several clients delete it', async () => {
    const conversation = await ConversationClient.create(
      server,
      scriptedRequest(workspace, 'RUN: sleep 1000'),
    );
    await conversation.startsTool();
    const requests = [1, 2, 3].map(() => server.request('DELETE', conversation.route));
    const statuses = (await Promise.all(requests)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 404, 404]);
    const again = scriptedRequest(workspace, 'SAY: new', { conversation_id: conversation.id });
    expect((await server.request('POST', '/api/conversations', again)).status).toBe(201);
    await conversation.reaches('finished');
  });
});
