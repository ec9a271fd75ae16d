import { visible } from '../../ui/safe-text.js';
import { duration, useNow } from '../../ui/time.js';
import type { LiveConversation } from '../live-conversation.js';
import type { StreamingItem } from '../stream/streaming-items.js';
import { excerpt } from './long-text.js';
import { Markdown } from './markdown.js';

/** Streamed text is read as Markdown up to here; the event will be, whatever its length. */
const MAX_MARKDOWN = 8_000;

/** What happens now: the answer that the model is writing, or what the run waits for. */
export function LiveTail({
  conversation,
  hasOpenCall,
}: {
  conversation: LiveConversation;
  hasOpenCall: boolean;
}) {
  const items = conversation.streaming.value;
  if (items.length > 0) {
    return (
      <>
        {items.map((item) => (
          <Streaming key={item.id} item={item} />
        ))}
      </>
    );
  }
  if (conversation.status.value !== 'running' || hasOpenCall) return null;
  return <Waiting conversation={conversation} />;
}

function Streaming({ item }: { item: StreamingItem }) {
  const { text, reasoning } = item;
  return (
    <article class="event streaming" aria-label="The answer that the model is writing" aria-busy="true">
      <div class="event-main">
        <div class="message agent">
          <h3 class="author">Agent</h3>
          {reasoning !== '' && text === '' && (
            <div class="reasoning">
              <pre class="output">{visible(excerpt(reasoning, 6, 1200, 'end').text)}</pre>
            </div>
          )}
          {text !== '' &&
            (text.length <= MAX_MARKDOWN ? (
              <Markdown text={text} />
            ) : (
              <pre class="output prose">{visible(excerpt(text, 200, MAX_MARKDOWN, 'end').text)}</pre>
            ))}
          <span class="caret" aria-hidden="true" />
        </div>
      </div>
    </article>
  );
}

function Waiting({ conversation }: { conversation: LiveConversation }) {
  const now = useNow();
  const last = conversation.log.events.value.at(-1);
  const since = last === undefined ? NaN : Date.parse(conversation.timeOf(last));
  return (
    <div class="live-wait" role="status">
      <span class="spinner" aria-hidden="true" />
      <span>The model is working</span>
      {now - since > 2000 && <span class="took">{duration(now - since)}</span>}
    </div>
  );
}
