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

/** Fields of a part that one provider wants back unchanged. */
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

/** Makes our message of a model's output. */
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
        // Files, sources and tools of the provider's own have no place in our messages.
        break;
    }
  }
  const message: Message & ProviderAnswer['message'] = {
    role: 'assistant',
    content: texts.length > 0 ? [textContent(texts.join(''))] : emptyContent(output),
    // The order of the wire: the message stands in an event as it is.
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(reasoning.length > 0 && { reasoning_content: reasoning.join('') }),
    thinking_blocks: thinking,
    ...(item && { responses_reasoning_item: item }),
  };
  return {
    id: output.id || `chatcmpl-${randomUUID()}`,
    message,
    usage: tokenUsage(output.usage),
    headers: output.headers,
  };
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

/** Only what is signed has to be sent back, and only that may be. */
function thinkingBlock(part: Part<'reasoning'>): ThinkingBlock[] {
  // Anthropic's name of the field, and AWS's.
  const data = metadataText(part, 'redactedData') ?? metadataText(part, 'redactedContent');
  if (data !== undefined) return [{ type: 'redacted_thinking', data }];
  const signature = metadataText(part, 'signature');
  return signature === undefined ? [] : [{ type: 'thinking', thinking: part.text, signature }];
}

/**
 * Later than at the beginning: Claude wants its thinking back where it was.
 * @param said how much text came before it (UTF-16 units)
 */
function withPosition(block: ThinkingBlock, said: number): ThinkingBlock {
  return said === 0 ? block : { ...block, text_before: said };
}

/** Gemini signs plain text, too (https://ai.google.dev/gemini-api/docs/thought-signatures). */
function textSignature(part: Part<'text'>): ThinkingBlock[] {
  const signature = metadataText(part, 'thoughtSignature');
  return signature === undefined ? [] : [{ type: 'thinking', thinking: '', signature, signed_by: 'gemini' }];
}

/** The parts of one reasoning item share its id; each is one paragraph of its summary. */
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
 * A model that answers with an empty text is told apart from one that answers with none: clients see the
 * difference. In a stream there is none, it begins with an empty text; so one that brings nothing else was
 * empty.
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
