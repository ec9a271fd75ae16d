import type { SeenEvent } from '../../support/conversation-client.js';
import { startScriptedEndpoint } from '../../support/scripted-endpoint.js';
import {
  COMMON,
  FIRST_MESSAGE,
  ofKind,
  TranscriptFixture,
  STEP,
  WAITING,
  watch,
} from './transcript-fixture.js';

describe('a socket during runs of its conversation', () => {
  const fixture = TranscriptFixture.forTests();

  it('receives all events of a run, with the fields of the original (message_then_run_finish)', async () => {
    const conversation = await fixture.create();
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
    expect(titles(prompt)).toEqual([
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

  it('receives streamed deltas before their message (streaming_deltas)', async () => {
    const endpoint = await startScriptedEndpoint();
    try {
      const llm = { model: 'openai/some-model', base_url: endpoint.url, api_key: 'sk-test', stream: true };
      const conversation = await fixture.create({ agent: { llm, tools: [] } });
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

  it('receives the answer of the active run to a message during it (message_while_running)', async () => {
    const conversation = await fixture.create();
    await conversation.send(`RUN: ${WAITING}\nFINISH: never said`);
    await conversation.startsTool();
    const { socket, upTo } = await watch(conversation);
    await conversation.send('SAY: second msg');
    await fixture.release();
    const expected = [
      'full_state running',
      // The original appends the message when the tool has ended; this server appends it on arrival.
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

  it('receives the answer of a run without a message, and only a snapshot for a finished one (run_on_empty_and_finished)', async () => {
    const conversation = await fixture.create();
    const { upTo } = await watch(conversation);
    await fixture.post(conversation, 'run');
    await conversation.reaches('finished');
    await fixture.post(conversation, 'run');
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

/** Kinds and names of the tools that a system prompt lists. */
function titles(prompt: SeenEvent | undefined): unknown[] {
  const tools = prompt?.['tools'];
  if (!Array.isArray(tools)) return [];
  return tools.map((tool: { kind?: unknown; title?: unknown }) => [tool.kind, tool.title]);
}
