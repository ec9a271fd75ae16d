import path from 'node:path';
import { ConversationClient, userMessage } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';
import { anthropicMessages } from '../support/wire/anthropic-messages.js';
import { claudeSignature, redacted } from '../support/wire/claude.js';
import { startWireEndpoint } from '../support/wire/wire-endpoint.js';
import type { Json } from '../support/wire/wire-protocol.js';

describe('interleaved thinking', () => {
  it('sends thinking blocks back unchanged and in their places, also after a restart of the server', async () => {
    const thought = (thinking: string): Json => ({
      type: 'thinking',
      thinking,
      signature: claudeSignature(thinking),
    });
    const content: Json[] = [
      { type: 'redacted_thinking', data: redacted('hidden') },
      { type: 'text', text: 'Größe 🌍: ' },
      thought('second'),
      { type: 'text', text: 'I think.' },
      { type: 'tool_use', id: 'toolu_1', name: 'think', input: { thought: 'hm' } },
      { type: 'tool_use', id: 'toolu_2', name: 'think', input: { thought: 'hm, hm' } },
    ];
    const envelope = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', stop_sequence: null };
    const usage = { input_tokens: 1, output_tokens: 1 };
    const body = { ...envelope, content, stop_reason: 'tool_use', usage };
    const endpoint = await startWireEndpoint({
      protocol: anthropicMessages,
      script: [{ body }, { reasoning: 'third', text: 'done' }, { text: 'ok' }],
    });
    let server = await ServerProcess.start({
      env: { OH_SECRET_KEY: 'a key that is long enough for a test' },
    });
    try {
      const llm = {
        model: 'anthropic/claude-sonnet-4-5',
        base_url: endpoint.url,
        api_key: 'sk-wire-test',
        num_retries: 1,
      };
      const conversation = await ConversationClient.create(server, {
        agent: { llm: { ...llm, usage_id: 'agent' }, tools: [] },
        workspace: { working_dir: path.join(server.cwd, 'work') },
        initial_message: userMessage('go'),
        autotitle: false,
      });
      await conversation.reaches('finished');
      server = await server.restart();
      const again = conversation.on(server);
      await again.send('go on');
      await again.reaches('finished');
      expect(endpoint.requests).toHaveLength(3);
      for (const request of endpoint.requests.slice(1)) {
        const messages = request.body['messages'] as Json[];
        expect(messages[1]).toMatchObject({ role: 'assistant', content });
      }
      const [action] = await again.events('&kind=ActionEvent');
      expect(action?.['thinking_blocks']).toMatchObject([
        { type: 'redacted_thinking' },
        { type: 'thinking', text_before: 'Größe 🌍: '.length },
      ]);
    } finally {
      await server.stop();
      await endpoint.close();
    }
  });
});
