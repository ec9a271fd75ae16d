import { createHash } from 'node:crypto';
import { isNativeError } from 'node:util/types';
import type { Message, MessageToolCall } from '../../events/index.js';
import { splitThoughtSignature } from '../protocols/thought-signature.js';

/** How providers say that reasoning which is sent back is not theirs, or does not fit any more. */
const REJECTION =
  /invalid .{0,2}signature.{0,2} in .{0,2}thinking|bound to a different conversation|thinking.{0,60} cannot be modified|encrypted.content.{0,80}(could not|cannot|can't) be (verified|decrypted|parsed)|invalid_encrypted_content|thought.?signature is (not valid|invalid)|corrupted thought signature/i;

/** Conversations of which is known what is refused; one that was forgotten finds out again. */
const MAX_CONVERSATIONS = 1_000;

/**
 * Signed and encrypted reasoning goes back to whoever can read it. Who that is cannot be told from outside:
 * another account, another region, a model of another maker behind the same protocol or a shortened history
 * make it void. So a provider that refuses some gets the dialogue again without it, and from then on without
 * what was in that request.
 */
export class RejectedReasoning {
  private readonly rejected = new Map<string, Set<string>>();

  /** Calls with what may be sent, and once more when some of it is refused. */
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

  /** Whether there was anything that can be left out. */
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

/** What only its author can read, of one message. */
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
        // An item that followed from reasoning is refused without it; one without an id is not.
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

/** All that an error says, whether it was thrown or came in a stream. */
function errorText(error: unknown): string {
  if (!isNativeError(error)) return JSON.stringify({ error });
  const body = 'responseBody' in error && typeof error.responseBody === 'string' ? error.responseBody : '';
  return `${error.message}\n${body}`;
}
