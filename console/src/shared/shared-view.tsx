import { signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { EventArticle } from '../conversation/events/event-article.js';
import { Stream, type StreamContext } from '../conversation/events/stream-context.js';
import type { WireEvent } from '../conversation/stream/wire-event.js';
import { toItems } from '../conversation/stream/stream-items.js';
import { viewPath } from '../routing/address.js';
import { Loading } from '../ui/loading.js';
import { PageHeader } from '../ui/page-header.js';
import { Problem } from '../ui/problem.js';
import { SharedConversation } from './shared-conversation.js';

/** The page of a share link: `shared/<id>#<token>`. It needs no key and leads nowhere else. */
export function SharedView() {
  const [, id = ''] = viewPath.value.split('/');
  // Behind the hash: browsers do not send it, so it is in no log of a server.
  const conversation = useMemo(() => new SharedConversation(id, location.hash.slice(1)), [id]);
  useEffect(() => () => conversation.close(), [conversation]);
  const context = useMemo(streamContext, []);
  const info = conversation.info.value;
  const problem = conversation.problem.value;
  if (info === null)
    return (
      <main id="view" class="shared-page" tabIndex={-1}>
        {problem === '' ? (
          <Loading label="Loading the conversation" />
        ) : (
          <Problem title="The conversation cannot be shown" detail={problem} />
        )}
      </main>
    );
  return (
    <main id="view" class="shared-page" tabIndex={-1}>
      <PageHeader title={info.title}>
        <span>
          Shared, read-only. Status: <code>{info.status}</code>
        </span>
      </PageHeader>
      <Stream.Provider value={context}>
        <section class="event-stream" aria-label="Conversation">
          {toItems(conversation.events.value.filter(isShown), null).map((item) => (
            <EventArticle key={item.id} item={item} asRaw={false} />
          ))}
        </section>
      </Stream.Provider>
      {conversation.hasMore.value && (
        <button type="button" onClick={() => void conversation.more()}>
          Show more
        </button>
      )}
      {problem !== '' && <Problem title="Nothing new can be shown" detail={problem} />}
    </main>
  );
}

/** Events whose content is not shared say nothing to people. */
function isShown({ kind, key }: WireEvent): boolean {
  if (kind === 'ConversationStateUpdateEvent') return key === 'execution_status';
  return kind !== 'SystemPromptEvent';
}

function streamContext(): StreamContext {
  return {
    timeOf: ({ timestamp }) => timestamp,
    openCalls: signal('none'),
    outputs: signal(new Map()),
    workingDir: signal('<workspace>'),
    folds: new Map(),
    showsOffBranch: signal(false),
    menu: signal(null),
    raw: signal(null),
    addressOf: () => location.href,
    onFork: undefined,
  };
}
