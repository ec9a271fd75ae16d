import { computed, signal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import { CONSOLE_URL, setQuery, viewQuery } from '../routing/address.js';
import { EmptyState } from '../ui/empty-state.js';
import { Loading } from '../ui/loading.js';
import { Problem } from '../ui/problem.js';
import { EventList } from './events/event-list.js';
import { MessageSearch } from './events/message-search.js';
import { RawDialog } from './events/raw-dialog.js';
import { Stream, type StreamContext } from './events/stream-context.js';
import type { LiveConversation } from './live-conversation.js';
import type { Filter } from './stream/stream-items.js';
import type { WireEvent } from './stream/wire-event.js';

const FILTERS: readonly { name: Filter; label: string }[] = [
  { name: 'all', label: 'All' },
  { name: 'messages', label: 'Messages' },
  { name: 'calls', label: 'Tool calls' },
  { name: 'errors', label: 'Errors' },
  { name: 'raw', label: 'Raw log' },
];

/** What the stream is given by the view around it. */
interface Props {
  conversation: LiveConversation;
  /** Forks the conversation after an event; absent: it is not offered. */
  onFork?: (event: WireEvent) => void;
}

/**
 * The events of a conversation as they happen, with filters and a search above them. It scrolls by itself and
 * fills its parent, which has to be a column of bounded height. `?event=` in the address names an event to
 * show, `?show=` a filter.
 */
export function EventStream({ conversation, onFork }: Props) {
  const filter = readFilter(viewQuery.value.get('show'));
  const fork = useRef(onFork);
  fork.current = onFork;
  const canFork = onFork !== undefined;
  const context = useMemo(
    () => streamContext(conversation, canFork ? (event) => fork.current?.(event) : undefined),
    [conversation, canFork],
  );
  return (
    <Stream.Provider value={context}>
      <section class="event-stream" aria-label="Conversation">
        <div class="stream-bar">
          <FilterBar filter={filter} />
          <MessageSearch conversation={conversation} onJump={(id) => setQuery({ event: id })} />
        </div>
        <Opened conversation={conversation} filter={filter} />
      </section>
      {context.raw.value !== null && (
        <RawDialog
          events={context.raw.value}
          onClose={() => {
            context.raw.value = null;
          }}
        />
      )}
    </Stream.Provider>
  );
}

function readFilter(name: string | null): Filter {
  return FILTERS.find((filter) => filter.name === name)?.name ?? 'all';
}

function streamContext(conversation: LiveConversation, onFork: Props['onFork']): StreamContext {
  return {
    timeOf: (event) => conversation.timeOf(event),
    openCalls: computed(() => {
      if (conversation.status.value === 'waiting_for_confirmation') return 'waiting';
      return conversation.status.value === 'running' ? 'running' : 'none';
    }),
    outputs: conversation.outputs,
    workingDir: computed(() => conversation.info.value?.workspace.working_dir ?? ''),
    folds: new Map(),
    showsOffBranch: signal(false),
    menu: signal(null),
    raw: signal(null),
    addressOf: (id) =>
      new URL(`conversations/${conversation.id}?event=${encodeURIComponent(id)}`, CONSOLE_URL).href,
    onFork,
  };
}

function FilterBar({ filter }: { filter: Filter }) {
  return (
    <div class="segments" role="group" aria-label="Show">
      {FILTERS.map(({ name, label }) => (
        <button
          key={name}
          type="button"
          aria-pressed={filter === name}
          onClick={() => setQuery({ show: name === 'all' ? null : name, event: null })}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

function Opened({ conversation, filter }: { conversation: LiveConversation; filter: Filter }) {
  const problem = conversation.problem.value;
  if (conversation.phase.value === 'ready') return <EventList conversation={conversation} filter={filter} />;
  if (problem === null) return <Loading label="Loading the conversation" />;
  if (problem.kind === 'missing') {
    return (
      <EmptyState title="There is no such conversation">
        <p>It was deleted, its address is wrong, or another server owns it.</p>
        <a href="./">All conversations</a>
      </EmptyState>
    );
  }
  if (problem.kind === 'key') {
    return <Problem title="The server wants a session key" detail="Enter it to see the conversation." />;
  }
  return (
    <Problem
      title="The conversation could not be loaded"
      detail={`${problem.detail} The console tries again by itself.`}
      action={{ label: 'Try now', run: () => conversation.reconnect() }}
    />
  );
}
