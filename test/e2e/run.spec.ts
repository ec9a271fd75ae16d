import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { brief, scriptedRequest, userMessage } from '../support/conversation-client.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';

describe('runs', () => {
  const fixture = ServerFixture.forTests();

  it('works in the directory of the conversation, and sends each event of the log live', async () => {
    const conversation = await fixture.create();
    const socket = await conversation.listen();
    await conversation.send('RUN: echo one > a.txt && ls\nRUN: cat a.txt\nFINISH: all done');
    await conversation.reaches('finished');
    await socket.sees(
      (event) => brief(event) === 'full_state' && event !== socket.events[0],
      'the last snapshot',
    );

    expect(await readFile(path.join(fixture.workspace, 'a.txt'), 'utf8')).toBe('one\n');
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
      path.join(fixture.server.cwd, (await conversation.info()).persistence_dir, 'events.jsonl'),
      'utf8',
    );
    const durable = socket.events.filter((event) => event.key !== 'full_state');
    expect(stored).toBe(durable.map((event) => `${JSON.stringify(event)}\n`).join(''));
    expect(await conversation.events()).toEqual(durable);
    await socket.close();
  });

  it('returns the final response, and links each event to the head before it', async () => {
    const script = 'SAY: first\nRUN: true\nFINISH: the end';
    const conversation = await fixture.run(script);
    const { body } = await fixture.server.request('GET', `${conversation.route}/agent_final_response`);
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
    const conversation = await fixture.run('RUN: mkdir -p deep && cd deep && export WORD=kept\nSAY: ok');
    await conversation.send('RUN: echo $WORD in $(basename $PWD)\nSAY: ok');
    await conversation.reaches('finished');
    const outputs = (await conversation.events('&kind=ObservationEvent')).map((event) =>
      JSON.stringify(event),
    );
    expect(outputs.at(-1)).toContain('kept in deep');
  });

  it('runs all calls of one answer, and appends the actions before the observations', async () => {
    const script = 'SAY: two\nRUN: echo 1\nAND RUN: echo 2\nFINISH: ok';
    const conversation = await fixture.run(script);
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
    const conversation = await fixture.run(script);
    const errors = await conversation.events('&kind=AgentErrorEvent');
    expect(errors[0]?.['error']).toBe(
      "Tool 'nosuch' not found. Available: ['terminal', 'file_editor', 'task_tracker', 'finish', 'think']",
    );
    expect(errors[1]?.['error']).toMatch(/^Error validating tool 'file_editor': 1 validation error for/);
  });

  it('ends in status error when the model fails', async () => {
    const conversation = await fixture.create('FAIL: 401 no\nSAY: back');
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
    const conversation = await fixture.create('RUN: true\nRUN: true\nRUN: true', { max_iterations: 2 });
    await conversation.reaches('error');
    const last = (await conversation.events()).at(-1);
    expect(last).toMatchObject({
      code: 'MaxIterationsReached',
      detail: 'Agent reached maximum iterations limit (2).',
    });
  });

  it('streams the answer of the model', async () => {
    const llm = { model: 'scripted/test', usage_id: 'agent', stream: true };
    const conversation = await fixture.create(undefined, { agent: { llm, tools: [] } });
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
    const conversation = await fixture.create('RUN: sleep 1\nFINISH: a');
    await eventually(async () => (await conversation.events('&kind=ActionEvent')).length === 1, 'the action');
    await conversation.send('RUN: echo second\nSAY: b');
    await conversation.reaches('finished');
    const said = (await conversation.events('&kind=MessageEvent')).map((event) => event.source);
    expect(said.filter((source) => source === 'user')).toHaveLength(2);
    expect(JSON.stringify(await conversation.events('&kind=ObservationEvent'))).toContain('second');
  });

  it('waits for confirmation, and does not run what was rejected', async () => {
    const script = 'RUN: touch yes.txt\nRUN: touch no.txt\nSAY: end';
    const more = { confirmation_policy: { kind: 'AlwaysConfirm' } };
    const conversation = await fixture.create(script, more);
    const answer = (accept: boolean) => conversation.post('events/respond_to_confirmation', { accept });
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
    const created = await fixture.server.request(
      'POST',
      '/conversations',
      scriptedRequest(fixture.workspace),
    );
    expect(created.status).toBe(201);
    const { id } = created.body as { id: string };
    const sent = await fixture.server.request('POST', `/conversations/${id}/events`, userMessage('SAY: hi'));
    expect(sent.body).toEqual({ success: true });
    const events = await fixture.server.request('GET', `/conversations/${id}/events?limit=1`);
    expect(events.body).toMatchObject({
      items: [{ kind: 'SystemPromptEvent' }],
      next_page_id: expect.any(String) as string,
    });
    expect((await fixture.server.request('DELETE', `/conversations/${id}`)).body).toEqual({ success: true });
    expect((await fixture.server.request('GET', `/conversations/${id}`)).status).toBe(404);
  });

  async function expectFile(name: string, there: boolean): Promise<void> {
    const found = await readFile(path.join(fixture.workspace, name)).then(
      () => true,
      () => false,
    );
    expect(found).toBe(there);
  }
});
