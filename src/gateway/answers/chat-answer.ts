import { randomBytes } from 'node:crypto';
import type { Piece } from '../../conversations/index.js';
import type { EventStream, OpenAiError } from '../../http/index.js';
import type { Outcome, TokenTotals } from './pending-answer.js';

/** Separates messages of the agent. */
const SEPARATOR = '\n\n';

/** Options of a streamed completion. */
interface ChatStreamOptions {
  include_usage: boolean;
  include_commentary: boolean;
}

/** A chat completion that is not streamed. */
export function chatCompletion(model: string, { text, usage }: Outcome): object {
  const { id, ...frame } = frameOf(model);
  const message = { content: text, role: 'assistant' };
  return {
    id,
    choices: [{ finish_reason: 'stop', index: 0, message }],
    ...frame,
    object: 'chat.completion',
    usage: usageOf(usage),
  };
}

/** A streamed chat completion. */
export class ChatStream {
  private readonly frame: ReturnType<typeof frameOf>;
  /** A message has ended: a separator precedes the next text. */
  private needsSeparator = false;

  constructor(
    model: string,
    private readonly stream: EventStream,
    private readonly options: ChatStreamOptions,
  ) {
    this.frame = frameOf(model);
    this.choice({ delta: { role: 'assistant' }, index: 0 });
  }

  piece(piece: Piece): void {
    if (!this.options.include_commentary) return;
    if (piece.type === 'end') {
      this.needsSeparator = true;
      return;
    }
    const text = (this.needsSeparator ? SEPARATOR : '') + piece.text;
    this.needsSeparator = false;
    this.content(text);
  }

  end({ text, usage }: Outcome): void {
    if (!this.options.include_commentary) this.content(text);
    this.choice({ delta: {}, finish_reason: 'stop', index: 0 });
    if (this.options.include_usage) this.chunk({ choices: [] }, { usage: usageOf(usage) });
    this.stream.end('[DONE]');
  }

  fail(error: OpenAiError): void {
    this.stream.send({ error });
    this.stream.end();
  }

  private content(text: string): void {
    if (text !== '') this.choice({ delta: { content: text }, index: 0 });
  }

  private choice(choice: object): void {
    this.chunk({ choices: [choice] });
  }

  private chunk(choices: { choices: object[] }, extra: object = {}): void {
    const { id, ...frame } = this.frame;
    this.stream.send({ id, ...choices, ...frame, object: 'chat.completion.chunk', ...extra });
  }
}

function frameOf(model: string): { id: string; created: number; model: string } {
  const id = `chatcmpl-${randomBytes(16).toString('hex')}`;
  return { id, created: Math.floor(Date.now() / 1000), model };
}

function usageOf({ prompt, completion }: TokenTotals): object {
  return { completion_tokens: completion, prompt_tokens: prompt, total_tokens: prompt + completion };
}
