import type { ConversationClient } from '../support/conversation-client.js';
import { ServerFixture } from '../support/server-fixture.js';
import { anthropicMessages } from '../support/wire/anthropic-messages.js';
import { bedrockConverse } from '../support/wire/bedrock-converse.js';
import { chatCompletions } from '../support/wire/chat-completions.js';
import { generateContent } from '../support/wire/gemini.js';
import { strictChat, strictResponses } from '../support/wire/openai-rules.js';
import { responses } from '../support/wire/responses.js';
import { startWireEndpoint, type WireEndpoint } from '../support/wire/wire-endpoint.js';
import type { Json, Turn, WireProtocol } from '../support/wire/wire-protocol.js';
import { writeFiles } from '../support/write-files.js';

interface Provider {
  protocol: () => WireProtocol;
  llm: (url: string) => Json;
  /** Matches a thought in a request, with the signature of its model. */
  replayed: (thought: string) => RegExp;
}

const AWS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const signed = (thought: string) => new RegExp(`${thought}","signature":"Er`);

/** The endpoints reject what the services reject: invalid ids, foreign signatures, calls without results. */
const PROVIDERS: Record<string, Provider> = {
  chat: {
    protocol: () => strictChat(chatCompletions),
    llm: (url) => ({ model: 'openai/gpt-4o', base_url: `${url}/v1` }),
    replayed: () => /./,
  },
  responses: {
    protocol: () => strictResponses(responses),
    llm: (url) => ({ model: 'openai/gpt-5', base_url: `${url}/v1` }),
    replayed: (thought) => new RegExp(`${thought}"\\}\\],"encrypted_content":"gAAAA`),
  },
  anthropic: {
    protocol: () => anthropicMessages,
    llm: (url) => ({ model: 'anthropic/claude-sonnet-4-5', base_url: url }),
    replayed: signed,
  },
  'anthropic, adaptive': {
    protocol: () => anthropicMessages,
    llm: (url) => ({ model: 'anthropic/claude-opus-4-8', base_url: url }),
    replayed: signed,
  },
  gemini: {
    protocol: () => generateContent,
    llm: (url) => ({ model: 'gemini/gemini-3-pro-preview', base_url: `${url}/v1beta` }),
    replayed: () => /"thoughtSignature":"CiQB/,
  },
  bedrock: {
    protocol: () => bedrockConverse({ region: 'us-east-1', identity: AWS }),
    llm: (url) => ({
      model: 'bedrock/anthropic.claude-sonnet-4-20250514-v1:0',
      aws_bedrock_runtime_endpoint: url,
      aws_region_name: 'us-east-1',
      aws_access_key_id: AWS.accessKeyId,
      aws_secret_access_key: AWS.secretAccessKey,
    }),
    replayed: signed,
  },
};

const PAIRS = Object.keys(PROVIDERS).flatMap((from) =>
  Object.keys(PROVIDERS)
    .filter((to) => to !== from)
    .map((to): [string, string] => [from, to]),
);

const run = (command: string) => ({ name: 'terminal', arguments: { command } });
const SWITCH = { name: 'switch_llm', arguments: { profile_name: 'other', reason: 'better' } };
const FIRST: Turn[] = [
  { reasoning: 'First one.', text: 'I begin.', calls: [run('echo 1'), run('echo 2')] },
  { reasoning: 'First two.', calls: [SWITCH] },
];
/** The other model takes over in the middle of a turn and answers the whole next one. */
const OTHER: Turn[] = [
  { text: 'I go on.', calls: [run('echo 3')] },
  { text: 'Half of it.' },
  { reasoning: 'Other one.', calls: [run('echo 4'), run('echo 5')] },
  { text: 'Nearly all.' },
];
const AGAIN: Turn[] = [{ reasoning: 'First three.', calls: [run('echo 6')] }, { text: 'The end.' }];

describe('switching between providers', () => {
  const fixture = ServerFixture.forTests();
  let first: WireEndpoint;
  let other: WireEndpoint;
  afterEach(async () => {
    await first.close();
    await other.close();
  });

  it.each(PAIRS)('switches from %s to %s and back', async (from, to) => {
    const [here, there] = [provider(from), provider(to)];
    first = await startWireEndpoint({ protocol: here.protocol(), script: [...FIRST, ...AGAIN] });
    other = await startWireEndpoint({ protocol: there.protocol(), script: OTHER });
    const common = { api_key: from === 'bedrock' ? null : 'sk-first', usage_id: 'agent', num_retries: 1 };
    const llm = { ...common, ...here.llm(first.url) };
    const profile = {
      ...common,
      api_key: to === 'bedrock' ? null : 'sk-other',
      stream: true,
      ...there.llm(other.url),
      schema_version: 1,
    };
    await writeFiles(fixture.persistence, { 'profiles/other.json': JSON.stringify(profile) });
    const conversation = await fixture.create('Please begin.', {
      agent: {
        llm,
        tools: [{ name: 'terminal' }],
        include_default_tools: ['FinishTool', 'ThinkTool', 'SwitchLLMTool'],
      },
    });
    await expectAnswer(conversation, 'Half of it.');
    await conversation.send('Go on.');
    await expectAnswer(conversation, 'Nearly all.');
    await conversation.post('switch_llm', { llm });
    await conversation.send('And to the end.');
    await expectAnswer(conversation, 'The end.');
    expect([first.requests.length, other.requests.length]).toEqual([4, 4]);
    expect(JSON.stringify(other.requests[3]?.body)).toMatch(there.replayed('Other one.'));
    expect(JSON.stringify(first.requests[3]?.body)).toMatch(here.replayed('First one.'));
    expect(JSON.stringify(first.requests[3]?.body)).toMatch(here.replayed('First three.'));
    for (const text of ['I begin.', 'I go on.', 'Nearly all.', 'echo 2', 'echo 5'])
      expect(first.requests[3]?.text).toContain(text);
  });
});

function provider(name: string): Provider {
  const found = PROVIDERS[name];
  if (!found) throw new Error(`no provider ${name}`);
  return found;
}

async function expectAnswer(conversation: ConversationClient, text: string): Promise<void> {
  await conversation.reaches('finished', 'error');
  const events = await conversation.events();
  const errors = events.filter(({ kind }) => kind.includes('ErrorEvent'));
  expect(errors).toEqual([]);
  const { body } = await conversation.server.request('GET', `${conversation.route}/agent_final_response`);
  expect(body).toEqual({ response: text });
}
