import { signal, useSignal } from '@preact/signals';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { Button } from '../ui/button.js';
import { EmptyState } from '../ui/empty-state.js';
import { Icon } from '../ui/icon.js';
import { Loading } from '../ui/loading.js';
import { PageHeader } from '../ui/page-header.js';
import { Problem } from '../ui/problem.js';
import { arrange, type Section } from './arrange.js';
import { BulkBar } from './bulk-bar.js';
import { ConversationRow, rowId } from './conversation-row.js';
import { hidden } from './deletions.js';
import { clearFilters, FilterBar } from './filter-bar.js';
import { filters, isFiltered } from './filters.js';
import { FirstConversation } from './first-conversation.js';
import { onListKey, useListCommands } from './list-commands.js';
import { RefuseDialog } from './refuse-dialog.js';
import { listed, rowsOf, type Row } from './rows.js';
import { cursor, keepSelected, selected, selectTo, toggle } from './selection.js';
import { asideSince } from './set-aside.js';
import { ShownOrder } from './shown-order.js';
import { summaries, type Summary } from './summary-store.js';
import { titleOf } from './texts.js';
import { Totals, totalsOf } from './totals.js';
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
