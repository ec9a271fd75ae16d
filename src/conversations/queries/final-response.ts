import { plainText } from '../../events/index.js';
import type { EventLog } from '../../storage/index.js';
import { parseWithYield } from '../journal/parse-event.js';

/**
 * The agent's final response on the active branch: the message of `finish`, or its last message. Else empty.
 */
export async function finalResponse(log: EventLog, head: string | null): Promise<string> {
  for (let eventId = durableHead(log, head); eventId !== null;) {
    const seq = log.seqOf(eventId);
    const [line] = seq === undefined ? [] : await log.readMany([seq]);
    const event = line === undefined ? undefined : await parseWithYield(line);
    if (!event) return '';
    if (event.kind === 'ActionEvent' && event.tool_name === 'finish') {
      const message = event.action?.['message'];
      if (typeof message === 'string') return message;
    }
    if (event.kind === 'MessageEvent' && event.source === 'agent')
      return plainText(event.llm_message.content);
    eventId = event.parent_id ?? null;
  }
  return '';
}

/** The head, or the last event on disk that belongs to a branch if the head is not on disk yet. */
function durableHead(log: EventLog, head: string | null): string | null {
  if (head === null || log.seqOf(head) !== undefined) return head;
  for (let seq = log.length - 1; seq >= 0; seq--) {
    const { id, kind } = log.entry(seq);
    if (kind !== 'ConversationStateUpdateEvent') return id;
  }
  return null;
}
