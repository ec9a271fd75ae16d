import { signal, useSignal } from '@preact/signals';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { navigate } from '../routing/address.js';
import { Button } from '../ui/button.js';
import { EmptyState } from '../ui/empty-state.js';
import { Icon } from '../ui/icon.js';
import { Loading } from '../ui/loading.js';
import { money } from '../ui/numbers.js';
import { PageHeader } from '../ui/page-header.js';
import { Problem } from '../ui/problem.js';
import { mayWrite } from '../api/current-key.js';
import { useCommands } from '../ui/shortcuts.js';
import { approve, canResume, pause, resume } from './actions.js';
import { arrange, type Place, type Section } from './arrange.js';
import { BulkBar } from './bulk-bar.js';
import { ConversationRow, rowId } from './conversation-row.js';
import { deleteLater, hidden } from './deletions.js';
import { clearFilters, FilterBar } from './filter-bar.js';
import { filters, isFiltered, isRunning } from './filters.js';
import { FirstConversation } from './first-conversation.js';
import { RefuseDialog, refusing } from './refuse-dialog.js';
import { listed, rowsOf, type Row } from './rows.js';
import {
  clearSelection,
  cursor,
  keepSelected,
  moveCursor,
  selectAll,
  selected,
  selectTo,
  toggle,
} from './selection.js';
import { asideSince, isSetAside, setAside } from './set-aside.js';
import { ShownOrder } from './shown-order.js';
import { summaries, type Summary } from './summary-store.js';
import { conversationPath, titleOf } from './texts.js';
import { useHold } from './use-hold.js';
import { offsetsOf, VirtualList } from './virtual-list.js';

const HEADS: Readonly<Record<Section, string>> = {
  waiting: 'Waits for you',
  running: 'Running',
  rest: 'Others',
  all: 'All',
};
/** As in the style sheet. */
const narrow = matchMedia('(max-width: 720px)');
const isNarrow = signal(narrow.matches);
narrow.addEventListener('change', () => {
  isNarrow.value = narrow.matches;
});

/** Keys of commands that a key which may only look cannot do. */
const STEERING = new Set(['a', 'r', 'p', 's', '#']);
/** Where the list was when another view was opened. */
let lastScroll = 0;
/** Whether all that wait are listed, even if they are many. */
const showsAll = signal(false);

/** The view "Conversations": what waits for the person, what runs, and all others. */
export function HomeView() {
  useEffect(() => {
    summaries.open();
    return () => summaries.close();
  }, []);
  const { loadState, problem, byId } = summaries;
  const version = summaries.version.value;
  const totals = useMemo(() => totalsOf(byId.values()), [version, asideSince.value]);
  useEffect(() => {
    const count = totals.waiting > 0 ? `(${totals.waiting}) ` : '';
    document.title = `${count}Conversations - Agent Server`;
  }, [totals.waiting]);
  return (
    <div class="home">
      <PageHeader title="Conversations">
        <Totals {...totals} />
        <a class="button primary" href="new" title="New conversation (c)">
          <Icon name="plus" /> New<span class="home-wide-only"> conversation</span>
        </a>
      </PageHeader>
      {byId.size > 0 ? (
        <Conversations version={version} />
      ) : problem.value !== null ? (
        <Problem
          title="The conversations cannot be read"
          detail={problem.value}
          action={{ label: 'Try again', run: () => summaries.reload() }}
        />
      ) : loadState.value === 'empty' ? (
        <Loading />
      ) : (
        <FirstConversation />
      )}
      <RefuseDialog />
    </div>
  );
}

