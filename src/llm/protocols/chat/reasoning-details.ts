import {
  isClaudeBlock,
  type Message,
  type ReasoningItem,
  type ThinkingBlock,
} from '../../../events/index.js';
import { isJsonObject, type JsonObject } from '../../../json/index.js';
import { splitThoughtSignature, withThoughtSignature } from '../thought-signature.js';

/** A detail that is assembled from its pieces. */
interface Detail {
  type: string;
  format: string;
  id: string;
  text: string;
  data: string;
  signature: string;
  summary: string;
}

const CLAUDE = 'anthropic-claude-v1';
const GEMINI = 'google-gemini-v1';
/** Formats of encrypted reasoning of the responses protocol, by the vendor in the model name. */
const RESPONSES: Readonly<Record<string, string>> = {
  openai: 'openai-responses-v1',
  'x-ai': 'xai-responses-v1',
};

/**
 * Collects OpenRouter's `reasoning_details` (https://openrouter.ai/docs/use-cases/reasoning-tokens), which
 * have to be sent back. Claude's become thinking blocks and Gemini's become signatures of calls, as with
 * their own APIs, so a conversation can move between them.
 */
export class ReasoningDetails {
  private readonly details = new Map<string, Detail>();
  /** Signatures that were attached to calls. */
  private readonly used = new Set<string>();

  /** @param list the field of a message or chunk; the pieces of one detail share its index */
  add(list: unknown): void {
    if (!Array.isArray(list)) return;
    for (const [place, piece] of list.entries()) if (isJsonObject(piece)) this.addPiece(piece, place);
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
      summary: (known?.summary ?? '') + field('summary'),
    });
  }

  /** Claude's signed and redacted thinking, and Gemini's signatures that do not belong to a call. */
  get blocks(): ThinkingBlock[] {
    return [...this.details.values()].flatMap(({ type, format, text, data, signature }): ThinkingBlock[] => {
      if (format === GEMINI) {
        const seal = type === 'reasoning.encrypted' && !this.used.has(data) ? data : signature;
        return seal === '' ? [] : [{ type: 'thinking', thinking: '', signature: seal, signed_by: 'gemini' }];
      }
      if (type === 'reasoning.text' && signature !== '')
        return [{ type: 'thinking', thinking: text, signature }];
      const hidden = type === 'reasoning.encrypted' && format === CLAUDE && data !== '';
      return hidden ? [{ type: 'redacted_thinking', data }] : [];
    });
  }

  /** Adds Gemini's signature to the id of its call, if there is one. */
  signedId(id: string): string {
    const found = [...this.details.values()].find(
      (detail) => detail.type === 'reasoning.encrypted' && detail.format === GEMINI && detail.id === id,
    );
    if (found) this.used.add(found.data);
    return withThoughtSignature(id, found?.data);
  }

  /** The encrypted reasoning of OpenAI's and xAI's models, in the form of the responses protocol. */
  get item(): ReasoningItem | undefined {
    const known = [...this.details.values()].filter(({ format }) => format.endsWith('-responses-v1'));
    const sealed = known.find(({ type, data }) => type === 'reasoning.encrypted' && data !== '');
    if (!sealed) return undefined;
    const summary = known.flatMap(({ summary }) => (summary === '' ? [] : [summary]));
    return { ...(sealed.id !== '' && { id: sealed.id }), summary, encrypted_content: sealed.data };
  }
}

/**
 * The details to send back with a message of the model.
 * @param model OpenRouter's model name: `openai/o4-mini`
 */
export function replayedDetails(message: Message, model: string): JsonObject[] {
  const thoughts = message.thinking_blocks.flatMap((block): JsonObject[] => {
    if (block.type === 'redacted_thinking') {
      return [{ type: 'reasoning.encrypted', data: block.data, format: CLAUDE }];
    }
    if (block.signature === undefined) return [];
    if (!isClaudeBlock(block))
      return [{ type: 'reasoning.encrypted', data: block.signature, format: GEMINI }];
    const { thinking: text, signature } = block;
    return [{ type: 'reasoning.text', text, signature, format: CLAUDE }];
  });
  const signed = (message.tool_calls ?? []).flatMap((call): JsonObject[] => {
    const { id, signature } = splitThoughtSignature(call.id);
    return signature === undefined
      ? []
      : [{ type: 'reasoning.encrypted', data: signature, id, format: GEMINI }];
  });
  return [...encryptedItem(message.responses_reasoning_item, model), ...thoughts, ...signed].map(
    (detail, index) => ({ ...detail, index }),
  );
}

/** Encrypted reasoning is only sent to the vendor of its format. */
function encryptedItem(item: ReasoningItem | undefined, model: string): JsonObject[] {
  const format = RESPONSES[model.split('/')[0] ?? ''];
  if (item?.encrypted_content === undefined || format === undefined) return [];
  const id = item.id === undefined ? {} : { id: item.id };
  const summaries = (item.summary ?? []).map((summary) => ({ type: 'reasoning.summary', summary, format }));
  return [...summaries, { type: 'reasoning.encrypted', data: item.encrypted_content, ...id, format }];
}
