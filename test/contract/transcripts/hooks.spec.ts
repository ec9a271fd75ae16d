import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { brief, type ConversationClient, type SeenEvent } from '../../support/conversation-client.js';
import {
  startScriptedEndpoint,
  type ChatEndpoint,
  type EndpointStep,
} from '../../support/scripted-endpoint.js';
import { eventually } from '../../support/server-process.js';
import { COMMON, TranscriptFixture } from './transcript-fixture.js';

/** The fields of an event of a hook without output. */
const HOOK = ['hook_event_type', 'hook_command', 'success', 'blocked', 'exit_code', 'stdout', 'stderr'];

describe('the log of a conversation with hooks', () => {
  const fixture = TranscriptFixture.forTests();
  let endpoint: ChatEndpoint;
  beforeEach(async () => {
    endpoint = await startScriptedEndpoint();
  });
  afterEach(() => endpoint.close());

  /** Runs a first message with hooks, and waits until the conversation is finished. */
  async function finished(steps: EndpointStep[], hook_config: unknown): Promise<ConversationClient> {
    endpoint.script(steps);
    const llm = { model: 'openai/scripted', base_url: endpoint.url, api_key: 'x', usage_id: 'agent' };
    const conversation = await fixture.create({
      agent: { llm, tools: [{ name: 'terminal' }] },
      initial_message: { role: 'user', content: [{ type: 'text', text: 'go' }] },
      hook_config,
    });
    await conversation.reaches('finished');
    return conversation;
  }

  const sequence = (events: SeenEvent[]) =>
    events
      .filter(({ key }) => key !== 'stats')
      .map((event) =>
        event.kind === 'HookExecutionEvent' ? String(event['hook_event_type']) : brief(event),
      );
  const hooksIn = (events: SeenEvent[]) => events.filter(({ kind }) => kind === 'HookExecutionEvent');

  it('records a refused action, an executed one and a refused stop (hook-block)', async () => {
    const conversation = await finished(
      [
        {
          tools: [
            ['terminal', { command: 'rm -rf x' }],
            ['terminal', { command: 'echo fine' }],
          ],
        },
        { tools: [['finish', { message: 'first try' }]] },
        { tools: [['finish', { message: 'second try' }]] },
      ],
      {
        PreToolUse: [
          {
            matcher: 'terminal',
            hooks: [
              {
                type: 'command',
                command: 'if grep -q "rm -rf" ; then echo "rm is not allowed" >&2; exit 2; fi',
                timeout: 10,
              },
            ],
          },
        ],
        PostToolUse: [
          {
            matcher: 'terminal',
            hooks: [{ command: 'cat > $OPENHANDS_PROJECT_DIR/post.json; exit 1' }],
          },
        ],
        UserPromptSubmit: [{ hooks: [{ command: `echo '{"additionalContext":"extra from hook"}'` }] }],
        SessionStart: [{ hooks: [{ command: `echo '{"additionalContext":"session ctx"}'` }] }],
        Stop: [
          {
            hooks: [
              {
                command: `if [ -f stopped ]; then exit 0; fi; touch stopped; echo '{"decision":"deny","reason":"not yet"}'`,
              },
            ],
          },
        ],
      },
    );
    const stops = async () =>
      (await conversation.events()).filter((event) => event['hook_event_type'] === 'Stop');
    await eventually(async () => (await stops()).length === 2);
    const events = await conversation.events();
    expect(sequence(events)).toEqual([
      'hook_config',
      'SessionStart',
      'SystemPromptEvent',
      'MessageEvent',
      'UserPromptSubmit',
      'MessageEvent',
      'last_user_message_id',
      'execution_status=running',
      'PreToolUse',
      'blocked_actions',
      'ActionEvent',
      'PreToolUse',
      'ActionEvent',
      'blocked_actions',
      'UserRejectObservation',
      'PostToolUse',
      'ObservationEvent',
      'ActionEvent',
      'ObservationEvent',
      'execution_status=finished',
      'Stop',
      'MessageEvent',
      'execution_status=running',
      'ActionEvent',
      'ObservationEvent',
      'execution_status=finished',
      'Stop',
    ]);
    const [start, prompt, denied, allowed, after, stop] = hooksIn(events);
    expect(Object.keys(start ?? {})).toEqual([...COMMON, ...HOOK, 'additional_context', 'kind']);
    expect(start).toMatchObject({ source: 'hook', parent_id: '__root__', additional_context: 'session ctx' });
    expect(prompt).toMatchObject({ hook_input: { message: 'go' }, additional_context: 'extra from hook' });
    expect(prompt?.['message_id']).toBe(events.find(({ source }) => source === 'user')?.id);
    const withTool = [...HOOK.slice(0, 2), 'tool_name', ...HOOK.slice(2), 'action_id', 'hook_input', 'kind'];
    expect(Object.keys(denied ?? {})).toEqual([...COMMON, ...withTool]);
    const actions = events.filter(({ kind }) => kind === 'ActionEvent');
    expect(denied).toMatchObject({
      tool_name: 'terminal',
      success: false,
      blocked: true,
      exit_code: 2,
      stderr: 'rm is not allowed\n',
      action_id: actions[0]?.id,
      hook_input: {
        tool_name: 'terminal',
        tool_input: {
          command: 'rm -rf x',
          is_input: false,
          timeout: null,
          reset: false,
          kind: 'TerminalAction',
        },
      },
    });
    expect(allowed).toMatchObject({ success: true, blocked: false, action_id: actions[1]?.id });
    expect(after).toMatchObject({
      success: false,
      blocked: false,
      exit_code: 1,
      hook_input: {
        tool_response: { content: [{ text: 'fine' }], exit_code: 0, kind: 'TerminalObservation' },
      },
    });
    expect(stop).toMatchObject({
      blocked: true,
      reason: 'not yet',
      hook_input: { reason: 'agent_finished' },
    });
    const blocked = events.filter(({ key }) => key === 'blocked_actions').map(({ value }) => value);
    expect(blocked).toEqual([{ [actions[0]?.id ?? '']: 'rm is not allowed' }, {}]);
    const rejection = events.find(({ kind }) => kind === 'UserRejectObservation');
    expect(rejection).toMatchObject({
      source: 'environment',
      rejection_reason: 'rm is not allowed',
      rejection_source: 'hook',
      action_id: actions[0]?.id,
    });
    const messages = endpoint.requests[2]?.body.messages ?? [];
    expect(messages[1]?.['content']).toEqual(
      ['session ctx', 'go', 'extra from hook'].map((text) => ({ type: 'text', text })),
    );
    expect(messages[3]).toMatchObject({
      role: 'tool',
      content: [{ text: 'Action rejected: rm is not allowed' }],
    });
    expect(messages.at(-1)).toMatchObject({
      role: 'user',
      content: [{ text: '[Stop hook feedback] not yet' }],
    });
    const read = JSON.parse(await readFile(path.join(fixture.workspace, 'post.json'), 'utf8')) as object;
    expect(Object.keys(read)).toEqual(
      'event_type tool_name tool_input tool_response message session_id working_dir metadata'.split(' '),
    );
  });

  it('records a blocked message, for which no model is called (hook-block-user-prompt)', async () => {
    const conversation = await finished([], {
      user_prompt_submit: [{ hooks: [{ command: 'echo nope >&2; exit 2' }] }],
    });
    const events = await conversation.events();
    expect(sequence(events)).toEqual([
      'hook_config',
      'SystemPromptEvent',
      'UserPromptSubmit',
      'blocked_messages',
      'MessageEvent',
      'last_user_message_id',
      'execution_status=running',
      'blocked_messages',
      'execution_status=finished',
    ]);
    const message = events.find(({ kind }) => kind === 'MessageEvent');
    expect(events.filter(({ key }) => key === 'blocked_messages').map(({ value }) => value)).toEqual([
      { [message?.id ?? '']: 'nope' },
      {},
    ]);
    expect(events[0]?.value).toEqual({
      pre_tool_use: [],
      post_tool_use: [],
      user_prompt_submit: [
        {
          matcher: '*',
          hooks: [
            {
              type: 'command',
              command: 'echo nope >&2; exit 2',
              tools: [],
              timeout: 60,
              max_iterations: 3,
              async_: false,
            },
          ],
        },
      ],
      session_start: [],
      session_end: [],
      stop: [],
    });
    expect(endpoint.requests).toHaveLength(0);
  });

  it('records the decision of a model in a prompt hook (hook-prompt-type)', async () => {
    const conversation = await finished(
      [
        { tools: [['terminal', { command: 'echo 1' }]] },
        { say: '{"decision":"deny","reason":"policy says no"}' },
        { say: 'bye' },
      ],
      {
        pre_tool_use: [
          {
            matcher: 'terminal|file_editor',
            hooks: [{ type: 'prompt', name: 'p', prompt: 'never allow echo' }],
          },
        ],
      },
    );
    const events = await conversation.events();
    expect(sequence(events)).toEqual([
      'hook_config',
      'SystemPromptEvent',
      'MessageEvent',
      'last_user_message_id',
      'execution_status=running',
      'PreToolUse',
      'blocked_actions',
      'ActionEvent',
      'blocked_actions',
      'UserRejectObservation',
      'MessageEvent',
      'execution_status=finished',
    ]);
    const [hook] = hooksIn(events);
    expect(hook).toMatchObject({ hook_command: 'prompt-hook:p', success: true, blocked: true, exit_code: 0 });
    expect(Object.keys(hook ?? {})).toContain('reason');
    const [, asked] = endpoint.requests;
    expect(asked?.body['tools']).toBeUndefined();
    expect(asked?.body.messages.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(JSON.stringify(asked?.body.messages[0])).toContain('never allow echo');
    expect(JSON.stringify(asked?.body.messages[1])).toContain('TerminalAction');
    const { stats } = await conversation.info();
    expect(Object.keys((stats as { usage_to_metrics: object }).usage_to_metrics)).toEqual([
      'agent',
      'prompt-hook:p',
    ]);
  });
});
