import { createHash } from 'node:crypto';
import { isNativeError } from 'node:util/types';
import type { Message, MessageToolCall } from '../../events/index.js';
import { splitThoughtSignature } from '../protocols/thought-signature.js';

/** Texts of providers that reject reasoning which is sent back. */
const REJECTION =
  /invalid .{0,2}signature.{0,2} in .{0,2}thinking|bound to a different conversation|thinking.{0,60} cannot be modified|encrypted.content.{0,80}(could not|cannot|can't) be (verified|decrypted|parsed)|invalid_encrypted_content|thought.?signature is (not valid|invalid)|corrupted thought signature/i;

/** Limit for the remembered conversations; a forgotten one is rejected once more. */
const MAX_CONVERSATIONS = 1_000;

/**
 * Handles rejected reasoning. Signed and encrypted reasoning is sent back with the dialogue, but another
 * account, region, vendor or a shortened history make it invalid, which cannot be known in advance. If a
 * provider rejects it, the request is sent again without it, and it is omitted from all later requests of the
 * conversation.
 */
export class RejectedReasoning {
  private readonly rejected = new Map<string, Set<string>>();

  /** Sends the messages, and once more without their reasoning if that is rejected. */
  async call<T>(
    conversationId: string,
    messages: readonly Message[],
    send: (messages: readonly Message[]) => Promise<T>,
  ): Promise<T> {
    const allowed = this.without(conversationId, messages);
    try {
      return await send(allowed);
    } catch (error) {
      if (!REJECTION.test(errorText(error)) || !this.remember(conversationId, allowed)) throw error;
      return send(this.without(conversationId, allowed));
    }
  }

  private without(conversationId: string, messages: readonly Message[]): readonly Message[] {
    const refused = this.rejected.get(conversationId);
    if (!refused) return messages;
    const isRefused = (secret: string | undefined): boolean =>
      secret !== undefined && refused.has(digest(secret));
    return messages.map((message) => withoutRejected(message, isRefused));
  }

  /** Returns whether the messages had reasoning that can be omitted. */
  private remember(conversationId: string, messages: readonly Message[]): boolean {
    const secrets = messages.flatMap(signaturesOf);
    const refused = new Set([...(this.rejected.get(conversationId) ?? []), ...secrets.map(digest)]);
    this.rejected.delete(conversationId);
    this.rejected.set(conversationId, refused);
    for (const [oldest] of this.rejected)
      if (this.rejected.size > MAX_CONVERSATIONS) this.rejected.delete(oldest);
    return secrets.length > 0;
  }
}

/** The signatures and encrypted parts of a message. */
function signaturesOf(message: Message): string[] {
  const { thinking_blocks, responses_reasoning_item: item, tool_calls = [], tool_call_id } = message;
  const signatures = [
    ...tool_calls.map(({ id }) => id),
    ...(tool_call_id === undefined ? [] : [tool_call_id]),
  ];
  return [
    ...thinking_blocks.map((block) => (block.type === 'thinking' ? block.signature : block.data)),
    item?.encrypted_content,
    ...signatures.map((id) => splitThoughtSignature(id).signature),
  ].filter((secret) => secret !== undefined);
}

function withoutRejected(message: Message, isRefused: (secret: string | undefined) => boolean): Message {
  const { responses_reasoning_item: item, ...rest } = message;
  const bare = (id: string): string => {
    const parts = splitThoughtSignature(id);
    return isRefused(parts.signature) ? parts.id : id;
  };
  const keepsItem = item !== undefined && !isRefused(item.encrypted_content);
  return {
    ...rest,
    thinking_blocks: message.thinking_blocks.filter(
      (block) => !isRefused(block.type === 'thinking' ? block.signature : block.data),
    ),
    ...(keepsItem && { responses_reasoning_item: item }),
    ...(message.tool_calls && {
      tool_calls: message.tool_calls.map((call) => ({
        // Providers reject the item of omitted reasoning, but accept a call without an item id.
        ...(item && !keepsItem ? withoutItemId(call) : call),
        id: bare(call.id),
      })),
    }),
    ...(message.tool_call_id !== undefined && { tool_call_id: bare(message.tool_call_id) }),
  };
}

function withoutItemId({ responses_item_id: _, ...call }: MessageToolCall): MessageToolCall {
  return call;
}

function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('base64');
}

/** The text of an error that was thrown or came in a stream. */
function errorText(error: unknown): string {
  if (!isNativeError(error)) return JSON.stringify({ error });
  const body = 'responseBody' in error && typeof error.responseBody === 'string' ? error.responseBody : '';
  return `${error.message}\n${body}`;
}
