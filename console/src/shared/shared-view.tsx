import { signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { EventArticle } from '../conversation/events/event-article.js';
import { Stream, type StreamContext } from '../conversation/events/stream-context.js';
import { toItems } from '../conversation/stream/stream-items.js';
import { viewPath } from '../routing/address.js';
import { Loading } from '../ui/loading.js';
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
    return problem === '' ? (
      <Loading label="Loading the conversation" />
    ) : (
      <Problem title="The conversation cannot be shown" detail={problem} />
    );
  return (
    <main id="view" tabIndex={-1}>
      <header class="page-header">
        <h1>{info.title}</h1>
        <p>
          Shared, read-only. Status: <code>{info.status}</code>
        </p>
      </header>
      <Stream.Provider value={context}>
        <section aria-label="Conversation">
          {toItems(conversation.events.value, null).map((item) => (
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
