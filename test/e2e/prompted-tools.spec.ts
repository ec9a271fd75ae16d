import { endpointLlm, startScriptedEndpoint } from '../support/scripted-endpoint.js';
import { ServerFixture } from '../support/server-fixture.js';

describe('models without native tool calls', () => {
  const fixture = ServerFixture.forTests();

  it.each([false, true])('recovers from an invalid prompted tool call with streaming %s', async (stream) => {
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
      const llm = endpointLlm(endpoint, { native_tool_calling: false, stream });
      const conversation = await fixture.run('go', { agent: { llm, tools: [{ name: 'terminal' }] } });
      const events = await conversation.events();
      const [first, second] = events.filter(({ kind }) => kind === 'ActionEvent');
      expect(first).toMatchObject({
        thought: [{ type: 'text', text: 'I look.' }],
        action: { command: 'echo hi', kind: 'TerminalAction' },
        tool_call_id: 'toolu_01',
        tool_call: { id: 'toolu_01', name: 'terminal', origin: 'completion' },
      });
      expect(second).toMatchObject({ tool_name: 'finish', tool_call_id: 'toolu_02' });
      const feedback = events
        .filter(({ kind, source }) => kind === 'MessageEvent' && source === 'user')
        .at(-1);
      expect(feedback?.['llm_message']).toMatchObject({
        content: [
          {
            text: expect.stringMatching(
              /^Parameter 'nope' is not allowed for function 'terminal'\./,
            ) as unknown,
          },
        ],
      });
      const last = events.filter(({ key }) => key === 'last_user_message_id').at(-1);
      expect(last?.value).toBe(feedback?.id);
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
