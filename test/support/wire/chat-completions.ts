import {
  numberedCalls,
  pieces,
  tokens,
  type Answering,
  type Json,
  type WireProtocol,
} from './wire-protocol.js';

/**
 * OpenAI's chat completions (https://platform.openai.com/docs/api-reference/chat, and `.../chat-streaming`):
 * server-sent events without names, the arguments of calls in parts, a chunk without choices for the usage,
 * and `[DONE]`.
 */
export const chatCompletions: WireProtocol = {
  streams: ({ body }) => body['stream'] === true,
  whole: (answering) => {
    const { turn } = answering;
    const calls = numberedCalls(answering).map(({ id, name, text }) => ({
      id,
      type: 'function',
      function: { name, arguments: text },
    }));
    const message = {
      role: 'assistant',
      content: turn.text ?? null,
      refusal: null,
      ...(turn.reasoning === undefined ? {} : { reasoning_content: turn.reasoning }),
      ...(calls.length > 0 && { tool_calls: calls }),
      ...turn.extra,
    };
    return {
      ...head(answering, 'chat.completion'),
      choices: [{ index: 0, message, logprobs: null, finish_reason: stopReason(answering) }],
      usage: usage(answering),
      service_tier: 'default',
    };
  },
  stream: (answering) => {
    const frame = head(answering, 'chat.completion.chunk');
    const choice = (delta: Json, finish_reason: string | null = null): Json => ({
      ...frame,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
      usage: null,
    });
    const chunks = [
      choice({ role: 'assistant', content: '', refusal: null }),
      ...deltas(answering).map((delta) => choice(delta)),
      choice({}, stopReason(answering)),
      ...(wantsUsage(answering) ? [{ ...frame, choices: [], usage: usage(answering) }] : []),
    ];
    return {
      contentType: 'text/event-stream; charset=utf-8',
      frames: [...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`), 'data: [DONE]\n\n'],
    };
  },
};

function head({ request, number }: Answering, object: string): Json {
  return {
    id: `chatcmpl-${number}`,
    object,
    created: 1_760_000_000 + number,
    model: request.body['model'] ?? 'deployed',
    system_fingerprint: 'fp_1',
  };
}

function stopReason({ turn }: Answering): string {
  return turn.stop ?? (turn.calls ? 'tool_calls' : 'stop');
}

function wantsUsage({ request }: Answering): boolean {
  const options = request.body['stream_options'];
  return typeof options === 'object' && options !== null && 'include_usage' in options;
}

function usage({ number }: Answering): Json {
  const { prompt, cached, completion, reasoning } = tokens(number);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0 },
  };
}

/** Reasoning, text, and then each call: its name, and its arguments in parts. */
function deltas(answering: Answering): Json[] {
  const { turn } = answering;
  const calls = numberedCalls(answering).flatMap(({ id, name, text }, index) => [
    { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] },
    ...pieces(text).map((part) => ({ tool_calls: [{ index, function: { arguments: part } }] })),
  ]);
  return [
    ...(turn.extra ? [turn.extra] : []),
    ...pieces(turn.reasoning ?? '').map((part) => ({ reasoning_content: part })),
    ...pieces(turn.text ?? '').map((part) => ({ content: part })),
    ...calls,
  ];
}