/** The filter bar and the list. */
function Conversations({ version }: { version: number }) {
  const release = useSignal(0);
  const order = useRef(new ShownOrder());
  const viewport = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLDivElement>(null);
  const isHeld = useHold(area);
  const { byId } = summaries;
  // What the person has asked for is shown at once; what has happened may have to wait.
  const basis = [filters.value, hidden.value, asideSince.value, release.value];
  const fresh = useMemo(() => arrange(byId, filters.value, hidden.value), [version, ...basis]);
  const { places: all, updates } = order.current.next(fresh, basis, isHeld.value);
  const places = useMemo(() => listed(all, showsAll.value), [all, showsAll.value]);
  const rows = useMemo(
    () => rowsOf(places, all.length - places.length, isNarrow.value),
    [places, isNarrow.value],
  );
  const shown = useRef(places);
  shown.current = places;
  useEffect(() => keepSelected((id) => byId.has(id) && !hidden.value.has(id)), [version, hidden.value]);
  const onSelectTo = useCallback((id: string) => selectTo(id, shown.current), []);
  const marked = [...selected.value].flatMap((id) => byId.get(id) ?? []);
  const showUpdates = (): void => {
    release.value += 1;
  };

  useLayoutEffect(() => {
    if (viewport.current) viewport.current.scrollTop = lastScroll;
  }, []);
  useEffect(() => scrollToCursor(viewport.current, rows), [cursor.value]);
  useListCommands({ places, viewport, showUpdates });

  return (
    <>
      <FilterBar />
      <div class="home-list-note" role="status">
        {updates > 0 && (
          <Button kind="primary" title="Show them (u)" onClick={showUpdates}>
            {updates === 1 ? '1 update' : `${updates.toLocaleString()} updates`}
          </Button>
        )}
      </div>
      <div ref={area} class="home-list-area">
        {places.length === 0 ? (
          <Nothing />
        ) : (
          <div
            ref={viewport}
            class="home-list"
            role="grid"
            tabIndex={0}
            aria-label="Conversations"
            aria-rowcount={rows.length}
            aria-multiselectable="true"
            aria-activedescendant={cursor.value === null ? undefined : rowId(cursor.value)}
            onFocus={() => {
              cursor.value ??= places[0]?.id ?? null;
            }}
            onScroll={(event) => {
              lastScroll = event.currentTarget.scrollTop;
            }}
            onKeyDown={(event) => onListKey(event, shown.current)}
          >
            <VirtualList rows={rows} viewport={viewport}>
              {(row, index, top) => (
                <RowOf key={keyOf(row)} row={row} index={index} top={top} onSelectTo={onSelectTo} />
              )}
            </VirtualList>
          </div>
        )}
      </div>
      <BulkBar marked={marked} />
    </>
  );
}

function RowOf({
  row,
  index,
  top,
  onSelectTo,
}: {
  row: Row;
  index: number;
  top: number;
  onSelectTo: (id: string) => void;
}) {
  const position = { transform: `translateY(${top}px)`, height: `${row.height}px` };
  if (row.kind === 'head') {
    return (
      <div class="home-head" role="row" aria-rowindex={index + 1} style={position}>
        <div role="gridcell">
          <h2>
            {HEADS[row.section]} <span class="home-figure">{row.count.toLocaleString()}</span>
          </h2>
        </div>
      </div>
    );
  }
  if (row.kind === 'more') {
    return (
      <div class="home-head home-more" role="row" aria-rowindex={index + 1} style={position}>
        <div role="gridcell">
          <Button kind="quiet" onClick={() => (showsAll.value = true)}>
            Show {row.count.toLocaleString()} more that wait
          </Button>
        </div>
      </div>
    );
  }
  const { id, section, depth, height } = row;
  const summary = summaries.byId.get(id);
  if (!summary) {
    return (
      <div class="home-row gone" role="row" aria-rowindex={index + 1} style={position}>
        <div role="gridcell">Deleted</div>
      </div>
    );
  }
  const parent = depth === 0 ? parentOf(summary) : null;
  return (
    <ConversationRow
      {...{ summary, section, depth, parent, index, top, height, onSelectTo }}
      isCurrent={cursor.value === id}
      isSelected={selected.value.has(id)}
      onToggle={toggle}
    />
  );
}

function parentOf({ parent_conversation_id: id }: Summary): string | null {
  const parent = id === null ? undefined : summaries.byId.get(id);
  return parent ? titleOf(parent) : id === null ? null : 'another conversation';
}

/**
 * A row that moves to another section is another element: Chromium keeps styles of descendants that depended
 * on the class of the row.
 */
function keyOf(row: Row): string {
  return row.kind === 'row' ? `${row.id} ${row.section} ${row.depth}` : `${row.kind} ${row.section}`;
}

/** No conversation passes the filters. */
function Nothing() {
  if (!isFiltered(filters.value)) return <FirstConversation />;
  return (
    <EmptyState title="No conversation matches">
      <p>
        {summaries.loadState.value === 'complete'
          ? 'Take a filter away to see more.'
          : 'Older conversations are still being read.'}
      </p>
      <Button onClick={clearFilters}>Clear the filters</Button>
    </EmptyState>
  );
}

/** Whether the list is up to date, and its sums. */
function Totals({ waiting, running, cost, count }: ReturnType<typeof totalsOf>) {
  const { connection, loadState } = summaries;
  const isLate = connection.value === 'waiting';
  return (
    <p class="home-totals">
      <span role="status">{isLate ? 'Reconnecting; the list may be out of date' : ''}</span>
      {!isLate && count > 0 && (
        <span>
          {waiting > 0 && <b>{waiting.toLocaleString()} waiting</b>}
          {running > 0 && <span>{running.toLocaleString()} running</span>}
          <span>
            {count.toLocaleString()}
            {loadState.value === 'complete' ? '' : '+'} in all
          </span>
          {cost > 0 && <span title="Cost of all conversations">{money(cost)}</span>}
        </span>
      )}
    </p>
  );
}

