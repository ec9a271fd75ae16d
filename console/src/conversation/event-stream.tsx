import type { LiveConversation } from './live-conversation.js';
import type { WireEvent } from './stream/wire-event.js';

/** What the stream is given by the view around it. */
interface Props {
  conversation: LiveConversation;
  /** Forks the conversation after an event. */
  onFork?: (event: WireEvent) => void;
}

/** The events of a conversation as they happen. It scrolls by itself and fills its parent. */
export function EventStream({ conversation }: Props) {
  return (
    <ol class="event-stream">
      {conversation.events.value.map((event) => (
        <li key={event.id}>{event.kind}</li>
      ))}
    </ol>
  );
}
