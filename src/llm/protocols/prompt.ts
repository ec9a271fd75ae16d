import type {
  JSONValue,
  LanguageModelV3FilePart,
  LanguageModelV3Message,
  LanguageModelV3Prompt,
  LanguageModelV3TextPart,
  LanguageModelV3ToolResultPart,
  SharedV3ProviderOptions,
} from '@ai-sdk/provider';
import {
  isClaudes,
  plainText,
  textContent,
  type Content,
  type Message,
  type ThinkingBlock,
} from '../../events/index.js';
import { isJsonObject, type JsonObject, parseJson } from '../../json/index.js';
import { splitThoughtSignature } from './answer.js';
import { lastInputIndex } from './chat-messages.js';

/** How a protocol marks things in a prompt of the AI SDK. */
export interface PromptMarks {
  /** On what should be cached: the static system block and the end of the dialogue; absent: no marks. */
  cache?: SharedV3ProviderOptions;
  /** On a thinking block that is sent back. */
  thinking?(signature: string): SharedV3ProviderOptions;
  redactedThinking?(data: string): SharedV3ProviderOptions;
  /** On a tool call or a text that carries a thought signature. */
  thoughtSignature?(signature: string): SharedV3ProviderOptions;
  /** One text for the result of a call, however many blocks it has: Gemini counts results. */
  oneTextPerResult?: boolean;
}

/**
 * In the place of what is blank: these protocols refuse texts without a word, and results without content.
 */
const NO_TEXT = '(empty)';

type AssistantContent = Extract<LanguageModelV3Message, { role: 'assistant' }>['content'];

/** Messages in the AI SDK's terms, for the protocols whose wording is the SDK's. */
export function sdkPrompt(messages: readonly Message[], marks: PromptMarks): LanguageModelV3Prompt {
  const lastMarked = marks.cache ? lastInputIndex(messages) : -1;
  const prompt: LanguageModelV3Prompt = [];
  messages.forEach((message, index) => {
    const cache = index === lastMarked ? marks.cache : undefined;
    switch (message.role) {
      case 'system':
        prompt.push(...systemMessages(message, marks));
        break;
      case 'user':
        prompt.push({ role: 'user', content: userParts(message.content, cache) });
        break;
      case 'assistant':
        addAnswer(prompt, assistantParts(message, marks));
        break;
      case 'tool':
        addToolResult(prompt, toolResult(message, marks, cache));
        break;
    }
  });
  return prompt;
}

/** Only the first block is the same in every conversation, so only it is worth a mark. */
function systemMessages(message: Message, marks: PromptMarks): LanguageModelV3Prompt {
  return message.content.flatMap((block, index) =>
    block.type === 'text'
      ? [{ role: 'system', content: block.text, providerOptions: index === 0 ? marks.cache : undefined }]
      : [],
  );
}

function userParts(blocks: readonly Content[], cache: SharedV3ProviderOptions | undefined) {
  const parts = worded(blocks).flatMap((block): (LanguageModelV3TextPart | LanguageModelV3FilePart)[] =>
    block.type === 'text' ? [{ type: 'text', text: block.text }] : block.image_urls.map(imagePart),
  );
  const last = parts.at(-1);
  if (last && cache) last.providerOptions = cache;
  return parts;
}

/** Blocks without the blank ones; never none. */
function worded(blocks: readonly Content[]): readonly Content[] {
  const told = blocks.filter((block) =>
    block.type === 'text' ? block.text.trim() !== '' : block.image_urls.length > 0,
  );
  return told.length > 0 ? told : [textContent(NO_TEXT)];
}

/**
 * An answer with nothing in it that could be sent back is left out, and answers in a row are one: a message
 * without content is refused, and calls that do not follow a message of the user or results.
 */
function addAnswer(prompt: LanguageModelV3Prompt, content: AssistantContent): void {
  if (content.every(({ type }) => type === 'reasoning')) return;
  const last = prompt.at(-1);
  if (last?.role === 'assistant') last.content.push(...content);
  else prompt.push({ role: 'assistant', content });
}

function imagePart(url: string): LanguageModelV3FilePart {
  const image = dataUrl(url);
  return image
    ? { type: 'file', mediaType: image.mediaType, data: image.data }
    : { type: 'file', mediaType: 'image/*', data: new URL(url) };
}

/** Media type and base64 data of a `data:` URL. */
function dataUrl(url: string): { mediaType: string; data: string } | undefined {
  const match = /^data:([^;,]+);base64,(.*)$/s.exec(url);
  return match?.[1] !== undefined && match[2] !== undefined
    ? { mediaType: match[1], data: match[2] }
    : undefined;
}

