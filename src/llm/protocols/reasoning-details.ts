import type { Message, ThinkingBlock } from '../../events/index.js';
import type { JsonObject } from '../llm.js';
import { splitThoughtSignature, withThoughtSignature } from './answer.js';

/** One detail as it is put together of its pieces. */
interface Detail {
  type: string;
  format: string;
  id: string;
  text: string;
  data: string;
  signature: string;
}

const CLAUDE = 'anthropic-claude-v1';
const GEMINI = 'google-gemini-v1';

/**
 * Reads OpenRouter's `reasoning_details` (https://openrouter.ai/docs/use-cases/reasoning-tokens): what a model has to get
 * back with the results of its calls. Claude's become thinking blocks and Gemini's the signatures of its calls, as they
 * are when their makers are asked directly: so a conversation can move from one to the other.
 */
export class ReasoningDetails {
  private readonly details = new Map<string, Detail>();

  /** @param list the field of a message or of a chunk; in a stream the pieces of one detail share its index */
  add(list: unknown): void {
    if (!Array.isArray(list)) return;
    for (const [place, piece] of list.entries()) if (isObject(piece)) this.addPiece(piece, place);
  }

  private addPiece(piece: JsonObject, place: number): void {
    const index = typeof piece['index'] === 'number' ? piece['index'] : place;
    const key = `${index} ${String(piece['type'])}`;
    const known = this.details.get(key);
    const field = (name: string): string => (typeof piece[name] === 'string' ? piece[name] : '');
    this.details.set(key, {
      type: field('type'),
      format: field('format') || (known?.format ?? ''),
      id: field('id') || (known?.id ?? ''),
      text: (known?.text ?? '') + field('text'),
      data: (known?.data ?? '') + field('data'),
      signature: field('signature') || (known?.signature ?? ''),
    });
  }

  /** Claude's signed and hidden thoughts. */
  get blocks(): ThinkingBlock[] {
    return [...this.details.values()].flatMap(({ type, format, text, data, signature }): ThinkingBlock[] => {
      if (type === 'reasoning.text' && signature !== '')
        return [{ type: 'thinking', thinking: text, signature }];
      const hidden = type === 'reasoning.encrypted' && format === CLAUDE && data !== '';
      return hidden ? [{ type: 'redacted_thinking', data }] : [];
    });
  }

  /** The id of a call with Gemini's signature, if it has one. */
  signedId(id: string): string {
    const found = [...this.details.values()].find(
      (detail) => detail.type === 'reasoning.encrypted' && detail.format === GEMINI && detail.id === id,
    );
    return withThoughtSignature(id, found?.data);
  }
}

/** What goes back with a message of the model's. */
export function replayedDetails(message: Message): JsonObject[] {
  const thoughts = message.thinking_blocks.flatMap((block): JsonObject[] => {
    if (block.type === 'redacted_thinking') {
      return [{ type: 'reasoning.encrypted', data: block.data, format: CLAUDE }];
    }
    if (block.signature === undefined) return [];
    const { thinking: text, signature } = block;
    return [{ type: 'reasoning.text', text, signature, format: CLAUDE }];
  });
  const signed = (message.tool_calls ?? []).flatMap((call): JsonObject[] => {
    const { id, signature } = splitThoughtSignature(call.id);
    return signature === undefined
      ? []
      : [{ type: 'reasoning.encrypted', data: signature, id, format: GEMINI }];
  });
  return [...thoughts, ...signed].map((detail, index) => ({ ...detail, index }));
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}
