import type { LlmConfig } from '../../../src/llm/request/llm-config.js';
import { anthropicMessages } from './anthropic-messages.js';
import { bedrockConverse } from './bedrock-converse.js';
import { chatCompletions } from './chat-completions.js';
import { generateContent } from './gemini.js';
import { strictChat, strictResponses } from './openai-rules.js';
import { responses } from './responses.js';
import type { WireProtocol } from './wire-protocol.js';

const AWS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' };

/** A provider for each protocol: its name, the protocol and its configuration. */
export const PROVIDERS: [
  string,
  () => WireProtocol,
  (url: string) => Partial<LlmConfig> & { model: string },
][] = [
  ['anthropic', () => anthropicMessages, (base_url) => ({ model: 'anthropic/claude-sonnet-4-5', base_url })],
  [
    'anthropic, adaptive',
    () => anthropicMessages,
    (base_url) => ({ model: 'anthropic/claude-opus-4-8', base_url }),
  ],
  [
    'gemini 2.5',
    () => generateContent,
    (url) => ({ model: 'gemini/gemini-2.5-pro', base_url: `${url}/v1beta` }),
  ],
  [
    'gemini 3',
    () => generateContent,
    (url) => ({ model: 'gemini/gemini-3-pro-preview', base_url: `${url}/v1beta` }),
  ],
  [
    'bedrock',
    () => bedrockConverse({ region: 'us-east-1', identity: AWS }),
    (aws_bedrock_runtime_endpoint) => ({
      model: 'bedrock/anthropic.claude-sonnet-4-20250514-v1:0',
      api_key: null,
      aws_bedrock_runtime_endpoint,
      aws_region_name: 'us-east-1',
      aws_access_key_id: AWS.accessKeyId,
      aws_secret_access_key: AWS.secretAccessKey,
    }),
  ],
  ['chat', () => strictChat(chatCompletions), (url) => ({ model: 'openai/gpt-4o', base_url: `${url}/v1` })],
  [
    'responses',
    () => strictResponses(responses),
    (url) => ({ model: 'openai/gpt-5', base_url: `${url}/v1` }),
  ],
];