function totalsOf(all: Iterable<Summary>) {
  const totals = { waiting: 0, running: 0, cost: 0, count: 0 };
  for (const summary of all) {
    totals.count += 1;
    totals.cost += summary.cost;
    if (summary.waits_for !== null && !isSetAside(summary)) totals.waiting += 1;
    if (isRunning(summary)) totals.running += 1;
  }
  return totals;
}

/** The marked conversations, or the one at the cursor. */
function targets(): Summary[] {
  const ids = selected.value.size > 0 ? [...selected.value] : cursor.value === null ? [] : [cursor.value];
  return ids.flatMap((id) => summaries.byId.get(id) ?? []);
}

/** The conversation at the cursor: a decision is about one action. */
function current(): Summary | undefined {
  return cursor.value === null ? undefined : summaries.byId.get(cursor.value);
}

function useListCommands({
  places,
  viewport,
  showUpdates,
}: {
  places: readonly Place[];
  viewport: { current: HTMLDivElement | null };
  showUpdates: () => void;
}): void {
  const group = 'Conversations';
  const move = (step: number, isExtending: boolean): void => {
    const hadCursor = cursor.value !== null;
    // The focus alone brings the cursor to the first one.
    viewport.current?.focus({ preventScroll: true });
    if (hadCursor || cursor.value === null) moveCursor(places, step, isExtending);
  };
  const commands = [
    { keys: 'j', label: 'Next conversation', group, run: () => move(1, false) },
    { keys: 'k', label: 'Previous conversation', group, run: () => move(-1, false) },
    { keys: 'shift+j', label: 'Mark up to the next', group, run: () => move(1, true) },
    { keys: 'shift+k', label: 'Mark up to the previous', group, run: () => move(-1, true) },
    {
      keys: 'x',
      label: 'Mark the conversation',
      group,
      run: () => {
        if (cursor.value !== null) toggle(cursor.value);
      },
    },
    { keys: 'mod+a', label: 'Mark all that are listed', group, run: () => selectAll(places) },
    { keys: 'escape', label: 'Mark none', group, run: clearSelection },
    { keys: 'o', label: 'Open the conversation', group, run: openCurrent },
    {
      keys: 'a',
      label: 'Approve the action',
      group,
      run: () => {
        const summary = current();
        if (summary) void approve(summary);
      },
    },
    {
      keys: 'r',
      label: 'Refuse the action',
      group,
      run: () => {
        const summary = current();
        if (summary?.waits_for === 'confirmation') refusing.value = summary;
      },
    },
    {
      keys: 'p',
      label: 'Pause',
      group,
      run: () => void pause(targets().filter(isRunning)),
    },
    {
      keys: 's',
      label: 'Resume',
      group,
      run: () => void resume(targets().filter(canResume)),
    },
    {
      keys: 'e',
      label: 'Set aside, or back',
      group,
      run: () => {
        const all = targets().filter(({ waits_for }) => waits_for !== null && waits_for !== 'confirmation');
        setAside(all, !all.every(isSetAside));
      },
    },
    {
      keys: '#',
      label: 'Delete',
      group,
      run: deleteTargets,
    },
    { keys: 'u', label: 'Show the updates', group, run: showUpdates },
  ];
  useCommands(commands.filter(({ keys }) => mayWrite() || !STEERING.has(keys)));
}

function openCurrent(): void {
  if (cursor.value !== null) navigate(conversationPath(cursor.value));
}

function deleteTargets(): void {
  deleteLater(targets().map(({ id }) => id));
  clearSelection();
}

/** Keys that belong to the list only while it has the focus itself. */
function onListKey(event: KeyboardEvent & { currentTarget: HTMLElement }, places: readonly Place[]): void {
  if (event.target !== event.currentTarget || event.metaKey || event.ctrlKey || event.altKey) return;
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: 10,
    PageUp: -10,
    Home: -places.length,
    End: places.length,
  };
  const { [event.key]: step } = steps;
  if (step !== undefined) moveCursor(places, step, event.shiftKey);
  else if (event.key === 'Enter') openCurrent();
  else if (event.key === ' ' && cursor.value !== null) toggle(cursor.value);
  else if (event.key === 'Delete') deleteTargets();
  else return;
  event.preventDefault();
}

/** Makes the conversation at the cursor visible, with the head of its section if it is the first. */
function scrollToCursor(element: HTMLDivElement | null, rows: readonly Row[]): void {
  if (!element || cursor.value === null) return;
  const index = rows.findIndex((row) => row.kind === 'row' && row.id === cursor.value);
  if (index < 0) return;
  const offsets = offsetsOf(rows);
  const isFirst = rows[index - 1]?.kind === 'head';
  const top = offsets[isFirst ? index - 1 : index] ?? 0;
  const bottom = offsets[index + 1] ?? 0;
  if (top < element.scrollTop) element.scrollTop = top;
  else if (bottom > element.scrollTop + element.clientHeight)
    element.scrollTop = bottom - element.clientHeight;
}