function assistantParts(message: Message, marks: PromptMarks): AssistantContent {
  const parts = thoughtAndText(message, marks);
  for (const call of message.tool_calls ?? []) {
    const { id, signature } = splitThoughtSignature(call.id);
    parts.push({
      type: 'tool-call',
      toolCallId: id,
      toolName: call.name,
      input: parsedArguments(call.arguments),
      providerOptions: signature === undefined ? undefined : marks.thoughtSignature?.(signature),
    });
  }
  return parts;
}

/** What was thought between the words of an answer goes back between them. */
function thoughtAndText(message: Message, marks: PromptMarks): AssistantContent {
  const parts: AssistantContent = [];
  const text = plainText(message.content);
  let told = 0;
  const tell = (until: number): void => {
    const piece = text.slice(told, until);
    if (piece.trim() === '') return;
    parts.push({ type: 'text', text: piece });
    told = until;
  };
  for (const block of message.thinking_blocks) {
    const part = thoughtPart(block, marks);
    if (!part) continue;
    tell(block.text_before ?? 0);
    parts.push(part);
  }
  tell(text.length);
  const last = parts.at(-1);
  if (last?.type === 'text') last.providerOptions = signatureOfText(message, marks);
  return parts;
}

type ReasoningPart = Extract<AssistantContent[number], { type: 'reasoning' }>;

function thoughtPart(block: ThinkingBlock, marks: PromptMarks): ReasoningPart | undefined {
  if (!isClaudes(block)) return undefined;
  if (block.type === 'redacted_thinking')
    return (
      marks.redactedThinking && {
        type: 'reasoning',
        text: '',
        providerOptions: marks.redactedThinking(block.data),
      }
    );
  if (block.signature === undefined || !marks.thinking) return undefined;
  return { type: 'reasoning', text: block.thinking, providerOptions: marks.thinking(block.signature) };
}

function signatureOfText(message: Message, marks: PromptMarks): SharedV3ProviderOptions | undefined {
  const block = message.thinking_blocks.find((found) => !isClaudes(found));
  return block?.type === 'thinking' && block.signature !== undefined
    ? marks.thoughtSignature?.(block.signature)
    : undefined;
}

/**
 * These protocols carry arguments as objects. What is not JSON, or nests too deeply, was replaced before it
 * got into the history.
 */
export function parsedArguments(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return {};
  }
}

type ToolOutput = LanguageModelV3ToolResultPart['output'];

function toolResult(
  message: Message,
  { oneTextPerResult }: PromptMarks,
  cache: SharedV3ProviderOptions | undefined,
): LanguageModelV3ToolResultPart {
  return {
    type: 'tool-result',
    toolCallId: splitThoughtSignature(message.tool_call_id ?? '').id,
    toolName: message.name ?? '',
    output: toolOutput(oneTextPerResult ? oneText(message.content) : worded(message.content)),
    providerOptions: cache,
  };
}

/** The texts as one, before the images. */
function oneText(blocks: readonly Content[]): Content[] {
  const text = plainText(blocks);
  return [textContent(text.trim() === '' ? NO_TEXT : text), ...blocks.filter(({ type }) => type === 'image')];
}

function toolOutput(blocks: readonly Content[]): ToolOutput {
  const value = blocks.flatMap((block): Extract<ToolOutput, { type: 'content' }>['value'] => {
    if (block.type === 'text') return [{ type: 'text', text: block.text }];
    return block.image_urls.map((url) => {
      const image = dataUrl(url);
      return image ? { type: 'image-data', ...image } : { type: 'image-url', url };
    });
  });
  return { type: 'content', value };
}

/** Results of calls that were made together are one message. */
function addToolResult(prompt: LanguageModelV3Prompt, result: LanguageModelV3ToolResultPart): void {
  const last = prompt.at(-1);
  if (last?.role === 'tool') last.content.push(result);
  else prompt.push({ role: 'tool', content: [result] });
}

/** JSON that provider options are made of. */
export type OptionFields = Record<string, JSONValue | undefined>;

/** What the config adds, as JSON that it came as. */
export function jsonFields(added: JsonObject): OptionFields {
  const value: unknown = JSON.parse(JSON.stringify(added));
  return isFields(value) ? value : {};
}

/** Whether a value of JSON is an object. */
export function isFields(value: unknown): value is OptionFields {
  return isJsonObject(value);
}
