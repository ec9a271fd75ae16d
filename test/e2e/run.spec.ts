import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { brief, ConversationClient, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { eventually, ServerProcess } from '../support/server-process.js';

describe('runs', () => {
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

  it('works in the directory of the conversation, and sends each event of the log live', async () => {
    const conversation = await ConversationClient.create(server, scriptedRequest(workspace));
    const socket = await conversation.listen();
    await conversation.send('RUN: echo one > a.txt && ls\nRUN: cat a.txt\nFINISH: all done');
    await conversation.reaches('finished');
    await socket.sees(
      (event) => brief(event) === 'full_state' && event !== socket.events[0],
      'the last snapshot',
    );

    expect(await readFile(path.join(workspace, 'a.txt'), 'utf8')).toBe('one\n');
    expect(socket.events.map(brief)).toEqual([
      'full_state',
      'SystemPromptEvent',
      'MessageEvent',
      'last_user_message_id',
      'execution_status=running',
      ...['stats', 'ActionEvent', 'ObservationEvent'],
      ...['stats', 'ActionEvent', 'ObservationEvent'],
      ...['stats', 'ActionEvent', 'ObservationEvent'],
      'execution_status=finished',
      'full_state',
    ]);
    const stored = await readFile(
      path.join(server.cwd, (await conversation.info()).persistence_dir, 'events.jsonl'),
      'utf8',
    );
    const durable = socket.events.filter((event) => event.key !== 'full_state');
    expect(stored).toBe(durable.map((event) => `${JSON.stringify(event)}\n`).join(''));
    expect(await conversation.events()).toEqual(durable);
    await socket.close();
  });

  it('returns the final response, and links each event to the head before it', async () => {
    const script = 'SAY: first\nRUN: true\nFINISH: the end';
    const conversation = await ConversationClient.create(server, scriptedRequest(workspace, script));
    await conversation.reaches('finished');
    const { body } = await server.request('GET', `${conversation.route}/agent_final_response`);
    expect(body).toEqual({ response: 'the end' });
    const events = await conversation.events();
    let head: string | undefined;
    for (const event of events) {
      expect(event.parent_id).toBe(head);
      if (event.kind !== 'ConversationStateUpdateEvent') head = event.id;
    }
    expect((await conversation.info())['leaf_event_id']).toBe(head);
  });

  it('continues with the next message in the same shell', async () => {
    const conversation = await ConversationClient.create(
      server,
      scriptedRequest(workspace, 'RUN: mkdir -p deep && cd deep && export WORD=kept\nSAY: ok'),
    );
    await conversation.reaches('finished');
    await conversation.send('RUN: echo $WORD in $(basename $PWD)\nSAY: ok');
    await conversation.reaches('finished');
    const outputs = (await conversation.events('&kind=ObservationEvent')).map((event) =>
      JSON.stringify(event),
    );
    expect(outputs.at(-1)).toContain('kept in deep');
  });

  it('runs all calls of one answer, and appends the actions before the observations', async () => {
    const script = 'SAY: two\nRUN: echo 1\nAND RUN: echo 2\nFINISH: ok';
    const conversation = await ConversationClient.create(server, scriptedRequest(workspace, script));
    await conversation.reaches('finished');
    const kinds = (await conversation.events()).filter(
      (event) => event.kind !== 'ConversationStateUpdateEvent',
    );
    expect(kinds.map((event) => event.kind)).toEqual([
      'SystemPromptEvent',
      'MessageEvent',
      ...['ActionEvent', 'ActionEvent', 'ObservationEvent', 'ObservationEvent'],
      ...['ActionEvent', 'ObservationEvent'],
    ]);
  });

  it('records invalid calls and continues', async () => {
    const script = 'TOOL: nosuch {"a": 1}\nTOOL: file_editor {"command": "nope", "path": "/x"}\nFINISH: ok';
    const conversation = await ConversationClient.create(server, scriptedRequest(workspace, script));
    await conversation.reaches('finished');
    const errors = await conversation.events('&kind=AgentErrorEvent');
    expect(errors[0]?.['error']).toBe(
      "Tool 'nosuch' not found. Available: ['terminal', 'file_editor', 'task_tracker', 'finish', 'think']",
    );
    expect(errors[1]?.['error']).toMatch(/^Error validating tool 'file_editor': 1 validation error for/);
  });

  it('ends in status error when the model fails', async () => {
    const conversation = await ConversationClient.create(
      server,
      scriptedRequest(workspace, 'FAIL: 401 no\nSAY: back'),
    );
    await conversation.reaches('error');
    const events = await conversation.events();
    expect(events.slice(-2).map(brief)).toEqual(['execution_status=error', 'ConversationErrorEvent']);
    expect(events.at(-1)).toMatchObject({
      code: 'LLMAuthenticationError',
      detail: 'Your LLM API key appears to be invalid or has expired.',
      classification: { kind: 'auth', retryable: false, user_action: 'settings' },
    });
  });

  it('stops a run at max_iterations', async () => {
    const request = scriptedRequest(workspace, 'RUN: true\nRUN: true\nRUN: true', { max_iterations: 2 });
    const conversation = await ConversationClient.create(server, request);
    await conversation.reaches('error');
    const last = (await conversation.events()).at(-1);
    expect(last).toMatchObject({
      code: 'MaxIterationsReached',
      detail: 'Agent reached maximum iterations limit (2).',
    });
  });

  it('streams the answer of the model', async () => {
    const request = scriptedRequest(workspace);
    const conversation = await ConversationClient.create(server, {
      ...request,
      agent: { ...request.agent, llm: { ...request.agent.llm, stream: true } },
    });
    const socket = await conversation.listen();
    await conversation.send('SAY: one two three');
    await conversation.reaches('finished');
    const deltas = socket.events.filter((event) => event.kind === 'StreamingDeltaEvent');
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.map((event) => event['content']).join('')).toBe('one two three');
    expect((await conversation.events()).some((event) => event.kind === 'StreamingDeltaEvent')).toBe(false);
    await socket.close();
  });

  it('answers a message that arrives during the last step in the same run', async () => {
    const conversation = await ConversationClient.create(
      server,
      scriptedRequest(workspace, 'RUN: sleep 1\nFINISH: a'),
    );
    await eventually(async () => (await conversation.events('&kind=ActionEvent')).length === 1, 'the action');
    await conversation.send('RUN: echo second\nSAY: b');
    await conversation.reaches('finished');
    const said = (await conversation.events('&kind=MessageEvent')).map((event) => event.source);
    expect(said.filter((source) => source === 'user')).toHaveLength(2);
    expect(JSON.stringify(await conversation.events('&kind=ObservationEvent'))).toContain('second');
  });

  it('waits for confirmation, and does not run what was rejected', async () => {
    const request = scriptedRequest(workspace, 'RUN: touch yes.txt\nRUN: touch no.txt\nSAY: end', {
      confirmation_policy: { kind: 'AlwaysConfirm' },
    });
    const conversation = await ConversationClient.create(server, request);
    const answer = (accept: boolean) =>
      server.request('POST', `${conversation.route}/events/respond_to_confirmation`, { accept });
    await conversation.reaches('waiting_for_confirmation');
    await answer(true);
    await eventually(
      async () => (await conversation.events('&kind=ActionEvent')).length === 2,
      'the second action',
    );
    await conversation.reaches('waiting_for_confirmation');
    await expectFile('yes.txt', true);
    await answer(false);
    expect(await conversation.status()).toBe('idle');
    await expectFile('no.txt', false);
    expect((await conversation.events()).at(-1)).toMatchObject({
      kind: 'UserRejectObservation',
      rejection_reason: 'User rejected the action.',
    });
  });

  it('serves the routes of conversations also without the prefix /api', async () => {
    const created = await server.request('POST', '/conversations', scriptedRequest(workspace));
    expect(created.status).toBe(201);
    const { id } = created.body as { id: string };
    const sent = await server.request('POST', `/conversations/${id}/events`, userMessage('SAY: hi'));
    expect(sent.body).toEqual({ success: true });
    const events = await server.request('GET', `/conversations/${id}/events?limit=1`);
    expect(events.body).toMatchObject({
      items: [{ kind: 'SystemPromptEvent' }],
      next_page_id: expect.any(String) as string,
    });
    expect((await server.request('DELETE', `/conversations/${id}`)).body).toEqual({ success: true });
    expect((await server.request('GET', `/conversations/${id}`)).status).toBe(404);
  });

  async function expectFile(name: string, there: boolean): Promise<void> {
    const found = await readFile(path.join(workspace, name)).then(
      () => true,
      () => false,
    );
    expect(found).toBe(there);
  }
});
