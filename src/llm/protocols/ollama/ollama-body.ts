import { plainText, type Message } from '../../../events/index.js';
import { isJsonObject, type JsonObject } from '../../../json/index.js';
import type { ProviderCall } from '../../providers/provider.js';
import { splitThoughtSignature } from '../thought-signature.js';
import { samplingFields } from '../request-fields.js';
import { imagesOfTools } from '../chat/chat-messages.js';
import { parsedArguments } from '../sdk/prompt.js';

/** The request body of Ollama's chat (https://docs.ollama.com/api/chat). */
export interface OllamaBody extends JsonObject {
  /** Whether the model thinks; for gpt-oss a level. */
  think?: boolean | string;
}

/** Top-level fields of the body. All other fields of `litellm_extra_body` are options, such as `num_ctx`. */
const FIELDS = new Set(['format', 'keep_alive', 'logprobs', 'think', 'top_logprobs', 'truncate']);

/**
 * The request body. The context size of the config is requested, because Ollama's default is too small for
 * agents.
 */
export function ollamaBody(call: ProviderCall): OllamaBody {
  const { config, messages, tools, stop } = call.request;
  const { options, ...extra } = config.litellm_extra_body;
  const entries = Object.entries(extra);
  return {
    model: call.model,
    messages: ollamaMessages(messages),
    tools: tools.length === 0 ? undefined : tools.map((tool) => ({ type: 'function', function: tool })),
    stream: config.stream,
    think: thinking(call),
    options: {
      num_ctx: config.max_input_tokens ?? undefined,
      num_predict: call.features.maxOutputTokens ?? undefined,
      ...samplingFields(call),
      top_k: call.features.reasoningEffort ? undefined : (config.top_k ?? undefined),
      stop,
      ...(isJsonObject(options) ? options : {}),
      ...Object.fromEntries(entries.filter(([name]) => !FIELDS.has(name))),
    },
    ...Object.fromEntries(entries.filter(([name]) => FIELDS.has(name))),
  };
}

function thinking({ request, features, model }: ProviderCall): boolean | string | undefined {
  const { reasoning_effort: effort } = request.config;
  if (effort === null || !features.reasoningEffort) return undefined;
  if (effort === 'none') return false;
  return model.includes('gpt-oss') ? effort : true;
}

function ollamaMessages(messages: readonly Message[]): JsonObject[] {
  return messages.flatMap((message, index): JsonObject[] => {
    switch (message.role) {
      case 'system':
      case 'user':
        return [textMessage(message)];
      case 'assistant':
        return [assistantMessage(message)];
      case 'tool': {
        const shown = imagesOfTools(messages, index);
        const result = {
          role: 'tool',
          content: plainText(message.content),
          images: [],
          tool_name: message.name,
          tool_call_id: splitThoughtSignature(message.tool_call_id ?? '').id,
        };
        return shown ? [result, textMessage(shown)] : [result];
      }
    }
  });
}

/** Content is a single text; images are a separate field. */
function textMessage(message: Message): JsonObject {
  return { role: message.role, content: plainText(message.content), images: images(message) };
}

function assistantMessage(message: Message): JsonObject {
  const calls = message.tool_calls ?? [];
  return {
    ...textMessage(message),
    ...(message.reasoning_content === undefined ? {} : { thinking: message.reasoning_content }),
    ...(calls.length > 0 && {
      tool_calls: calls.map((call) => ({
        function: { name: call.name, arguments: parsedArguments(call.arguments) },
      })),
    }),
  };
}

/** Images as base64 without a prefix. Ollama downloads nothing, so images with a URL are omitted. */
function images({ content }: Message): string[] {
  return content.flatMap((block) =>
    block.type === 'image'
      ? block.image_urls.flatMap((url) => /^data:[^,]*;base64,(.+)$/s.exec(url)?.[1] ?? [])
      : [],
  );
}
