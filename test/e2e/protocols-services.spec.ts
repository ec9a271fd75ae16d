import { ServerProcess } from '../support/server-process.js';
import { chatCompletions } from '../support/wire/chat-completions.js';
import { responses } from '../support/wire/responses.js';
import { expectGrowingHistory, expectTenSteps, recorded, seen } from '../support/wire/ten-steps-checks.js';
import { holdTenSteps } from '../support/wire/ten-steps.js';
import type { Json } from '../support/wire/wire-protocol.js';

/** What the original sends to a service: all that differs between services. */
interface Service {
  /** The path of `base_url`. */
  base: string;
  model_canonical_name?: string;
  path: string;
  headers: Json;
  /** The body without the dialogue and the tools. */
  fields: Json;
  /** The forms of messages: `role: content fields`. */
  dialogue: string[];
  tools: boolean;
}

const SERVICES = Object.entries(recorded('services') as Record<string, Service>);
/** Set in all configs, so that requests name the limit also where the limit of the model is unknown. */
const LIMIT = 1234;

/** Where this server differs from the original on purpose, by prefix or model. */
const DIFFERENCES: Record<string, (service: Service) => Service> = {
  // Its documentation has another name for the limit, and it rejects a history without the thoughts.
  deepseek: (service) => ({
    ...service,
    fields: { ...service.fields, max_tokens: LIMIT },
    dialogue: thoughtful(service.dialogue).filter((shape) => !/^assistant: \w+ tool_calls$/.test(shape)),
  }),
  // The makers of these models require their thoughts in the history, whichever service runs them.
  fireworks_ai: (service) => ({ ...service, dialogue: thoughtful(service.dialogue) }),
  minimax: (service) => ({ ...service, dialogue: thoughtful(service.dialogue) }),
  novita: (service) => ({ ...service, dialogue: thoughtful(service.dialogue) }),
  // The original sends a setting of its HTTP client in the body.
  huggingface: ({ fields: { max_retries: _, ...fields }, ...service }) => ({ ...service, fields }),
  // Documented (https://docs.x.ai/docs/guides/reasoning).
  'xai/grok-3-mini': (service) => ({ ...service, fields: { ...service.fields, reasoning_effort: 'high' } }),
  // DeepSeek's models get messages as strings, whichever service runs them.
  'openrouter/deepseek/deepseek-r1': (service) => ({
    ...service,
    dialogue: service.dialogue.map((shape) => shape.replace(': parts', ': string')),
  }),
  // Documented (https://docs.z.ai/api-reference/llm/chat-completion).
  zai: (service) => ({ ...service, fields: { ...service.fields, max_tokens: LIMIT } }),
  // The original's table of models does not say that these accept tools; an agent without tools is of no
  // use.
  perplexity: (service) => ({ ...service, tools: true }),
  sambanova: (service) => ({ ...service, tools: true }),
};

/** Adds the field with the thoughts to the answers that have some. */
function thoughtful(dialogue: string[]): string[] {
  const answers = dialogue.filter((shape) => shape.startsWith('assistant'));
  const thought = answers.map((shape) => shape.replace(/^(assistant: \w+)/, '$1 reasoning_content'));
  // Answers without calls have thoughts too.
  const all = [...dialogue, ...thought].filter((shape) => !/^assistant: (parts|string)$/.test(shape));
  return all.sort();
}

describe('OpenAI-compatible services', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  it.each(SERVICES)('sends %s the requests that the original sends', async (model, service) => {
    const byResponses = service.path.includes('/responses');
    const protocol = byResponses ? responses : chatCompletions;
    const { model_canonical_name, base } = service;
    const llm = (url: string): Json => ({
      model,
      base_url: `${url}${base}`,
      max_output_tokens: LIMIT,
      ...(model_canonical_name === undefined ? {} : { model_canonical_name }),
    });
    const [whole, streamed] = await Promise.all([
      holdTenSteps(server, { protocol, llm, stream: false, image: false }),
      holdTenSteps(server, { protocol, llm, stream: true, image: false }),
    ]);
    for (const steps of [whole, streamed]) {
      expectTenSteps(steps);
      expectGrowingHistory(steps, byResponses ? 'input' : 'messages');
    }
    expect(seen(streamed)).toEqual(seen(whole));

    const { base: _, model_canonical_name: __, ...sent } = service;
    const differ = DIFFERENCES[model] ?? DIFFERENCES[model.split('/')[0] ?? ''];
    expect(facts(whole.plain.at(-1) ?? {})).toEqual(differ ? differ(sent as Service) : sent);
  });
});

/** A request in the form of the recordings. */
function facts(request: Json): Omit<Service, 'base'> {
  const { messages, input, tools, instructions, ...fields } = request['body'] as Json;
  const {
    'http-referer': _,
    'x-title': __,
    'x-litellm-session-id': ___,
    ...headers
  } = request['headers'] as Json;
  const dialogue = ((messages ?? input) as Json[]).map(shape);
  return {
    path: String(request['path']),
    headers,
    fields,
    dialogue: [...new Set(dialogue)].sort(),
    tools: Array.isArray(tools) && tools.length > 0,
  };
}

function shape({ role, type, content, ...rest }: Json): string {
  const kind =
    content === undefined || content === null ? 'none' : typeof content === 'string' ? 'string' : 'parts';
  return [`${String(role ?? type)}: ${kind}`, ...Object.keys(rest).sort()].join(' ');
}
