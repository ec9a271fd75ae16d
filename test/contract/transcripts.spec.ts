import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  brief,
  ConversationClient,
  scriptedRequest,
  type SeenEvent,
  type SocketRecorder,
} from '../support/conversation-client.js';
import { startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { eventually, ServerProcess } from '../support/server-process.js';

/**
 * What a socket saw of the original (OpenHands Agent Server 1.58.2) in the situations that clients know best, as short
 * sequences. `stats` events are left out: their place is not fixed there.
 */
describe('transcripts of the event socket', () => {
  let server: ServerProcess;
  let workspace: string;

  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    workspace = await mkdtemp(path.join(os.tmpdir(), 'workspace-'));
  });
  afterEach(() => rm(workspace, { recursive: true, force: true }));

  const create = (more: Record<string, unknown> = {}) =>
    ConversationClient.create(server, scriptedRequest(workspace, undefined, more));
  const post = (conversation: ConversationClient, what: string, body?: unknown) =>
    server.request('POST', `${conversation.route}/${what}`, body);

  /** A socket on a conversation; `upTo` waits for the last of the expected frames and closes it. */
  async function watch(conversation: ConversationClient) {
    const socket = await conversation.listen();
    await socket.sees((event) => event.key === 'full_state', 'the first frame');
    return {
      socket,
      /** The sequence once it has `length` entries; what came further is shown too. */
      upTo: async (length: number): Promise<string[]> => {
        await eventually(() => Promise.resolve(sequence(socket).length >= length), `${length} frames`);
        // One more exchange on the same socket: whatever was sent before its answer has arrived.
        socket.socket.send('not JSON');
        await socket.sees((event) => event.kind === 'ServerErrorEvent', 'the complaint');
        await socket.close();
        return sequence(socket);
      },
    };
  }

  const COMMON = ['id', 'timestamp', 'source', 'parent_id'];
  const FIRST_MESSAGE = ['SystemPromptEvent', 'MessageEvent', 'last_user_message_id'];
  const STEP = ['ActionEvent', 'ObservationEvent'];
  const inTool = (conversation: ConversationClient) =>
    eventually(async () => (await conversation.events('&kind=ActionEvent')).length > 0, 'the first action');
  /** A command that goes on until the test lets it end. */
  const WAITING = 'while [ ! -e go ]; do sleep 0.05; done; echo slept';
  const letGo = () => writeFile(path.join(workspace, 'go'), '');

  it('message_then_run_finish', async () => {
    const conversation = await create();
    const { socket, upTo } = await watch(conversation);
    await conversation.send('RUN: echo hi > a.txt && ls\nFINISH: all done');
    const expected = [
      'full_state idle',
      ...FIRST_MESSAGE,
      'execution_status=running',
      ...STEP,
      ...STEP,
      'execution_status=finished',
      'full_state finished',
    ];
    expect(await upTo(expected.length)).toEqual(expected);

    const [snapshot, prompt, message, lastMessage] = socket.events;
    expect(Object.keys(snapshot ?? {})).toEqual(['id', 'timestamp', 'source', 'key', 'value', 'kind']);
    expect(Object.keys(snapshot?.value ?? {})).toEqual([
      'id',
      'agent',
      'workspace',
      'persistence_dir',
      'max_iterations',
      'stuck_detection',
      'execution_status',
      'confirmation_policy',
      'activated_knowledge_skills',
      'activated_path_rules',
      'invoked_skills',
      'blocked_actions',
      'blocked_messages',
      'head_is_empty',
      'stats',
      'secret_registry',
      'tags',
      'agent_state',
    ]);
    expect(Object.keys(prompt ?? {})).toEqual([
      'id',
      'timestamp',
      'source',
      'system_prompt',
      'tools',
      'kind',
    ]);
    expect(
      (prompt?.['tools'] as { kind: string; title: string }[]).map(({ kind, title }) => [kind, title]),
    ).toEqual([
      ['TerminalTool', 'terminal'],
      ['FileEditorTool', 'file_editor'],
      ['TaskTrackerTool', 'task_tracker'],
      ['FinishTool', 'finish'],
      ['ThinkTool', 'think'],
    ]);
    expect(message).toEqual({
      id: message?.id,
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/) as string,
      source: 'user',
      parent_id: prompt?.id,
      llm_message: {
        role: 'user',
        content: [
          { cache_prompt: false, type: 'text', text: 'RUN: echo hi > a.txt && ls\nFINISH: all done' },
        ],
        thinking_blocks: [],
      },
      activated_skills: [],
      extended_content: [],
      kind: 'MessageEvent',
    });
    expect(lastMessage).toMatchObject({ source: 'environment', parent_id: message?.id, value: message?.id });

    const [action] = ofKind(socket, 'ActionEvent');
    expect(Object.keys(action ?? {})).toEqual([
      ...COMMON,
      'thought',
      'thinking_blocks',
      'action',
      'tool_name',
      'tool_call_id',
      'tool_call',
      'llm_response_id',
      'security_risk',
      'summary',
      'kind',
    ]);
    expect(action).toMatchObject({
      source: 'agent',
      parent_id: message?.id,
      thought: [],
      action: { command: 'echo hi > a.txt && ls', is_input: false, reset: false, kind: 'TerminalAction' },
      tool_call: {
        name: 'terminal',
        arguments: '{"command": "echo hi > a.txt && ls"}',
        origin: 'completion',
      },
      security_risk: 'UNKNOWN',
      summary: 'terminal: {"command": "echo hi > a.txt && ls"}',
    });
    const [observation, finish] = ofKind(socket, 'ObservationEvent');
    expect(Object.keys(observation ?? {})).toEqual([
      ...COMMON,
      'tool_name',
      'tool_call_id',
      'observation',
      'action_id',
      'extended_content',
      'kind',
    ]);
    expect(observation).toMatchObject({
      source: 'environment',
      parent_id: action?.id,
      action_id: action?.id,
      observation: { is_error: false, exit_code: 0, timeout: false, kind: 'TerminalObservation' },
    });
    expect(finish?.['observation']).toEqual({
      content: [{ cache_prompt: false, type: 'text', text: 'all done' }],
      is_error: false,
      kind: 'FinishObservation',
    });
    const last = socket.events.findLast((event) => event.key === 'full_state');
    expect(last?.value).toMatchObject({ last_user_message_id: message?.id, leaf_event_id: finish?.id });
  });

  it('streaming_deltas', async () => {
    const endpoint = await startScriptedEndpoint();
    try {
      const llm = { model: 'openai/some-model', base_url: endpoint.url, api_key: 'sk-test', stream: true };
      const conversation = await create({ agent: { llm, tools: [] } });
      const { socket, upTo } = await watch(conversation);
      await conversation.send('SAY: one two three');
      const expected = [
        'full_state idle',
        ...FIRST_MESSAGE,
        'execution_status=running',
        'StreamingDeltaEvent',
        'StreamingDeltaEvent',
        'StreamingDeltaEvent',
        'MessageEvent',
        'execution_status=finished',
        'full_state finished',
      ];
      expect(await upTo(expected.length)).toEqual(expected);
      const deltas = ofKind(socket, 'StreamingDeltaEvent');
      // The original sends an empty delta first.
      expect(deltas.map((event) => event['content'])).toEqual(['one ', 'two ', 'three']);
      expect(Object.keys(deltas[0] ?? {})).toEqual(['id', 'timestamp', 'source', 'content', 'kind']);
      expect(ofKind(socket, 'MessageEvent')[1]).toMatchObject({
        source: 'agent',
        llm_message: {
          role: 'assistant',
          content: [{ cache_prompt: false, type: 'text', text: 'one two three' }],
        },
        llm_response_id: 'chatcmpl-1',
      });
    } finally {
      await endpoint.close();
    }
  });

  it('confirmation_flow: what was refused is not done, and no run starts', async () => {
    const conversation = await create({ confirmation_policy: { kind: 'AlwaysConfirm' } });
    await conversation.send('RUN: touch never\nFINISH: done');
    await conversation.reaches('waiting_for_confirmation');
    const { socket, upTo } = await watch(conversation);
    await post(conversation, 'events/respond_to_confirmation', { accept: false, reason: 'not now' });
    await conversation.reaches('idle');
    await post(conversation, 'run');
    const expected = [
      'full_state waiting_for_confirmation',
      'execution_status=idle',
      'UserRejectObservation',
      'execution_status=running',
      ...STEP,
      'execution_status=finished',
      'full_state finished',
    ];
    const seen = await upTo(expected.length);
    // The snapshot of the end of the first run may come to the socket too.
    expect(seen.slice(seen.lastIndexOf('full_state waiting_for_confirmation'))).toEqual(expected);
    const [rejection] = ofKind(socket, 'UserRejectObservation');
    expect(Object.keys(rejection ?? {})).toEqual([
      ...COMMON,
      'tool_name',
      'tool_call_id',
      'rejection_reason',
      'rejection_source',
      'action_id',
      'kind',
    ]);
    expect(rejection).toMatchObject({
      source: 'environment',
      tool_name: 'terminal',
      rejection_reason: 'not now',
      rejection_source: 'user',
    });
  });

  it('confirmation_accept: what was agreed to is done in the next run', async () => {
    const conversation = await create({ confirmation_policy: { kind: 'AlwaysConfirm' } });
    const { upTo } = await watch(conversation);
    await conversation.send('RUN: echo one\nFINISH: done');
    await conversation.reaches('waiting_for_confirmation');
    await post(conversation, 'events/respond_to_confirmation', { accept: true });
    const expected = [
      'full_state idle',
      ...FIRST_MESSAGE,
      'execution_status=running',
      'ActionEvent',
      'execution_status=waiting_for_confirmation',
      'full_state waiting_for_confirmation',
      'execution_status=running',
      'ObservationEvent',
      ...STEP,
      'execution_status=finished',
      'full_state finished',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
  });

  it('pause_resume: a pause waits for the step, a run goes on', async () => {
    const conversation = await create();
    await conversation.send(`RUN: ${WAITING}\nRUN: echo two\nFINISH: end`);
    await inTool(conversation);
    const { upTo } = await watch(conversation);
    await post(conversation, 'pause');
    await letGo();
    await conversation.reaches('paused');
    await post(conversation, 'pause');
    await post(conversation, 'run');
    const expected = [
      'full_state running',
      // The original answers the pause when the tool has ended, so that it sends this one behind the pause.
      'full_state running',
      'ObservationEvent',
      'execution_status=paused',
      'PauseEvent',
      'full_state paused',
      'full_state paused',
      'execution_status=running',
      ...STEP,
      ...STEP,
      'execution_status=finished',
      'full_state finished',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
  });

  it('interrupt_llm_call', async () => {
    const conversation = await create();
    await conversation.send('WAIT: 1000\nSAY: late');
    await conversation.reaches('running');
    const { upTo } = await watch(conversation);
    await post(conversation, 'interrupt');
    const expected = [
      'full_state running',
      'execution_status=paused',
      'InterruptEvent',
      'full_state paused',
      'full_state paused',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
  });

  it('interrupt_tool_call', async () => {
    const conversation = await create();
    await conversation.send('RUN: sleep 1000; echo x\nFINISH: y');
    await inTool(conversation);
    const { socket, upTo } = await watch(conversation);
    await post(conversation, 'interrupt');
    const expected = [
      'full_state running',
      'AgentErrorEvent',
      'execution_status=paused',
      'InterruptEvent',
      'full_state paused',
      'full_state paused',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
    const [failure] = ofKind(socket, 'AgentErrorEvent');
    expect(Object.keys(failure ?? {})).toEqual([
      ...COMMON,
      'tool_name',
      'tool_call_id',
      'error',
      'classification',
      'kind',
    ]);
    expect(failure).toMatchObject({
      source: 'agent',
      tool_name: 'terminal',
      error: 'Tool call interrupted before completion. The conversation was paused.',
      classification: { kind: 'agent_action', retryable: true, user_action: 'retry' },
    });
    const [interruption] = ofKind(socket, 'InterruptEvent');
    expect(Object.keys(interruption ?? {})).toEqual([...COMMON, 'kind']);
    expect(interruption).toMatchObject({ source: 'user', parent_id: failure?.id });
  });

  it('message_while_running: the run that is going on answers it', async () => {
    const conversation = await create();
    await conversation.send(`RUN: ${WAITING}\nFINISH: never said`);
    await inTool(conversation);
    const { socket, upTo } = await watch(conversation);
    await conversation.send('SAY: second msg');
    await letGo();
    const expected = [
      'full_state running',
      // The original takes the message when the tool has ended, here it is in the log when it came.
      'MessageEvent',
      'last_user_message_id',
      'ObservationEvent',
      'MessageEvent',
      'execution_status=finished',
      'full_state finished',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
    const [, answer] = ofKind(socket, 'MessageEvent');
    expect(answer).toMatchObject({ source: 'agent', llm_message: { content: [{ text: 'second msg' }] } });
  });

  it('run_on_empty_and_finished: the model is asked without a message; a finished run does nothing', async () => {
    const conversation = await create();
    const { upTo } = await watch(conversation);
    await post(conversation, 'run');
    await conversation.reaches('finished');
    await post(conversation, 'run');
    const expected = [
      'full_state idle',
      'SystemPromptEvent',
      'execution_status=running',
      'MessageEvent',
      'execution_status=finished',
      'full_state finished',
      'full_state finished',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
  });
});

function ofKind(socket: SocketRecorder, kind: string): SeenEvent[] {
  return socket.events.filter((event) => event.kind === kind);
}

/** Kinds and keys in order, snapshots with the status that they show. */
function sequence(socket: SocketRecorder): string[] {
  return socket.events
    .filter((event) => event.key !== 'stats' && event.kind !== 'ServerErrorEvent')
    .map((event) => {
      if (event.key !== 'full_state') return brief(event);
      const { execution_status } = event.value as { execution_status: string };
      return `full_state ${execution_status}`;
    });
}
