import { ServerProcess } from '../support/server-process.js';
import { chatCompletions } from '../support/wire/chat-completions.js';
import { responses } from '../support/wire/responses.js';
import { expectGrowingHistory, expectTenSteps, recorded, seen } from '../support/wire/ten-steps-checks.js';
import { holdTenSteps } from '../support/wire/ten-steps.js';
import type { Json } from '../support/wire/wire-protocol.js';

/** What a service was sent by the original: all that differs from one service to the other. */
interface Service {
  /** The path of `base_url`. */
  base: string;
  model_canonical_name?: string;
  path: string;
  headers: Json;
  /** The body without the dialogue and the tools. */
  fields: Json;
  /** How messages are made: `role: content fields`. */
  dialogue: string[];
  tools: boolean;
}

const SERVICES = Object.entries(recorded('services') as unknown as Record<string, Service>);
/** In all configs, so that the name of the limit is seen where nobody knows the model's own. */
const LIMIT = 1234;

/** Where we send something else on purpose, by prefix or model. */
const DIFFERENCES: Record<string, (service: Service) => Service> = {
  // Its own documentation has another name for the limit; thoughts that are missing from the history are
  // refused.
  deepseek: (service) => ({
    ...service,
    fields: { ...service.fields, max_tokens: LIMIT },
    dialogue: thoughtful(service.dialogue).filter((shape) => !/^assistant: \w+ tool_calls$/.test(shape)),
  }),
  // Whoever makes these models wants their thoughts back, whoever serves them.
  fireworks_ai: (service) => ({ ...service, dialogue: thoughtful(service.dialogue) }),
  minimax: (service) => ({ ...service, dialogue: thoughtful(service.dialogue) }),
  novita: (service) => ({ ...service, dialogue: thoughtful(service.dialogue) }),
  // A setting of the original's HTTP client that got into the body.
  huggingface: ({ fields: { max_retries: _, ...fields }, ...service }) => ({ ...service, fields }),
  // Documented (https://docs.x.ai/docs/guides/reasoning).
  'xai/grok-3-mini': (service) => ({ ...service, fields: { ...service.fields, reasoning_effort: 'high' } }),
  // DeepSeek's models are told in strings, whoever serves them.
  'openrouter/deepseek/deepseek-r1': (service) => ({
    ...service,
    dialogue: service.dialogue.map((shape) => shape.replace(': parts', ': string')),
  }),
  // Documented (https://docs.z.ai/api-reference/llm/chat-completion).
  zai: (service) => ({ ...service, fields: { ...service.fields, max_tokens: LIMIT } }),
  // Whether a model takes tools is not known to the original's table of models; an agent without tools is of
  // no use.
  perplexity: (service) => ({ ...service, tools: true }),
  sambanova: (service) => ({ ...service, tools: true }),
};

/** With what was thought, where something was. */
function thoughtful(dialogue: string[]): string[] {
  const answers = dialogue.filter((shape) => shape.startsWith('assistant'));
  const thought = answers.map((shape) => shape.replace(/^(assistant: \w+)/, '$1 reasoning_content'));
  // The answers that say nothing but a text were thought about.
  const all = [...dialogue, ...thought].filter((shape) => !/^assistant: (parts|string)$/.test(shape));
  return all.sort();
}

describe('a conversation of ten steps with a service by its name', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  it.each(SERVICES)('%s', async (model, service) => {
    const byResponses = service.path.includes('/responses');
    const protocol = byResponses ? responses : chatCompletions;
    const { model_canonical_name, base } = service;
    const llm = (url: string): Json => ({
      model,
      base_url: `${url}${base}`,
      max_output_tokens: LIMIT,
      ...(model_canonical_name === undefined ? {} : { model_canonical_name }),
    });
    const whole = await holdTenSteps(server, { protocol, llm, stream: false, image: false });
    const streamed = await holdTenSteps(server, { protocol, llm, stream: true, image: false });
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

/** A request as the recordings have it. */
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
