import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, userMessage } from '../support/conversation-client.js';
import { startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { ServerProcess } from '../support/server-process.js';

describe('models without native tool calls', () => {
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

  it.each([false, true])('runs prompted tool calls and recovers from an invalid one (streaming: %s)', async (stream) => {
    const endpoint = await startScriptedEndpoint({
      script: [
        {
          say: 'I look.\n<function=terminal>\n<parameter=command>echo hi</parameter>\n<parameter=security_risk>LOW</parameter>\n</function>',
        },
        { say: '<function=terminal>\n<parameter=nope>echo hi</parameter>\n</function>' },
        { say: '<function=finish>\n<parameter=message>bye</parameter>\n' },
      ],
    });
    try {
      const llm = {
        model: 'openai/some-model',
        base_url: endpoint.url,
        api_key: 'sk-test',
        usage_id: 'agent',
        native_tool_calling: false,
        stream,
      };
      const conversation = await ConversationClient.create(server, {
        agent: { llm, tools: [{ name: 'terminal' }] },
        workspace: { working_dir: workspace },
        initial_message: userMessage('go'),
        autotitle: false,
      });
      await conversation.reaches('finished');
      const events = await conversation.events();
      const [first, second] = events.filter(({ kind }) => kind === 'ActionEvent');
      expect(first).toMatchObject({
        thought: [{ type: 'text', text: 'I look.' }],
        action: { command: 'echo hi', kind: 'TerminalAction' },
        tool_call_id: 'toolu_01',
        tool_call: { id: 'toolu_01', name: 'terminal', origin: 'completion' },
      });
      expect(second).toMatchObject({ tool_name: 'finish', tool_call_id: 'toolu_02' });
      const told = events.filter(({ kind, source }) => kind === 'MessageEvent' && source === 'user').at(-1);
      expect(told?.['llm_message']).toMatchObject({
        content: [
          {
            text: expect.stringMatching(
              /^Parameter 'nope' is not allowed for function 'terminal'\./,
            ) as unknown,
          },
        ],
      });
      const last = events.filter(({ key }) => key === 'last_user_message_id').at(-1);
      expect(last?.value).toBe(told?.id);
      // The usage includes the answer that could not be parsed.
      expect((await conversation.info())['stats']).toMatchObject({
        usage_to_metrics: { agent: { accumulated_token_usage: { prompt_tokens: 1000 + 1001 + 1002 } } },
      });
      const roles = endpoint.requests[2]?.body.messages.map(({ role }) => role);
      expect(roles).toEqual(['system', 'user', 'assistant', 'user', 'user']);
    } finally {
      await endpoint.close();
    }
  });
});
