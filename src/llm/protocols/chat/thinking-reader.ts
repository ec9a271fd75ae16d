import type { ThinkingBlock } from '../../../events/index.js';
import { isJsonObject } from '../../../json/index.js';
import { ReasoningDetails } from './reasoning-details.js';

/** A message or delta with the fields of LiteLLM and OpenRouter. */
interface Carrier {
  thinking_blocks?: unknown;
  reasoning_details?: unknown;
}

/**
 * Collects Claude's signed thinking from chat completions of a proxy (`thinking_blocks`,
 * https://docs.litellm.ai/docs/reasoning_content), which has to be sent back.
 */
export class ThinkingReader {
  readonly details = new ReasoningDetails();
  private readonly signed: ThinkingBlock[] = [];
  private text = '';

  /** In the order of arrival. */
  get blocks(): ThinkingBlock[] {
    return [...this.signed, ...this.details.blocks];
  }

  /** Adds a body or a chunk of a stream. */
  read(value: unknown): void {
    const found = carrier(value);
    this.details.add(found?.reasoning_details);
    const blocks = found?.thinking_blocks;
    if (!Array.isArray(blocks)) return;
    for (const block of blocks) this.add(block);
  }

  /** In a stream the signature arrives with the last piece of the text. */
  private add(block: unknown): void {
    if (!isJsonObject(block)) return;
    const { type, data, thinking, signature } = block;
    if (type === 'redacted_thinking' && typeof data === 'string') this.signed.push({ type, data });
    if (type !== 'thinking') return;
    if (typeof thinking === 'string') this.text += thinking;
    if (typeof signature !== 'string' || signature === '') return;
    this.signed.push({ type, thinking: this.text, signature });
    this.text = '';
  }
}

function carrier(value: unknown): Carrier | undefined {
  const choices = isJsonObject(value) ? value['choices'] : undefined;
  const first: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const found = isJsonObject(first) ? (first['message'] ?? first['delta']) : undefined;
  return isJsonObject(found) ? found : undefined;
}
