import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TaskState } from '@a2a-js/sdk';
import type { Client } from '@a2a-js/sdk/client';
import {
  A2aFixture,
  message,
  readStream,
  sending,
  sendTo,
  textOf,
  textPart,
  type ToldStream,
} from '../support/a2a-fixture.js';
import { acpRequest, steps } from '../support/acp.js';
import { eventually } from '../support/server-process.js';

/** Whether an event is what a command has printed. */
const isCommandResult = ({ kind, tool_name }: Record<string, unknown>): boolean =>
  kind === 'ObservationEvent' && tool_name === 'terminal';

describe('tasks of other agents', () => {
  let fixture: A2aFixture;
  let client: Client;

  beforeAll(async () => {
    fixture = await A2aFixture.start();
    client = await fixture.client();
  });
  afterAll(() => fixture.stop());

  const get = (id: string) => client.getTask({ tenant: '', id });
  const cancel = (id: string) => client.cancelTask({ tenant: '', id, metadata: undefined });
  const reaches = (id: string, state: TaskState) =>
    eventually(async () => {
      // While a server of a cluster takes it over, it has to be asked again.
      const task = await get(id).catch(() => undefined);
      return task?.status?.state === state;
    }, `state ${TaskState[state]}`);
  /** Follows a task, from the time at which this resolves. */
  const follow = async (id: string): Promise<{ told: Promise<ToldStream> }> => {
    let begun: () => void = () => undefined;
    const beginning = new Promise<void>((resolve) => (begun = resolve));
    const told = readStream(client.resubscribeTask({ tenant: '', id }), ({ payload }) => {
      if (payload?.$case === 'task') begun();
    });
    await Promise.race([beginning, told]);
    return { told };
  };
  const refusal = async (request: Promise<unknown>): Promise<string> => {
    // Not always an `Error` of this realm.
    const failure = await request.then(
      (done) => new Error(`not refused: ${JSON.stringify(done)}`),
      (error: unknown) => error as Error,
    );
    return `${failure.name} ${failure.message}`;
  };

  it('are announced by a card that needs no key and names both versions of the protocol', async () => {
    const read = async (headers: Record<string, string>) => {
      const response = await fetch(`${fixture.server.url}/.well-known/agent-card.json`, { headers });
      expect(response.headers.get('vary')).toContain('A2A-Version');
      return (await response.json()) as Record<string, unknown>;
    };
    const url = `${fixture.server.url}/a2a`;
    const older = await read({});
    expect(older).toMatchObject({
      protocolVersion: '0.3.0',
      url,
      preferredTransport: 'JSONRPC',
      capabilities: { streaming: true, pushNotifications: false },
      security: [{ bearer: [] }, { sessionKey: [] }],
      securitySchemes: { sessionKey: { type: 'apiKey', in: 'header', name: 'X-Session-API-Key' } },
    });
    const card = await read({ 'a2a-version': '1.0' });
    expect(card['supportedInterfaces']).toEqual([
      { url, protocolBinding: 'JSONRPC', protocolVersion: '1.0' },
      { url, protocolBinding: 'JSONRPC', protocolVersion: '0.3' },
    ]);
    expect(card).toMatchObject({
      capabilities: { streaming: true, pushNotifications: false },
      securitySchemes: { bearer: { httpAuthSecurityScheme: { scheme: 'bearer' } } },
      securityRequirements: [
        { schemes: { bearer: { list: [] } } },
        { schemes: { sessionKey: { list: [] } } },
      ],
    });
    // Nothing of the settings, and nothing of the machine.
    expect(JSON.stringify([older, card])).not.toMatch(/scripted|workspace\/|settings|\/home|\/tmp/);
  });

  it('begin with a message, and end with an answer and the same as an artifact', async () => {
    const task = await sendTo(client, message('RUN: echo done\nFINISH: It is done.'));
    expect(task.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
    expect(task.artifacts.map(textOf)).toEqual(['It is done.']);
    expect(textOf(task.status?.message)).toBe('It is done.');
    expect(task.history.map(textOf)).toEqual(['RUN: echo done\nFINISH: It is done.', 'It is done.']);
    const { title } = await fixture.ok('GET', `/api/conversations/${task.contextId}`);
    expect(title).toBe('RUN: echo done');

    const read = await client.getTask({ tenant: '', id: task.id, historyLength: 1 });
    expect(read).toEqual({ ...task, history: task.history.slice(1) });

    const next = await sendTo(client, message('FINISH: Once more.', { contextId: task.contextId }));
    expect(next.contextId).toBe(task.contextId);
    expect(next.id).not.toBe(task.id);
    expect(textOf(next.status?.message)).toBe('Once more.');
    // What is over stays as it was.
    expect((await get(task.id)).artifacts.map(textOf)).toEqual(['It is done.']);
  });

  it('stream what the agent says, with the answer as pieces of the artifact', async () => {
    const script = 'SAY: I look first.\nRUN: true\nFINISH: There is nothing here.';
    const told = await readStream(client.sendMessageStream(sending(message(script))));
    expect(told.states).toEqual(['working', 'working', 'completed']);
    expect(told.said).toEqual(['I look first.', 'There is nothing here.']);
    expect(told.answer).toBe('There is nothing here.');
    expect(told.pieces).toBeGreaterThan(2);
    expect((await get(told.task.id)).status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
  });

  it('go on without the stream that began them, and another one follows them', async () => {
    const script = 'RUN: while [ ! -e go ]; do sleep 0.05; done\nFINISH: I went on.';
    const stop = new AbortController();
    const broken = readStream(
      client.sendMessageStream(sending(message(script)), { signal: stop.signal }),
      ({ payload }) => {
        if (payload?.$case === 'task') id = payload.value.id;
        if (payload?.$case === 'statusUpdate') stop.abort();
      },
    );
    let id = '';
    await expect(broken).rejects.toThrow();
    const followed = await follow(id);
    const context = id.split('.')[0] ?? '';
    const { workspace } = await fixture.ok('GET', `/api/conversations/${context}`);
    const { working_dir } = workspace as { working_dir: string };
    await writeFile(path.join(fixture.server.cwd, working_dir, 'go'), '');
    const told = await followed.told;
    expect(told.states.at(-1)).toBe('completed');
    expect(told.answer).toBe('I went on.');
    expect(await refusal(readStream(client.resubscribeTask({ tenant: '', id })))).toContain(
      'The task is completed',
    );
  });

  it('wait for approvals, and go on when they are approved or rejected', async () => {
    const contextId = await fixture.asking();
    const task = await sendTo(client, message('RUN: echo one\nRUN: echo two\nFINISH: Both.', { contextId }));
    expect(task.status?.state).toBe(TaskState.TASK_STATE_INPUT_REQUIRED);
    expect(textOf(task.status?.message)).toMatch(/wait for an approval:\nterminal: echo one\n/);
    const { content } = task.status?.message?.parts[1] ?? {};
    expect(content?.value).toEqual({ pending_actions: [{ tool: 'terminal', input: 'echo one' }] });

    const answer = (text: string, more = {}) => message(text, { contextId, taskId: task.id, ...more });
    expect(await refusal(sendTo(client, answer('What is that?')))).toMatch(
      /UnsupportedOperation.*approve or reject/,
    );
    expect(await refusal(sendTo(client, message('FINISH: x', { contextId })))).toContain(
      'wait for an approval',
    );

    const approved = answer('approve');
    const second = await sendTo(client, approved);
    expect(textOf(second.status?.message)).toContain('terminal: echo two');
    // The same message again does not approve what waits now.
    expect(textOf((await sendTo(client, approved)).status?.message)).toContain('terminal: echo two');

    const data = { decision: 'reject', reason: 'One is enough.' };
    const part = { ...textPart(''), content: { $case: 'data' as const, value: data } };
    const told = await readStream(client.sendMessageStream(sending(answer('', { parts: [part] }))));
    expect(told.states).toEqual(['working', 'completed']);
    expect(told.answer).toBe('Both.');
    const log = JSON.stringify(await fixture.events(contextId));
    expect(log).toContain('"rejection_reason":"One is enough."');
    expect((await fixture.events(contextId)).filter(isCommandResult)).toHaveLength(1);
    expect(await refusal(sendTo(client, answer('approve')))).toContain('The task is completed');
  });

  it('are canceled while they work, while they wait, and not when they are over', async () => {
    const working = await sendTo(client, message('RUN: sleep 60\nFINISH: never'), true);
    await reaches(working.id, TaskState.TASK_STATE_WORKING);
    const waits = await follow(working.id);
    expect((await cancel(working.id)).status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    expect((await waits.told).states).toEqual(['canceled']);
    const { execution_status: stopped } = await fixture.ok('GET', `/api/conversations/${working.contextId}`);
    expect(stopped).toBe('paused');
    expect(await refusal(cancel(working.id))).toMatch(/TaskNotCancelable.*is canceled/);
    expect(await refusal(sendTo(client, message('FINISH: x', { taskId: working.id })))).toContain(
      'is canceled',
    );
    const next = await sendTo(client, message('FINISH: after that', { contextId: working.contextId }));
    expect(textOf(next.status?.message)).toBe('after that');

    const contextId = await fixture.asking();
    const waiting = await sendTo(client, message('RUN: echo never', { contextId }));
    expect((await cancel(waiting.id)).status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    expect((await get(waiting.id)).status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    const { execution_status } = await fixture.ok('GET', `/api/conversations/${contextId}`);
    expect(execution_status).not.toBe('waiting_for_confirmation');
    expect(JSON.stringify(await fixture.events(contextId))).not.toContain('"ObservationEvent"');
  });

  it('that a person pauses need input, and go on with a message', async () => {
    const task = await sendTo(client, message('RUN: sleep 0.3\nRUN: sleep 60\nFINISH: no'), true);
    await reaches(task.id, TaskState.TASK_STATE_WORKING);
    const waits = await follow(task.id);
    await fixture.ok('POST', `/api/conversations/${task.contextId}/pause`);
    const { states, said } = await waits.told;
    expect([states, said]).toEqual([['input_required'], ['The task is paused. Send a message to go on.']]);
    const after = await sendTo(client, message('FINISH: I went on.', { taskId: task.id }));
    expect([after.id, textOf(after.status?.message)]).toEqual([task.id, 'I went on.']);
  });

  it('begin one at a time in a context, also if two messages come at the same instant', async () => {
    const { contextId } = await sendTo(client, message('FINISH: a context'));
    const script = (name: string) => message(`RUN: sleep 60\nFINISH: ${name}`, { contextId });
    const answers = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) => sendTo(client, script(name), true)),
    );
    const begun = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    const refused = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [String(answer.reason)] : [],
    );
    expect(begun).toHaveLength(1);
    expect(refused).toEqual(Array(2).fill(expect.stringContaining('The conversation is busy')));
    // Nothing is sent to a task that is being canceled.
    const [{ id } = { id: '' }] = begun;
    const [canceled, late] = await Promise.allSettled([
      cancel(id),
      sendTo(client, message('FINISH: more', { taskId: id }), true),
    ]);
    expect(canceled).toMatchObject({ value: { status: { state: TaskState.TASK_STATE_CANCELED } } });
    expect(String((late as PromiseRejectedResult).reason)).toContain('The task is canceled');
    const { execution_status } = await fixture.ok('GET', `/api/conversations/${contextId}`);
    expect(execution_status).toBe('paused');
  });

  it('stream the text of an ACP agent once', async () => {
    const { id } = await fixture.ok('POST', '/api/conversations', acpRequest('work'));
    const said = steps(['say', 'All '], ['say', 'is '], ['say', 'done.']);
    const told = await readStream(
      client.sendMessageStream(sending(message(said, { contextId: String(id) }))),
    );
    expect([told.answer, told.all]).toEqual(['All is done.', 'All is done.']);
    expect([told.states, told.said]).toEqual([['working', 'completed'], ['All is done.']]);
  });

  it('fail with the reason', async () => {
    const task = await sendTo(client, message('FAIL: 401 no such key'));
    expect([TaskState[task.status?.state ?? -1], textOf(task.status?.message)]).toEqual([
      'TASK_STATE_FAILED',
      expect.stringMatching(/^\w+: /),
    ]);
    expect(task.artifacts).toEqual([]);
  });

  it('begin once for each message, however often it comes', async () => {
    const sent = message('RUN: echo once >> runs.txt\nFINISH: Once.');
    const [first, second] = await Promise.all([sendTo(client, sent), sendTo(client, sent)]);
    const third = await sendTo(client, sent);
    expect([second.id, third.id]).toEqual([first.id, first.id]);
    expect(textOf(third.status?.message)).toBe('Once.');
    const events = await fixture.events(first.contextId);
    expect(events.filter(({ kind, source }) => kind === 'MessageEvent' && source === 'user')).toHaveLength(1);
    expect(await refusal(sendTo(client, { ...sent, parts: [textPart('FINISH: Another.')] }))).toContain(
      'This key came with another message before',
    );

    const inContext = message('FINISH: Again.', { contextId: first.contextId });
    const again = await sendTo(client, inContext);
    expect((await sendTo(client, inContext)).id).toBe(again.id);
    // The key of the header counts more than the id of the message.
    const rpc = (id: string) =>
      fixture.rpc(
        'message/send',
        {
          message: {
            kind: 'message',
            role: 'user',
            messageId: id,
            parts: [{ kind: 'text', text: 'FINISH: key' }],
          },
        },
        { 'idempotency-key': 'key of a request' },
      );
    expect((await rpc('a')).result?.['id']).toBe((await rpc('b')).result?.['id']);
  });

  it('are the same for clients of version 0.3', async () => {
    const sent = {
      kind: 'message',
      role: 'user',
      messageId: 'of-0.3',
      parts: [{ kind: 'text', text: 'FINISH: Old.' }],
    };
    const { result } = await fixture.rpc('message/send', { message: sent });
    expect(result).toMatchObject({ kind: 'task', status: { state: 'completed' } });
    expect(await fixture.rpc('tasks/get', { id: result?.['id'] })).toMatchObject({ result });
    const response = await fixture.post({
      jsonrpc: '2.0',
      id: 'x',
      method: 'message/stream',
      params: { message: { ...sent, messageId: 'of-0.3-too' } },
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const events = (await response.text())
      .split('\n\n')
      .filter((frame) => frame.startsWith('data: '))
      .map((frame) => JSON.parse(frame.slice(6)) as { id: string; result: Record<string, unknown> });
    expect(new Set(events.map(({ id }) => id))).toEqual(new Set(['x']));
    expect(events[0]?.result['kind']).toBe('task');
    expect(events.at(-1)?.result).toMatchObject({
      kind: 'status-update',
      final: true,
      status: { state: 'completed' },
    });
  });

  it('take images, and refuse other files and data', async () => {
    const image = {
      content: { $case: 'raw' as const, value: Buffer.from('89504e47', 'hex') },
      metadata: undefined,
      filename: 'a.png',
      mediaType: 'image/png',
    };
    const task = await sendTo(client, message('', { parts: [textPart('FINISH: Seen.'), image] }));
    expect(textOf(task.history[0])).toBe('FINISH: Seen.\n[image]');
    expect(JSON.stringify(await fixture.events(task.contextId))).toContain('data:image/png;base64,iVBORw==');
    const wrong = (part: object) => refusal(sendTo(client, message('', { parts: [{ ...image, ...part }] })));
    expect(await wrong({ mediaType: 'application/pdf' })).toMatch(
      /ContentTypeNotSupported.*application\/pdf/,
    );
    expect(await wrong({ content: { $case: 'data', value: { a: 1 } } })).toContain('ContentTypeNotSupported');
    expect(await wrong({ content: { $case: 'url', value: 'file:///etc/passwd' } })).toContain('http(s)');
    expect(await wrong({ content: { $case: 'raw', value: Buffer.alloc(5 * 1024 * 1024 + 1) } })).toContain(
      'bytes',
    );
  });

  it('survive a restart, also one without a warning', async () => {
    const done = await sendTo(client, message('FINISH: Before.'));
    const working = await sendTo(client, message('RUN: sleep 60\nFINISH: never'), true);
    await reaches(working.id, TaskState.TASK_STATE_WORKING);
    await fixture.restart('SIGKILL');
    client = await fixture.client();
    expect((await get(done.id)).artifacts.map(textOf)).toEqual(['Before.']);
    await reaches(working.id, TaskState.TASK_STATE_INPUT_REQUIRED);
    expect(textOf((await get(working.id)).status?.message)).toMatch(/^ServerRestarted: /);
    const after = await sendTo(client, message('FINISH: After.', { taskId: working.id }));
    expect([after.id, textOf(after.status?.message)]).toEqual([working.id, 'After.']);

    const stopped = await sendTo(client, message('RUN: sleep 60\nFINISH: never'), true);
    await reaches(stopped.id, TaskState.TASK_STATE_WORKING);
    const waits = await follow(stopped.id);
    const end = waits.told.then(({ states }) => states.join(), String);
    await fixture.restart('SIGTERM');
    // It is told what happens, or that the server stops. A stream that comes by another server is cut.
    expect(await end).toMatch(/^input_required$|server is stopping|terminated/);
    client = await fixture.client();
    await reaches(stopped.id, TaskState.TASK_STATE_INPUT_REQUIRED);
    expect((await cancel(stopped.id)).status?.state).toBe(TaskState.TASK_STATE_CANCELED);
  });
});
