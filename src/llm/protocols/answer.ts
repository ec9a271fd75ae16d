import { randomUUID } from 'node:crypto';
import {
  textContent,
  type Message,
  type MessageToolCall,
  type ReasoningItem,
  type ThinkingBlock,
} from '../../events/index.js';
import { isJsonObject } from '../../json/index.js';
import { MAX_CALLS, tooManyCalls } from '../transport/answer-limits.js';
import { withThoughtSignature } from './thought-signature.js';
import type { ProviderAnswer } from '../providers/provider.js';
import { tokenUsage, type ModelOutput } from './sdk/language-model.js';

/** Rough average for text. */
const CHARACTERS_PER_TOKEN = 4;

/** Reads a provider's metadata field that has to be sent back unchanged. */
function metadataText(
  part: { providerMetadata?: Record<string, Record<string, unknown> | undefined> },
  field: string,
): string | undefined {
  for (const fields of Object.values(part.providerMetadata ?? {})) {
    const value = fields?.[field];
    if (typeof value === 'string') return value;
  }
  return undefined;
}

/** Converts the output of a model into a message. */
export function toAnswer(output: ModelOutput, origin: MessageToolCall['origin']): ProviderAnswer {
  const texts: string[] = [];
  let said = 0;
  const reasoning: string[] = [];
  const thinking: ThinkingBlock[] = [];
  const calls: MessageToolCall[] = [];
  const summary: string[] = [];
  let item: ReasoningItem | undefined;
  for (const part of output.content) {
    switch (part.type) {
      case 'text':
        texts.push(part.text);
        said += part.text.length;
        thinking.push(...textSignature(part));
        break;
      case 'reasoning':
        if (origin === 'responses') {
          if (part.text !== '') summary.push(part.text);
          item = reasoningItem(item, part, summary);
          break;
        }
        if (part.text !== '') reasoning.push(part.text);
        thinking.push(...thinkingBlock(part).map((block) => withPosition(block, said)));
        break;
      case 'tool-call':
        if (calls.length >= MAX_CALLS) throw tooManyCalls();
        calls.push(toolCall(part, origin));
        break;
      default:
        // Our messages have no place for files, sources and the provider's own tools.
        break;
    }
  }
  const message: Message & ProviderAnswer['message'] = {
    role: 'assistant',
    content: texts.length > 0 ? [textContent(texts.join(''))] : emptyContent(output),
    // The wire's key order: the message is part of an event as it is.
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(reasoning.length > 0 && { reasoning_content: reasoning.join('') }),
    thinking_blocks: thinking,
    ...(item && { responses_reasoning_item: item }),
  };
  return {
    id: output.id || `chatcmpl-${randomUUID()}`,
    message,
    usage: withReasoning(tokenUsage(output.usage), output, reasoning.join('')),
    headers: output.headers,
    finishReason: output.finishReason,
  };
}

/**
 * Providers that do not say how many tokens were reasoning (Claude in most answers, many servers of open
 * models) count them as completion: their share is estimated from the text.
 */
function withReasoning(
  usage: ProviderAnswer['usage'],
  { usage: reported }: ModelOutput,
  reasoning: string,
): ProviderAnswer['usage'] {
  if (reasoning === '' || reported?.outputTokens.reasoning !== undefined) return usage;
  const estimate = Math.ceil(reasoning.length / CHARACTERS_PER_TOKEN);
  return { ...usage, reasoning_tokens: Math.min(usage.completion_tokens, estimate) };
}

type Part<T> = Extract<ModelOutput['content'][number], { type: T }>;

function toolCall(part: Part<'tool-call'>, origin: MessageToolCall['origin']): MessageToolCall {
  const itemId = origin === 'responses' ? metadataText(part, 'itemId') : undefined;
  return {
    id: withThoughtSignature(part.toolCallId, metadataText(part, 'thoughtSignature')),
    ...(itemId === undefined ? {} : { responses_item_id: itemId }),
    name: part.toolName,
    arguments: part.input,
    origin,
  };
}

/** Only signed thinking is sent back; providers reject other thinking. */
function thinkingBlock(part: Part<'reasoning'>): ThinkingBlock[] {
  // The field's name at Anthropic and at AWS.
  const data = metadataText(part, 'redactedData') ?? metadataText(part, 'redactedContent');
  if (data !== undefined) return [{ type: 'redacted_thinking', data }];
  const signature = metadataText(part, 'signature');
  return signature === undefined ? [] : [{ type: 'thinking', thinking: part.text, signature }];
}

/**
 * Adds the position of a block that is not at the start: Claude expects its thinking back where it was.
 * @param said length of the text before it (UTF-16 units)
 */
function withPosition(block: ThinkingBlock, said: number): ThinkingBlock {
  return said === 0 ? block : { ...block, text_before: said };
}

/** Gemini also signs plain text (https://ai.google.dev/gemini-api/docs/thought-signatures). */
function textSignature(part: Part<'text'>): ThinkingBlock[] {
  const signature = metadataText(part, 'thoughtSignature');
  return signature === undefined ? [] : [{ type: 'thinking', thinking: '', signature, signed_by: 'gemini' }];
}

/** The parts of a reasoning item share its id; each is a paragraph of its summary. */
function reasoningItem(
  item: ReasoningItem | undefined,
  part: Part<'reasoning'>,
  summary: string[],
): ReasoningItem {
  const encrypted = metadataText(part, 'reasoningEncryptedContent');
  return {
    ...(item ?? { id: metadataText(part, 'itemId') }),
    summary,
    ...(encrypted === undefined ? {} : { encrypted_content: encrypted }),
  };
}

/**
 * Distinguishes an empty text from no text, because clients see the difference. Streams cannot express it:
 * they begin with an empty text, so a stream without anything else is an empty text.
 */
function emptyContent({ body, content }: ModelOutput): ProviderAnswer['message']['content'] {
  const empty = body === undefined ? content.length === 0 : choiceMessage(body)?.['content'] === '';
  return empty ? [textContent('')] : [];
}

function choiceMessage(body: unknown): Record<string, unknown> | undefined {
  const choices = isJsonObject(body) ? body['choices'] : undefined;
  const first: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const message = isJsonObject(first) ? first['message'] : undefined;
  return isJsonObject(message) ? message : undefined;
}
