import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { brief, type ConversationClient } from '../support/conversation-client.js';
import { ServerFixture } from '../support/server-fixture.js';
import { eventually } from '../support/server-process.js';

/** Several calls in one answer, with `tool_concurrency_limit`. */
describe('parallel tool calls', () => {
  const fixture = ServerFixture.forTests();

  const start = (script: string[], tool_concurrency_limit: number): Promise<ConversationClient> =>
    fixture.create(script.join('\n'), {
      agent: {
        llm: { model: 'scripted/test', usage_id: 'agent' },
        tools: [{ name: 'terminal' }, { name: 'write_file' }],
        tool_concurrency_limit,
      },
    });

  it('appends the results of parallel calls in the order of the calls', async () => {
    // The first call can end only while the second one runs.
    const conversation = await start(
      [
        'RUN: until [ -e go ]; do sleep 0.05; done; echo first',
        'AND TOOL: write_file {"file_path": "go", "content": ""}',
        'AND RUN: echo third',
        'FINISH: d',
      ],
      3,
    );
    await conversation.reaches('finished');
    const events = await conversation.events();
    const calls = events.filter(({ kind }) => /^(ActionEvent|ObservationEvent)$/.test(kind)).slice(0, 6);
    expect(calls.map(({ kind, tool_name: name }) => `${kind} ${String(name)}`)).toEqual([
      'ActionEvent terminal',
      'ActionEvent write_file',
      'ActionEvent terminal',
      'ObservationEvent terminal',
      'ObservationEvent write_file',
      'ObservationEvent terminal',
    ]);
    expect(calls.slice(3).map(({ action_id: id }) => id)).toEqual(calls.slice(0, 3).map(({ id }) => id));
    expect(JSON.stringify(calls[3])).toContain('"first"');
    expect(JSON.stringify(calls[5])).toContain('"third"');
  });

  it('keeps the results of calls that have ended when an earlier call is interrupted', async () => {
    const conversation = await start(
      [
        'RUN: sleep 60',
        'AND TOOL: write_file {"file_path": "done", "content": "by the second"}',
        'AND TOOL: write_file {"file_path": "done", "content": "by the third"}',
        'FINISH: d',
      ],
      3,
    );
    // Both write the same file, so the third starts when the second has ended.
    const text = (): Promise<string> =>
      readFile(path.join(fixture.workspace, 'done'), 'utf8').catch(() => '');
    await eventually(async () => (await text()) === 'by the third', 'the third call');
    await conversation.post('interrupt');
    const after = (await conversation.events()).slice(-5);
    expect(after.slice(0, 2)).toMatchObject([
      { kind: 'AgentErrorEvent', tool_name: 'terminal' },
      { kind: 'ObservationEvent', tool_name: 'write_file', observation: { is_error: false } },
    ]);
    expect(after.slice(3).map(brief)).toEqual(['execution_status=paused', 'InterruptEvent']);
  });

  it('ends running and waiting calls on interrupt', async () => {
    const conversation = await start(
      [
        'RUN: touch begun; sleep 60',
        'AND RUN: touch never',
        'AND TOOL: write_file {"file_path": "x", "content": ""}',
        'FINISH: d',
      ],
      2,
    );
    const socket = await conversation.listen(`/sockets/events/${conversation.id}?resend_all=true`);
    const isCall = ({ kind, tool_name: name }: { kind: string; tool_name?: unknown }): boolean =>
      kind === 'ActionEvent' && name === 'write_file';
    await socket.sees(isCall, 'the last call');
    await socket.close();
    await conversation.post('interrupt');
    await conversation.reaches('paused');
    const after = (await conversation.events()).slice(-5).map(brief);
    expect(after).toEqual([
      ...['AgentErrorEvent', 'AgentErrorEvent', 'AgentErrorEvent'],
      ...['execution_status=paused', 'InterruptEvent'],
    ]);
    await conversation.send('FINISH: on');
    await conversation.reaches('finished');
    expect(
      (await conversation.events()).map(({ kind }) => kind).filter((kind) => kind === 'ObservationEvent'),
    ).toEqual(['ObservationEvent']);
  });
});
