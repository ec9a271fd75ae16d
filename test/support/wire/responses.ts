import {
  numberedCalls,
  pieces,
  tokens,
  type Answering,
  type Json,
  type WireProtocol,
} from './wire-protocol.js';

/**
 * OpenAI's responses (https://platform.openai.com/docs/api-reference/responses and
 * `.../responses-streaming`): output items with their own ids, reasoning with encrypted content, named and
 * numbered events.
 */
export const responses: WireProtocol = {
  streams: ({ body }) => body['stream'] === true,
  whole: (answering) => envelope(answering, output(answering)),
  stream: (answering) => {
    const items = output(answering);
    const running = { ...envelope(answering, []), status: 'in_progress', usage: null };
    const done = envelope(answering, items);
    const events = [
      { type: 'response.created', response: running },
      { type: 'response.in_progress', response: running },
      ...items.flatMap((item, index) => itemEvents(item, index)),
      {
        type: done['status'] === 'incomplete' ? 'response.incomplete' : 'response.completed',
        response: done,
      },
    ];
    return {
      contentType: 'text/event-stream; charset=utf-8',
      frames: events.map(
        (event, index) =>
          `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`,
      ),
    };
  },
};

const INCOMPLETE: Readonly<Record<string, string>> = {
  length: 'max_output_tokens',
  content_filter: 'content_filter',
};

function envelope({ turn, request, number }: Answering, items: Json[]): Json {
  const reason = INCOMPLETE[turn.stop ?? ''];
  const { prompt, cached, completion, reasoning } = tokens(number);
  return {
    id: `resp_${number}`,
    object: 'response',
    created_at: 1_760_000_000 + number,
    status: reason === undefined ? 'completed' : 'incomplete',
    error: null,
    incomplete_details: reason === undefined ? null : { reason },
    model: request.body['model'],
    output: items,
    parallel_tool_calls: true,
    previous_response_id: null,
    store: false,
    usage: {
      input_tokens: prompt,
      input_tokens_details: { cached_tokens: cached },
      output_tokens: completion,
      output_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: prompt + completion,
    },
  };
}

/** The items of an answer: reasoning, message, calls. */
function output(answering: Answering): Json[] {
  const { turn, number } = answering;
  const items: Json[] = [];
  if (turn.reasoning !== undefined) {
    items.push({
      type: 'reasoning',
      id: `rs_${number}`,
      summary: turn.reasoning.split('\n\n').map((text) => ({ type: 'summary_text', text })),
      encrypted_content: `gAAAA-${number}==`,
    });
  }
  if (turn.text !== undefined) {
    const content = [{ type: 'output_text', text: turn.text, annotations: [], logprobs: [] }];
    items.push({ type: 'message', id: `msg_${number}`, role: 'assistant', status: 'completed', content });
  }
  for (const [index, { id, name, text }] of numberedCalls(answering).entries()) {
    items.push({
      type: 'function_call',
      id: `fc_${number}_${index + 1}`,
      call_id: id,
      name,
      arguments: text,
      status: 'completed',
    });
  }
  return items;
}

type Event = Json & { type: string };

function itemEvents(item: Json, output_index: number): Event[] {
  const at = { item_id: item['id'], output_index };
  const added = (begun: Json): Event => ({ type: 'response.output_item.added', output_index, item: begun });
  const done: Event = { type: 'response.output_item.done', output_index, item };
  switch (item['type']) {
    case 'reasoning':
      return [
        added({ ...item, summary: [], encrypted_content: 'gAAAA-begun' }),
        ...summaryEvents(item, at),
        done,
      ];
    case 'message':
      return [added({ ...item, status: 'in_progress', content: [] }), ...textEvents(item, at), done];
    default: {
      const text = String(item['arguments']);
      return [
        added({ ...item, status: 'in_progress', arguments: '' }),
        ...pieces(text).map((delta) => ({ type: 'response.function_call_arguments.delta', ...at, delta })),
        { type: 'response.function_call_arguments.done', ...at, arguments: text },
        done,
      ];
    }
  }
}

function summaryEvents(item: Json, at: Json): Event[] {
  const summary = item['summary'] as { type: string; text: string }[];
  return summary.flatMap((part, summary_index) => {
    const here = { ...at, summary_index };
    return [
      { type: 'response.reasoning_summary_part.added', ...here, part: { ...part, text: '' } },
      ...pieces(part.text).map((delta) => ({
        type: 'response.reasoning_summary_text.delta',
        ...here,
        delta,
      })),
      { type: 'response.reasoning_summary_text.done', ...here, text: part.text },
      { type: 'response.reasoning_summary_part.done', ...here, part },
    ];
  });
}

function textEvents(item: Json, at: Json): Event[] {
  const [part = { text: '' }] = item['content'] as { text: string }[];
  const here = { ...at, content_index: 0 };
  return [
    { type: 'response.content_part.added', ...here, part: { ...part, text: '' } },
    ...pieces(part.text).map((delta) => ({
      type: 'response.output_text.delta',
      ...here,
      delta,
      logprobs: [],
    })),
    { type: 'response.output_text.done', ...here, text: part.text, logprobs: [] },
    { type: 'response.content_part.done', ...here, part },
  ];
}
