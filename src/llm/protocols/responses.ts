import { plainText, type Message, type ReasoningItem } from '../../events/index.js';
import type { ProviderAnswer, ProviderCall } from '../providers/provider.js';
import { withoutTrailingSlashes } from '../../text/index.js';
import type { JsonObject } from '../../json/index.js';
import { toAnswer } from './answer.js';
import { splitThoughtSignature } from './thought-signature.js';
import { requestHeaders } from './request-fields.js';
import { callLanguageModel } from './sdk/language-model.js';
import { fetchAnswer } from './refusal.js';

/** The endpoint of a service with OpenAI's responses. */
interface ResponsesEndpoint {
  /** Without `/responses`. */
  baseUrl: string;
  /** Credentials. */
  headers: Record<string, string>;
  queryParams?: Record<string, string>;
  /** Additional fields of the body. */
  extraBody?: JsonObject;
}

/**
 * Calls a service with OpenAI's responses (https://platform.openai.com/docs/api-reference/responses). Nothing
 * is stored there: encrypted reasoning is received and sent back with the next request.
 */
export async function callResponses(
  call: ProviderCall,
  endpoint: ResponsesEndpoint,
): Promise<ProviderAnswer> {
  const { createOpenAI } = await import('@ai-sdk/openai');
  const query = new URLSearchParams(endpoint.queryParams).toString();
  const address = `${withoutTrailingSlashes(endpoint.baseUrl)}/responses${query === '' ? '' : `?${query}`}`;
  const body = JSON.stringify({ ...responsesBody(call), ...endpoint.extraBody });
  // The SDK drops fields that it does not know for a model, so the body is our own.
  const fetchWithBody: typeof fetch = (_, init) => {
    const headers = new Headers(init?.headers);
    headers.delete('authorization');
    for (const [name, value] of Object.entries(endpoint.headers)) headers.set(name, value);
    return fetchAnswer(address, { ...init, headers, body });
  };
  const model = createOpenAI({ apiKey: 'unused', fetch: fetchWithBody }).responses(call.model);
  const output = await callLanguageModel(model, { prompt: [], headers: requestHeaders(call) }, call);
  return toAnswer(output, 'responses');
}

function responsesBody(call: ProviderCall): JsonObject {
  const { config, messages, tools, conversationId } = call.request;
  const { features } = call;
  const effort = features.reasoningEffort ? config.reasoning_effort : null;
  const summary = features.reasoningEffort ? config.reasoning_summary : null;
  const reasons = effort !== null || summary !== null;
  return {
    model: call.model,
    instructions: instructions(messages),
    input: responsesInput(messages),
    tools: tools.length === 0 ? undefined : tools.map(functionTool),
    tool_choice: tools.length === 0 ? undefined : 'auto',
    max_output_tokens: features.maxOutputTokens ?? undefined,
    reasoning: reasons ? { effort: effort ?? undefined, summary: summary ?? undefined } : undefined,
    include: config.enable_encrypted_reasoning ? ['reasoning.encrypted_content'] : undefined,
    store: false,
    prompt_cache_key: conversationId,
    prompt_cache_retention: features.cacheRetention
      ? (config.prompt_cache_retention ?? undefined)
      : undefined,
    stream: config.stream || undefined,
    ...config.litellm_extra_body,
  };
}

function functionTool({
  name,
  description,
  parameters,
}: ProviderCall['request']['tools'][number]): JsonObject {
  return { type: 'function', name, description, parameters, strict: false };
}

/** The texts of the system message, joined by line feeds. */
function instructions(messages: readonly Message[]): string | undefined {
  const system = messages.filter(({ role }) => role === 'system');
  return system.length === 0 ? undefined : system.map(({ content }) => plainText(content)).join('\n');
}

/**
 * Converts messages to input items. A call keeps its item id; a reasoning item precedes what followed from
 * it.
 */
function responsesInput(messages: readonly Message[]): JsonObject[] {
  return messages.flatMap((message): JsonObject[] => {
    switch (message.role) {
      case 'system':
        return [];
      case 'user':
        return [{ type: 'message', role: 'user', content: inputParts(message) }];
      case 'assistant':
        return assistantItems(message);
      case 'tool':
        return [toolOutput(message)];
    }
  });
}

function inputParts(message: Message): JsonObject[] {
  return message.content.flatMap((block): JsonObject[] =>
    block.type === 'text'
      ? [{ type: 'input_text', text: block.text }]
      : block.image_urls.map((url) => ({ type: 'input_image', image_url: url, detail: 'auto' })),
  );
}

function assistantItems(message: Message): JsonObject[] {
  const items: JsonObject[] = [];
  const text = plainText(message.content);
  if (text !== '')
    items.push({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] });
  for (const call of message.tool_calls ?? []) {
    items.push({
      type: 'function_call',
      // Calls of other protocols have no item id, and made-up ids are rejected.
      ...(call.responses_item_id === undefined ? {} : { id: call.responses_item_id }),
      call_id: splitThoughtSignature(call.id).id,
      name: call.name,
      arguments: call.arguments,
    });
  }
  // Reasoning without a following item is rejected.
  const item = items.length > 0 ? message.responses_reasoning_item : undefined;
  return item ? [reasoningItem(item), ...items] : items;
}

function reasoningItem(item: ReasoningItem): JsonObject {
  return {
    type: 'reasoning',
    ...(item.id === undefined ? {} : { id: item.id }),
    summary: (item.summary ?? []).map((text) => ({ type: 'summary_text', text })),
    ...(item.encrypted_content === undefined ? {} : { encrypted_content: item.encrypted_content }),
  };
}

/** A string if there is only text, a list if there are images. */
function toolOutput(message: Message): JsonObject {
  const onlyText = message.content.every(({ type }) => type === 'text');
  return {
    type: 'function_call_output',
    call_id: splitThoughtSignature(message.tool_call_id ?? '').id,
    output: onlyText ? plainText(message.content) : inputParts(message),
  };
}
