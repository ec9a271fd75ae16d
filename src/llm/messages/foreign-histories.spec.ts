import fc from 'fast-check';
import { anyCharacter } from '../../../test/support/any-character.js';
import { llmConfig } from '../../../test/support/llm-config.js';
import { TERMINAL } from '../../../test/support/provider-fixture.js';
import { claudeSignature, redacted } from '../../../test/support/wire/claude.js';
import { geminiSignature } from '../../../test/support/wire/gemini.js';
import { PROVIDERS } from '../../../test/support/wire/providers.js';
import { startWireEndpoint } from '../../../test/support/wire/wire-endpoint.js';
import { textContent, type Content, type Message } from '../../events/index.js';
import { AiSdkLlm } from '../ai-sdk-llm.js';

const RUNS = 60;
const IMAGE = 'data:image/png;base64,iVBORw0KGgo=';

const text = fc.oneof(
  fc.constantFrom('', ' ', '\n', 'word', 'Grüße 🌍', '{"a": 1}'),
  fc.string({ unit: anyCharacter, maxLength: 20 }),
);
const content = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: text.map((value): Content => textContent(value)) },
    fc.constant<Content>({ type: 'image', image_urls: [IMAGE], cache_prompt: false }),
  ),
  { maxLength: 3 },
);
const callId = fc.oneof(
  fc.constantFrom('call_1', 'toolu_1', 'functions.terminal:0', 'abcdefghi'),
  fc.string({ minLength: 1, maxLength: 60 }).filter((id) => !id.includes('__thought__')),
);
const args = fc.oneof(
  fc.constantFrom({ command: 'ls' }, {}, { command: '' }),
  fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 }),
);

/** The kind of model that wrote an answer. Each kind adds data that only it can read. */
const author = fc.constantFrom('claude', 'claude hidden', 'gemini', 'responses', 'chat');

const answer = fc
  .record({
    author,
    thought: fc.option(fc.string({ minLength: 1, maxLength: 20 }), { nil: undefined }),
    said: fc.array(text.map(textContent), { maxLength: 1 }),
    calls: fc.uniqueArray(fc.record({ id: callId, args }), { selector: ({ id }) => id, maxLength: 3 }),
    results: fc.array(content, { minLength: 3, maxLength: 3 }),
    number: fc.integer({ min: 1, max: 99 }),
  })
  .map(({ author, thought, said, calls, results, number }): Message[] => {
    const tool_calls = calls.map(({ id, args }, index) => ({
      id: author === 'gemini' && index === 0 ? `${id}__thought__${geminiSignature('terminal', args)}` : id,
      ...(author === 'responses' && { responses_item_id: `fc_${number}_${index}` }),
      name: 'terminal',
      arguments: JSON.stringify(args),
      origin: author === 'responses' ? ('responses' as const) : ('completion' as const),
    }));
    const message: Message = {
      role: 'assistant',
      content: said,
      thinking_blocks: [],
      ...(tool_calls.length > 0 && { tool_calls }),
      ...(thought !== undefined && author !== 'responses' && { reasoning_content: thought }),
    };
    if (thought !== undefined && author === 'claude')
      message.thinking_blocks = [
        { type: 'thinking', thinking: thought, signature: claudeSignature(thought) },
      ];
    if (thought !== undefined && author === 'claude hidden')
      message.thinking_blocks = [{ type: 'redacted_thinking', data: redacted(thought) }];
    if (thought !== undefined && author === 'responses')
      message.responses_reasoning_item = {
        id: `rs_${number}`,
        summary: [thought],
        encrypted_content: `gAAAA-${number}==`,
      };
    const answered = tool_calls.map((call, index): Message => ({
      role: 'tool',
      content: results[index] ?? [],
      tool_call_id: call.id,
      name: call.name,
      thinking_blocks: [],
    }));
    return [message, ...answered];
  });

const question = fc
  .tuple(text, content)
  .map(([value, blocks]) => [textContent(value), ...blocks])
  .map((blocks): Message[] => [{ role: 'user', content: blocks, thinking_blocks: [] }]);
/**
 * A message of the user, then answers of any model and further messages. The last message needs an answer.
 */
const history = fc
  .tuple(question, fc.array(fc.oneof({ weight: 3, arbitrary: answer }, question), { maxLength: 6 }))
  .map(([first, rest]) => [
    {
      role: 'system' as const,
      content: [textContent('static'), textContent('dynamic')],
      thinking_blocks: [],
    },
    ...first,
    ...rest.flat(),
    { role: 'user' as const, content: [textContent('go on')], thinking_blocks: [] },
  ])
  .map(joined);

/** Joins consecutive messages of the user, as the server does. */
function joined(messages: readonly Message[]): Message[] {
  const all: Message[] = [];
  for (const message of messages) {
    const last = all.at(-1);
    if (message.role === 'user' && last?.role === 'user')
      all[all.length - 1] = { ...last, content: [...last.content, ...message.content] };
    else all.push(message);
  }
  return all;
}

describe('histories that another model wrote', () => {
  it.each(PROVIDERS)('sends a history to %s that its protocol accepts', async (_name, protocol, config) => {
    const endpoint = await startWireEndpoint({ protocol: protocol() });
    try {
      await fc.assert(
        fc.asyncProperty(history, async (messages) => {
          endpoint.script([{ text: 'done' }]);
          const response = await new AiSdkLlm().complete({
            config: llmConfig({ api_key: 'key', num_retries: 1, ...config(endpoint.url) }),
            messages,
            tools: [TERMINAL],
            conversationId: '0d6c1c5e-0000-4000-8000-000000000001',
            signal: new AbortController().signal,
          });
          expect(response.message.content).toEqual([textContent('done')]);
        }),
        { numRuns: RUNS },
      );
      // One request each: none was refused and repeated without reasoning.
      expect(endpoint.requests).toHaveLength(RUNS);
    } finally {
      await endpoint.close();
    }
  });
});
