import { useSignal } from '@preact/signals';
import { messageOf } from '../../api/api-error.js';
import { oneLine } from '../../ui/safe-text.js';
import { Age } from '../../ui/time.js';
import type { LiveConversation } from '../live-conversation.js';
import { contentText, listAt, recordAt, type WireEvent } from '../stream/wire-event.js';

/** Characters before what was found. */
const BEFORE = 40;

/** Searches all messages of the conversation, and jumps to what it finds. */
export function MessageSearch({
  conversation,
  onJump,
}: {
  conversation: LiveConversation;
  onJump: (id: string) => void;
}) {
  const text = useSignal('');
  const found = useSignal<{ text: string; events: readonly WireEvent[] } | null>(null);
  const problem = useSignal('');
  const search = async (): Promise<void> => {
    const wanted = text.value.trim().slice(0, 500);
    problem.value = '';
    found.value = null;
    if (wanted === '') return;
    try {
      const events = await conversation.log.findMessages(wanted);
      if (text.value.trim().slice(0, 500) === wanted) found.value = { text: wanted, events };
    } catch (error) {
      problem.value = messageOf(error);
    }
  };
  const close = (): void => {
    text.value = '';
    found.value = null;
    problem.value = '';
  };
  return (
    <form
      class="message-search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        void search();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      <input
        type="search"
        id="message-search"
        placeholder="Search messages, Enter"
        aria-label="Search all messages of the conversation"
        value={text.value}
        maxLength={500}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
          if (text.value === '') close();
        }}
      />
      {problem.value !== '' && (
        <div class="found" role="alert">
          {problem.value}
        </div>
      )}
      {found.value !== null && (
        <div class="found">
          <p class="note" role="status">
            {foundLabel(found.value.events.length)}
          </p>
          <ul>
            {found.value.events.map((event) => (
              <li key={event.id}>
                <button type="button" onClick={() => onJump(event.id)}>
                  <span class="found-source">{event.source === 'user' ? 'You' : 'Agent'}</span>
                  <span class="found-text">{around(event, found.value?.text ?? '')}</span>
                  <Age at={conversation.timeOf(event)} />
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
    </form>
  );
}

function foundLabel(count: number): string {
  if (count === 0) return 'No message contains this text.';
  return count >= 50
    ? 'The 50 newest messages with this text'
    : `${count} ${count === 1 ? 'message' : 'messages'}`;
}

function around(event: WireEvent, text: string): string {
  const all = contentText(listAt(recordAt(event, 'llm_message'), 'content')).slice(0, 200_000);
  const at = all.toLowerCase().indexOf(text.toLowerCase());
  return `${at > BEFORE ? '…' : ''}${oneLine(all.slice(Math.max(0, at - BEFORE)), 160)}`;
}
