import { pieces, tokens, type Answering, type Json, type WireProtocol } from './wire-protocol.js';

/**
 * Ollama's own chat (https://docs.ollama.com/api/chat): a line of JSON for each part, `thinking` beside
 * `content`, undivided calls with objects as arguments, counts in the last line. It streams by default.
 */
export const ollama: WireProtocol = {
  streams: ({ body }) => body['stream'] !== false,
  whole: (answering) => last(answering, message(answering)),
  stream: (answering) => {
    const { turn } = answering;
    const { tool_calls } = message(answering);
    const lines = [
      ...pieces(turn.reasoning ?? '').map((thinking) => piece(answering, { content: '', thinking })),
      ...pieces(turn.text ?? '').map((content) => piece(answering, { content })),
      ...(tool_calls ?? []).map((call) => piece(answering, { content: '', tool_calls: [call] })),
      last(answering, { role: 'assistant', content: '' }),
    ];
    return { contentType: 'application/x-ndjson', frames: lines.map((line) => `${JSON.stringify(line)}\n`) };
  },
};

interface OllamaMessage {
  role: 'assistant';
  content: string;
  thinking?: string;
  tool_calls?: Json[];
}

function message({ turn, number }: Answering): OllamaMessage {
  const calls = (turn.calls ?? []).map(({ id, name, arguments: args }, index) => ({
    id: id ?? `call_${number}_${index + 1}`,
    function: { index, name, arguments: args },
  }));
  return {
    role: 'assistant',
    content: turn.text ?? '',
    ...(turn.reasoning === undefined ? {} : { thinking: turn.reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function head({ request, number }: Answering): Json {
  return { model: request.body['model'], created_at: `2026-01-01T00:00:${10 + number}.000000Z` };
}

function piece(answering: Answering, fields: Json): Json {
  return { ...head(answering), message: { role: 'assistant', ...fields }, done: false };
}

function last(answering: Answering, said: OllamaMessage): Json {
  const { prompt, completion } = tokens(answering.number);
  return {
    ...head(answering),
    message: said,
    done: true,
    done_reason: answering.turn.stop === 'length' ? 'length' : 'stop',
    total_duration: 1_000_000,
    load_duration: 1000,
    prompt_eval_count: prompt,
    prompt_eval_duration: 500_000,
    eval_count: completion,
    eval_duration: 400_000,
  };
}
