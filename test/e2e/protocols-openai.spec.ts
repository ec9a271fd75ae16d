import { ServerProcess } from '../support/server-process.js';
import { chatCompletions } from '../support/wire/chat-completions.js';
import { responses } from '../support/wire/responses.js';
import {
  expectGrowingHistory,
  expectTenSteps,
  recorded,
  recordedTools,
  seen,
} from '../support/wire/ten-steps-checks.js';
import { holdTenSteps, type TenSteps } from '../support/wire/ten-steps.js';
import type { Json, WireProtocol } from '../support/wire/wire-protocol.js';

interface Case {
  name: string;
  protocol: WireProtocol;
  llm: (url: string) => Json;
  /** Where the dialogue is in a request. */
  history: 'messages' | 'input';
  /** The last request as the original sent it. */
  expected: (request: Json) => Json;
}

const CASES: Case[] = [
  {
    name: 'openai-chat',
    protocol: chatCompletions,
    llm: (url) => ({ model: 'openai/gpt-4o', base_url: `${url}/v1` }),
    history: 'messages',
    expected: (request) => request,
  },
  {
    name: 'openai-responses',
    protocol: responses,
    llm: (url) => ({ model: 'openai/gpt-5', base_url: `${url}/v1` }),
    history: 'input',
    expected: withJoinedOutputs,
  },
];

/** The original answers a call that brought an image twice, with the text and with the image; we answer it once. */
function withJoinedOutputs(request: Json): Json {
  const body = request['body'] as Json & { input: Json[] };
  const input = body.input.flatMap((item, index) => {
    const next = body.input[index + 1];
    if (Array.isArray(item['output'])) return [];
    if (!Array.isArray(next?.['output'])) return [item];
    return [
      { ...item, output: [{ type: 'input_text', text: item['output'] }, ...(next['output'] as unknown[])] },
    ];
  });
  return { ...request, body: { ...body, input } };
}

describe('a conversation of ten steps', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  describe.each(CASES)('by $name', ({ name, protocol, llm, history, expected }) => {
    let whole: TenSteps;
    let streamed: TenSteps;
    beforeAll(async () => {
      whole = await holdTenSteps(server, { protocol, llm, stream: false });
      streamed = await holdTenSteps(server, { protocol, llm, stream: true });
    });

    it('is held to its end', () => {
      expectTenSteps(whole);
      expectTenSteps(streamed);
      expectGrowingHistory(whole, history);
      expectGrowingHistory(streamed, history);
    });

    it('is asked for as the original does', () => {
      expect(withoutTools(whole)).toEqual(expected(recorded(name)));
      expect(toolsOf(whole)).toEqual(recordedTools());
    });

    it('asks for a stream in no other way', () => {
      const { stream, stream_options, ...rest } = streamed.plain.at(-1)?.['body'] as Json;
      expect(stream).toBe(true);
      expect(stream_options).toEqual(history === 'messages' ? { include_usage: true } : undefined);
      expect(rest).toEqual(whole.plain.at(-1)?.['body']);
    });

    it('looks the same to clients, streamed or not', () => {
      expect(seen(streamed)).toEqual(seen(whole));
    });
  });
});

/** The last request but for the tools, which all have in common. */
function withoutTools({ plain }: TenSteps): Json {
  const { tools, ...body } = plain.at(-1)?.['body'] as Json;
  return { ...plain.at(-1), body };
}

/** Name and parameters of the offered tools, whichever way the protocol nests them. */
function toolsOf({ plain }: TenSteps): unknown[] {
  const { tools } = plain.at(-1)?.['body'] as { tools: Json[] };
  return tools.map((tool) => {
    const { name, description, parameters } = (tool['function'] ?? tool) as Json;
    return { name, description, parameters };
  });
}
