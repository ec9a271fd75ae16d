import { parseUuid } from '../../http/index.js';

/** A task: the message that began it, in its conversation. */
export interface TaskName {
  /** Dashed UUID; the context of the task. */
  conversationId: string;
  /** The id of the event of the message. */
  messageId: string;
}

/** The id of a task names its conversation, so that each server of a cluster knows whose it is. */
export function taskIdOf({ conversationId, messageId }: TaskName): string {
  return `${conversationId}.${messageId}`;
}

/** Undefined for a text that is the id of no task. */
export function parseTaskId(id: string): TaskName | undefined {
  const [conversation = '', message = '', ...others] = id.split('.', 3);
  const conversationId = parseUuid(conversation);
  const messageId = parseUuid(message);
  if (others.length > 0 || !('id' in conversationId) || !('id' in messageId)) return undefined;
  return { conversationId: conversationId.id, messageId: messageId.id };
}
