import type { VNode } from 'preact';
import { useContext, useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { setQuery, viewQuery } from '../../routing/address.js';
import { Button } from '../../ui/button.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Icon } from '../../ui/icon.js';
import { useCommands } from '../../ui/shortcuts.js';
import type { LiveConversation } from '../live-conversation.js';
import { isSameItem, passes, toItems, type Filter, type StreamItem } from '../stream/stream-items.js';
import { EventArticle } from './event-article.js';
import { LiveTail } from './live-tail.js';
import { copyText } from '../../ui/copy-text.js';
import { Stream } from './stream-context.js';
import { StreamController } from './stream-controller.js';

interface Props {
  conversation: LiveConversation;
  filter: Filter;
}

/** The loaded events that a filter shows, in a part of the page that scrolls by itself. */
export function EventList({ conversation, filter }: Props) {
  const controller = useMemo(
    () => new StreamController(conversation, () => setQuery({ event: null })),
    [conversation],
  );
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const items = useItems(conversation);
  const shown = items.filter((item) => passes(item, filter));

  useLayoutEffect(() => {
    if (scroller.current === null || content.current === null) return undefined;
    return controller.attach(scroller.current, content.current);
  }, [controller]);
  const isLoading = conversation.log.loading.value;
  const showsOffBranch = useContext(Stream).showsOffBranch.value;
  useLayoutEffect(() => controller.shown(shown), [items, filter, isLoading, showsOffBranch]);
  useTarget(controller, filter);
  useStreamKeys(controller);
  const { endRequests } = conversation;
  useEffect(() => {
    if (endRequests.value > 0) leaveTarget(controller);
  }, [endRequests.value]);

  const { atEnd, atStart } = conversation.log;
  const hasOpenCall = items.some((item) => item.type === 'call' && item.result === undefined);
  return (
    <div class="stream-frame">
      <div ref={scroller} class="stream-scroll" tabIndex={0} role="group" aria-label="Stream of events">
        <Edge controller={controller} isLoading={isLoading === 'older'} atStart={atStart.value} />
        <div
          ref={content}
          class="stream-content"
          // A feed has articles.
          role={shown.length > 0 ? 'feed' : undefined}
          aria-label={shown.length > 0 ? 'Events' : undefined}
          aria-busy={isLoading !== null}
        >
          <Pieces items={shown} filter={filter} />
          {atEnd.value && <LiveTail conversation={conversation} hasOpenCall={hasOpenCall} />}
        </div>
        {shown.length === 0 && <Nothing filter={filter} hasEvents={items.length > 0} />}
      </div>
      {!(controller.isAtEnd.value && atEnd.value) && (
        <ToEnd count={controller.newSince(shown)} onClick={() => controller.toEnd()} />
      )}
    </div>
  );
}

/** The items of the loaded events. Those that have not changed stay the same objects. */
function useItems(conversation: LiveConversation): readonly StreamItem[] {
  const former = useRef<ReadonlyMap<string, StreamItem>>(new Map());
  const events = conversation.log.events.value;
  const leaf = conversation.info.value?.leaf_event_id ?? null;
  return useMemo(() => {
    const items = toItems(events, leaf).map((item) => {
      const before = former.current.get(item.id);
      return before !== undefined && isSameItem(before, item) ? before : item;
    });
    former.current = new Map(items.map((item) => [item.id, item]));
    return items;
  }, [events, leaf]);
}

/** The pieces of the items. Those of other branches are one piece until somebody wants to see them. */
function Pieces({ items, filter }: { items: readonly StreamItem[]; filter: Filter }) {
  const { showsOffBranch } = useContext(Stream);
  const isShown = showsOffBranch.value;
  if (filter === 'raw' || !items.some(({ isOffBranch }) => isOffBranch))
    return <>{items.map((item) => articleOf(item, filter === 'raw'))}</>;
  const toggle = (): void => {
    showsOffBranch.value = !isShown;
  };
  const pieces: VNode[] = [];
  for (const [index, item] of items.entries()) {
    if (item.isOffBranch && items[index - 1]?.isOffBranch !== true) {
      const count = endOfBranch(items, index) - index;
      pieces.push(<OtherBranch key={`branch-${item.id}`} count={count} isShown={isShown} toggle={toggle} />);
    }
    if (!item.isOffBranch || isShown) pieces.push(articleOf(item, false));
  }
  return <>{pieces}</>;
}

function endOfBranch(items: readonly StreamItem[], from: number): number {
  const end = items.findIndex(({ isOffBranch }, index) => index > from && !isOffBranch);
  return end < 0 ? items.length : end;
}

function OtherBranch({ count, isShown, toggle }: { count: number; isShown: boolean; toggle: () => void }) {
  const text = `${count === 1 ? '1 event' : `${count.toLocaleString()} events`} of another branch`;
  return (
    <article class="event" aria-label={text}>
      <div class="event-main stream-mark">
        <Icon name="fork" />
        <span>{text}</span>
        <Button kind="quiet" aria-expanded={isShown} onClick={toggle}>
          {isShown ? 'Hide' : 'Show'}
        </Button>
      </div>
    </article>
  );
}

const articles = new WeakMap<StreamItem, VNode>();
const rawArticles = new WeakMap<StreamItem, VNode>();

/** The piece of an item. It is the same object while the item is, so that only new ones are worked on. */
function articleOf(item: StreamItem, asRaw: boolean): VNode {
  const known = asRaw ? rawArticles : articles;
  const made = known.get(item) ?? <EventArticle key={item.id} item={item} asRaw={asRaw} />;
  known.set(item, made);
  return made;
}

/** Shows the event that the address names. */
function useTarget(controller: StreamController, filter: Filter): void {
  const { showsOffBranch } = useContext(Stream);
  const wanted = viewQuery.value.get('event');
  useEffect(() => {
    if (wanted === null) return;
    void controller.jumpTo(wanted, filter).then((sight) => {
      if (sight === undefined) return;
      if (sight.isOffBranch) showsOffBranch.value = true;
      if (sight.filter !== filter) setQuery({ show: sight.filter === 'all' ? null : sight.filter });
    });
  }, [wanted, controller]);
}

function useStreamKeys(controller: StreamController): void {
  const { addressOf } = useContext(Stream);
  const group = 'Events';
  useCommands([
    { keys: 'j', label: 'Next event', group, run: () => controller.move(1) },
    { keys: 'k', label: 'Previous event', group, run: () => controller.move(-1) },
    {
      keys: 'o',
      label: 'Fold or unfold the event',
      group,
      run: () =>
        controller.current()?.querySelector<HTMLElement>('.fold.card > .fold-head, .fold-head')?.click(),
    },
    {
      keys: 'm',
      label: 'Menu of the event',
      group,
      run: () => controller.current()?.querySelector<HTMLElement>('.event-menu-button')?.click(),
    },
    {
      keys: 'y',
      label: 'Copy the link of the event',
      group,
      run: () => {
        const id = controller.current()?.dataset['event'];
        if (id !== undefined) void copyText(addressOf(id), 'The link');
      },
    },
    { keys: 'g g', label: 'First event', group, run: () => controller.toStart() },
    { keys: 'shift+g', label: 'Last event', group, run: () => leaveTarget(controller) },
    {
      keys: '/',
      label: 'Search messages',
      group,
      run: () => document.getElementById('message-search')?.focus(),
    },
  ]);
}

function leaveTarget(controller: StreamController): void {
  setQuery({ event: null });
  controller.toEnd();
}

function Edge({
  controller,
  isLoading,
  atStart,
}: {
  controller: StreamController;
  isLoading: boolean;
  atStart: boolean;
}) {
  const problem = controller.problem.value;
  return (
    <div class="stream-edge">
      {problem !== null ? (
        <span role="alert">
          {problem}{' '}
          <Button kind="quiet" onClick={() => controller.loadMore()}>
            Continue
          </Button>
        </span>
      ) : isLoading ? (
        <span class="spinner" role="img" aria-label="Loading earlier events" />
      ) : atStart ? (
        <span>Beginning of the conversation</span>
      ) : (
        <Button kind="quiet" onClick={() => controller.loadMore()}>
          Load earlier events
        </Button>
      )}
    </div>
  );
}

function ToEnd({ count, onClick }: { count: number; onClick: () => void }) {
  return (
    <button type="button" class="to-end" onClick={onClick}>
      <Icon name="down" />
      {count === 0 ? 'Latest' : count === 1 ? '1 new event' : `${count.toLocaleString()} new events`}
    </button>
  );
}

const NOTHING: Readonly<Record<Filter, string>> = {
  all: 'Nothing to show in the loaded part',
  messages: 'No messages in the loaded part',
  calls: 'No tool calls in the loaded part',
  errors: 'No errors in the loaded part',
  raw: 'Nothing to show in the loaded part',
};

function Nothing({ filter, hasEvents }: { filter: Filter; hasEvents: boolean }) {
  return (
    <EmptyState title={hasEvents ? NOTHING[filter] : 'Nothing has happened yet'}>
      <p>
        {hasEvents
          ? 'Earlier events are loaded when you scroll up.'
          : 'Send a message: what the agent thinks and does appears here.'}
      </p>
    </EmptyState>
  );
}
