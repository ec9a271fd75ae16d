import { llmConfig } from '../../../test/support/llm-config.js';
import { TERMINAL } from '../../../test/support/provider-fixture.js';
import { ollama } from '../../../test/support/wire/ollama.js';
import { PROVIDERS } from '../../../test/support/wire/providers.js';
import { startWireEndpoint } from '../../../test/support/wire/wire-endpoint.js';
import { textContent, type Content, type Message } from '../../events/index.js';
import { AiSdkLlm } from '../ai-sdk-llm.js';

/** The texts of a prompt and its images in base64. */
const WORDS = ['system', 'question', 'answer', 'argument', 'result', 'last'].map(
  (name) => `the-${name}-text`,
);
const IMAGES = ['aaaaAAAA', 'bbbbBBBB'];
/** Appended to lengthen each text: characters of different lengths and with escapes. */
const MORE_WORDS = ' "quoted" \\ 一 🚀\n'.repeat(20_000);
const MORE_IMAGE = 'cccc'.repeat(100_000);

const image = (data: string): Content => ({
  type: 'image',
  image_urls: [`data:image/png;base64,${data}`],
  cache_prompt: false,
});

/** A conversation with texts and images wherever they are allowed. */
function dialogue(words: readonly string[], images: readonly string[]): Message[] {
  const [system = '', question = '', answer = '', argument = '', result = '', last = ''] = words;
  const [seen = '', made = ''] = images;
  const call = { id: 'toolu_1', name: 'terminal', arguments: JSON.stringify({ command: argument }) };
  return [
    { role: 'system', content: [textContent(system)], thinking_blocks: [] },
    { role: 'user', content: [textContent(question), image(seen)], thinking_blocks: [] },
    {
      role: 'assistant',
      content: [textContent(answer)],
      tool_calls: [{ ...call, origin: 'completion' }],
      thinking_blocks: [],
    },
    {
      role: 'tool',
      content: [textContent(result), image(made)],
      tool_call_id: call.id,
      name: call.name,
      thinking_blocks: [],
    },
    { role: 'user', content: [textContent(last)], thinking_blocks: [] },
  ];
}

const lengthened = (text: string): string => {
  const words = WORDS.reduce((all, word) => all.replaceAll(word, () => word + MORE_WORDS), text);
  return IMAGES.reduce((all, data) => all.replaceAll(data, data + MORE_IMAGE), words);
};

/** The same value with long texts instead of short ones. Arguments of calls are JSON inside JSON. */
function longer(value: unknown): unknown {
  if (typeof value === 'string') {
    if (value.startsWith('{')) return JSON.stringify(longer(JSON.parse(value)));
    return lengthened(value);
  }
  if (Array.isArray(value)) return value.map(longer);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, longer(field)]));
}

const OLLAMA: (typeof PROVIDERS)[number] = [
  'ollama',
  () => ollama,
  (base_url) => ({ model: 'ollama/llava', base_url }),
];

describe('prompts with long texts and images', () => {
  it.each([...PROVIDERS, OLLAMA])(
    'sends long prompts to %s in the same form as short ones',
    async (name, protocol, config) => {
      const endpoint = await startWireEndpoint({ protocol: protocol() });
      try {
        const ask = async (messages: Message[]): Promise<unknown> => {
          endpoint.script([{ text: 'done' }]);
          const response = await new AiSdkLlm().complete({
            config: llmConfig({
              api_key: 'key',
              num_retries: 1,
              // Merged into the body by our `fetch`.
              litellm_extra_body: name.startsWith('anthropic') ? { top_k: 5 } : {},
              ...config(endpoint.url),
            }),
            messages,
            tools: [TERMINAL],
            conversationId: '0d6c1c5e-0000-4000-8000-000000000001',
            signal: new AbortController().signal,
          });
          expect(response.message.content).toEqual([textContent('done')]);
          return endpoint.requests.at(-1)?.body;
        };
        const short = await ask(dialogue(WORDS, IMAGES));
        const long = await ask(dialogue(WORDS.map(lengthened), IMAGES.map(lengthened)));
        expect(JSON.stringify(short)).toContain('the-result-text');
        // Not `toEqual`: a failure would print megabytes.
        expect(JSON.stringify(long) === JSON.stringify(longer(short))).toBe(true);
      } finally {
        await endpoint.close();
      }
    },
  );
});
