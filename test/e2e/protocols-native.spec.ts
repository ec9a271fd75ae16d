import { ServerProcess } from '../support/server-process.js';
import { anthropicMessages } from '../support/wire/anthropic-messages.js';
import { bedrockConverse } from '../support/wire/bedrock-converse.js';
import { generateContent } from '../support/wire/gemini.js';
import { expectTenSteps, recorded, seen } from '../support/wire/ten-steps-checks.js';
import { holdTenSteps, type TenSteps } from '../support/wire/ten-steps.js';
import type { Json, WireProtocol } from '../support/wire/wire-protocol.js';

interface Case {
  name: string;
  protocol: WireProtocol;
  llm: (url: string) => Json;
  /** The recorded request of the original: the name of the recording and the index of the request. */
  recorded?: [name: string, request: number];
}

const AWS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const bedrock = (model: string) => (url: string) => ({
  model: `bedrock/${model}`,
  api_key: null,
  aws_bedrock_runtime_endpoint: url,
  aws_region_name: 'eu-central-1',
  aws_access_key_id: AWS.accessKeyId,
  aws_secret_access_key: AWS.secretAccessKey,
  aws_session_token: 'token==',
});
const converse = bedrockConverse({ region: 'eu-central-1', identity: { ...AWS, sessionToken: 'token==' } });

/**
 * The endpoints reject what the services reject: invalid histories, invalid signatures of thinking and of
 * requests, unknown fields. The second half of the conversation starts without thinking, which Claude with a
 * thinking budget rejects. This server then continues without thinking and the original fails, so the sixth
 * request is compared.
 */
const CASES: Case[] = [
  {
    name: 'anthropic messages, thinking by a budget',
    protocol: anthropicMessages,
    llm: (url) => ({ model: 'anthropic/claude-sonnet-4-5', base_url: url }),
    recorded: ['anthropic-budget', 5],
  },
  {
    name: 'anthropic messages, adaptive thinking',
    protocol: anthropicMessages,
    llm: (url) => ({ model: 'anthropic/claude-opus-4-8', base_url: url }),
    recorded: ['anthropic-adaptive', 9],
  },
  {
    name: 'gemini 2.5',
    protocol: generateContent,
    llm: (url) => ({ model: 'gemini/gemini-2.5-pro', base_url: `${url}/v1beta` }),
  },
  {
    name: 'gemini 3',
    protocol: generateContent,
    llm: (url) => ({ model: 'gemini/gemini-3-pro-preview', base_url: `${url}/v1beta` }),
    recorded: ['gemini-3', 9],
  },
  {
    name: 'bedrock converse, thinking by a budget',
    protocol: converse,
    llm: bedrock('anthropic.claude-sonnet-4-20250514-v1:0'),
  },
  {
    name: 'bedrock converse, adaptive thinking',
    protocol: converse,
    llm: bedrock('anthropic.claude-opus-4-8'),
    recorded: ['bedrock-adaptive', 9],
  },
];

describe('native protocols', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start();
  });
  afterAll(() => server.stop());

  describe.each(CASES)('$name', ({ protocol, llm, recorded: original }) => {
    let whole: TenSteps;
    let streamed: TenSteps;
    beforeAll(async () => {
      [whole, streamed] = await Promise.all([
        holdTenSteps(server, { protocol, llm, stream: false }),
        holdTenSteps(server, { protocol, llm, stream: true }),
      ]);
    });

    it('completes ten steps with and without streaming', () => {
      expectTenSteps(whole, protocol !== converse);
      expectTenSteps(streamed, protocol !== converse);
    });

    it('sends thinking back with its signature', () => {
      const last = JSON.stringify(whole.plain[5]);
      expect(last).toMatch(/Two things at once.*signature|thoughtSignature/);
      expect(JSON.stringify(streamed.plain[5])).toMatch(/Two things at once.*signature|thoughtSignature/);
    });

    it('sends images of tools and of the user', () => {
      expect(JSON.stringify(whole.plain.at(-1)).split('iVBORw0KGgo')).toHaveLength(3);
    });

    it('sends the same requests with streaming as without', () => {
      const { stream: _, ...rest } = body(streamed, 9);
      expect(withoutGeneratedIds(rest)).toEqual(withoutGeneratedIds(body(whole, 9)));
    });

    it('shows clients the same events with streaming as without', () => {
      expect(withoutGeneratedIds(seen(streamed))).toEqual(withoutGeneratedIds(seen(whole)));
    });

    if (original) {
      it('sends the request that the original sends', () => {
        const [name, request] = original;
        const { tools: _, toolConfig: __, ...sent } = body(whole, request);
        const plain = { ...whole.plain[request], body: sent };
        expect(withoutLibraryFields(withoutGeneratedIds(plain))).toEqual(
          withoutLibraryFields(withoutGeneratedIds(recorded(name))),
        );
      });
    }
  });
});

function body({ plain }: TenSteps, request: number): Json {
  return plain[request]?.['body'] as Json;
}

/** Removes the ids that the server generates for calls of Gemini, and signatures that contain paths. */
function withoutGeneratedIds(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replaceAll(/"id":"[A-Za-z0-9]{16}"/g, '"id":""')
    // The original joins the two texts for Gemini.
    .replace('{"text":"<static>"},{"text":"<dynamic>"}', '{"text":"<static and dynamic>"}')
    .replaceAll(/"CiQB[A-Za-z0-9+/]+="/g, '"signature"');
  return JSON.parse(text) as unknown;
}

/** A request without fields of client libraries, redundant names and spellings that Google treats alike. */
function withoutLibraryFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutLibraryFields);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value)
    .filter(
      ([name, field]) =>
        !LIBRARY_FIELDS.has(name) && !(name === 'name' && 'content' in value) && field !== undefined,
    )
    .map(([name, field]) => [camelCase(name), withoutLibraryFields(field)] as const);
  return Object.fromEntries(fields);
}

/** Fields of client libraries. The original has no output limit for Gemini 3 and sends its temperature. */
const LIBRARY_FIELDS = new Set([
  'id',
  'path',
  'authorization',
  'additionalModelResponseFieldPaths',
  'maxOutputTokens',
  'temperature',
]);

function camelCase(name: string): string {
  const googles = /^(system_instruction|function_call|function_response|inline_data|mime_type)$/.test(name);
  return googles ? name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()) : name;
}
