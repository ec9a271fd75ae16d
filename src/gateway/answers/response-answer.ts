import { randomBytes } from 'node:crypto';
import type { Phase, Piece } from '../../conversations/index.js';
import type { EventStream, OpenAiError } from '../../http/index.js';
import type { Outcome, TokenTotals } from './pending-answer.js';
import type { OpenAIResponseRequestDto } from '../dto/response.dto.js';

/** Fields that all forms of a response share. */
type Frame = ReturnType<typeof frameOf>;

/** The shared fields of a new response. */
export function frameOf({ instructions, metadata, model, text }: OpenAIResponseRequestDto) {
  return {
    id: newId('resp'),
    created_at: Date.now() / 1000,
    behind: {
      ...(instructions !== null && { instructions }),
      ...(metadata !== null && { metadata }),
      model,
      object: 'response',
      ...(text !== null && { text }),
    },
  };
}

/** A response that is not streamed. */
export function wholeResponse(frame: Frame, { text, usage }: Outcome): object {
  return completed(frame, [outputMessage(newId('msg'), text)], usage);
}

/** A streamed response. Each message of the agent is an output item. */
export class ResponseStream {
  private number = 0;
  private readonly output: object[] = [];
  /** Id of the message that is being streamed. */
  private item: string | undefined;

  constructor(
    private readonly frame: Frame,
    private readonly stream: EventStream,
  ) {
    this.event('response.created', { response: this.response('in_progress') });
    this.event('response.in_progress', { response: this.response('in_progress') });
  }

  piece(piece: Piece): void {
    const id = this.item ?? this.begin();
    const place = { item_id: id, output_index: this.output.length, content_index: 0 };
    if (piece.type === 'text') {
      this.event('response.output_text.delta', { ...place, delta: piece.text, logprobs: [] });
      return;
    }
    const item = outputMessage(id, piece.text, piece.phase);
    const [part] = item.content;
    this.event('response.output_text.done', { ...place, text: piece.text, logprobs: [] });
    this.event('response.content_part.done', { ...place, part });
    this.event('response.output_item.done', { output_index: this.output.length, item });
    this.output.push(item);
    this.item = undefined;
  }

  end({ text, usage }: Outcome): void {
    const silent = this.output.length === 0 && this.item === undefined;
    if (silent && text !== '') this.piece({ type: 'text', text });
    if (silent) this.piece({ type: 'end', text, phase: 'final_answer' });
    this.event('response.completed', { response: completed(this.frame, this.output, usage) });
    this.stream.end();
  }

  fail({ message, code }: OpenAiError): void {
    const error = { code: code ?? 'server_error', message };
    this.event('response.failed', { response: { ...this.response('failed'), error } });
    this.stream.end();
  }

  private begin(): string {
    const id = newId('msg');
    this.item = id;
    const output_index = this.output.length;
    const item = { id, content: [], role: 'assistant', status: 'in_progress', type: 'message' };
    const part = { annotations: [], text: '', type: 'output_text' };
    this.event('response.output_item.added', { output_index, item });
    this.event('response.content_part.added', { item_id: id, output_index, content_index: 0, part });
    return id;
  }

  private response(status: string): object {
    const { id, created_at, behind } = this.frame;
    return { id, created_at, ...behind, output: this.output, ...NO_TOOLS, status };
  }

  private event(type: string, fields: object): void {
    this.stream.send({ type, sequence_number: this.number++, ...fields }, type);
  }
}

const NO_TOOLS = { parallel_tool_calls: false, tool_choice: 'none', tools: [] };

function completed({ id, created_at, behind }: Frame, output: readonly object[], usage: TokenTotals): object {
  return {
    id,
    created_at,
    completed_at: Date.now() / 1000,
    ...behind,
    output,
    parallel_tool_calls: false,
    status: 'completed',
    tool_choice: 'none',
    tools: [],
    usage: usageOf(usage),
  };
}

function outputMessage(id: string, text: string, phase?: Phase) {
  return {
    id,
    content: [{ annotations: [], text, type: 'output_text' }],
    role: 'assistant',
    status: 'completed',
    type: 'message',
    ...(phase !== undefined && { phase }),
  };
}

function usageOf({ prompt, completion, cached, reasoning }: TokenTotals): object {
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: completion,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: prompt + completion,
  };
}

function newId(kind: string): string {
  return `${kind}_${randomBytes(16).toString('hex')}`;
}
