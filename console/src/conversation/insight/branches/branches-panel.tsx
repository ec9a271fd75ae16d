import { useSignal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import { messageOf } from '../../../api/api-error.js';
import { api, call } from '../../../api/client.js';
import { navigate } from '../../../routing/address.js';
import { Button } from '../../../ui/button.js';
import { Icon } from '../../../ui/icon.js';
import { oneLine } from '../../../ui/safe-text.js';
import { Age } from '../../../ui/time.js';
import { showToast } from '../../../ui/toast.js';
import { readBranches, type BranchNode, type BranchTree } from '../insight-api.js';
import type { InsightProps } from '../insight-props.js';
import { useLiveData } from '../live-data.js';
import { PanelFrame } from '../panel-frame.js';
import { branchRows, leafCount, type BranchRow } from './branch-rows.js';

/** Pixels; as in `insight.css`. */
const ROW_HEIGHT = 52;
const MAX_DEPTH = 12;
/** From the left of a dot to the line through its middle (pixels). */
const DOT_CENTRE = 5;

/** The branches of a conversation as a tree; each of its places can be gone on from, or forked. */
export function BranchesPanel({ conversationId, info, onShowEvent }: InsightProps) {
  const live = useLiveData(info, conversationId, () => readBranches(conversationId));
  return (
    <PanelFrame live={live}>
      {(tree) => (
        <Tree
          tree={tree}
          conversationId={conversationId}
          isRunning={info.value?.execution_status === 'running'}
          onShowEvent={onShowEvent}
          onChanged={live.reload}
        />
      )}
    </PanelFrame>
  );
}

interface TreeProps {
  tree: BranchTree;
  conversationId: string;
  isRunning: boolean;
  onShowEvent: (eventId: string) => void;
  onChanged: () => void;
}

function Tree({ tree, conversationId, isRunning, onShowEvent, onChanged }: TreeProps) {
  const rows = useMemo(() => branchRows(tree), [tree]);
  const current = useSignal<string | null | undefined>(undefined);
  const busy = useSignal(false);
  const list = useRef<HTMLUListElement>(null);
  const currentId = current.value === undefined ? tree.head_event_id : current.value;
  const index = Math.max(
    0,
    rows.findIndex(({ node }) => node.event_id === currentId),
  );
  const chosen = rows[index]?.node;
  const branches = leafCount(tree);

  const moveTo = (next: number): void => {
    const row = rows[Math.min(Math.max(next, 0), rows.length - 1)];
    if (row === undefined) return;
    current.value = row.node.event_id;
    const element = list.current?.children[rows.indexOf(row)];
    if (element instanceof HTMLElement) element.focus();
  };
  const act = async (work: () => Promise<void>): Promise<void> => {
    busy.value = true;
    try {
      await work();
    } catch (error) {
      showToast(messageOf(error), { kind: 'error' });
    } finally {
      busy.value = false;
    }
  };
  const path = { conversation_id: conversationId };
  const goOnFrom = (node: BranchNode): Promise<void> =>
    act(async () => {
      await call(
        api.POST('/api/conversations/{conversation_id}/navigate', {
          params: { path },
          body: { event_id: node.event_id },
        }),
      );
      showToast('The next message goes on from here.');
      onChanged();
    });
  const fork = (node: BranchNode): Promise<void> =>
    act(async () => {
      const made = await call(
        api.POST('/api/conversations/{conversation_id}/fork', {
          params: { path },
          body: { from_event_id: node.event_id },
        }),
      );
      showToast('A new conversation with this branch.');
      navigate(`conversations/${made.id}`);
    });
  const keys = (row: BranchRow): Record<string, () => void> => ({
    ArrowDown: () => moveTo(index + 1),
    ArrowUp: () => moveTo(index - 1),
    Home: () => moveTo(0),
    End: () => moveTo(rows.length - 1),
    ArrowLeft: () => moveTo(rows.findIndex(({ node }) => node.event_id === row.node.parent_event_id)),
    ArrowRight: () => {
      if (row.hasChildren) moveTo(index + 1);
    },
    Enter: () => {
      if (row.node.event_id !== null) onShowEvent(row.node.event_id);
    },
  });
  return (
    <>
      <p class="insight-soft">
        {branches <= 1
          ? 'One branch so far. Go on from an earlier event, here or in the log, and the next message starts another one. Nothing is deleted.'
          : `${branches} branches. The next message goes on from the head.`}
        {tree.truncated && ' Old branches are left out of this list.'}
      </p>
      <div class="branches">
        <ul class="branch-tree" role="tree" aria-label="Branches" ref={list}>
          {rows.map((row, place) => (
            <li
              key={row.node.event_id ?? 'root'}
              role="treeitem"
              aria-level={row.depth + 1}
              aria-posinset={row.position}
              aria-setsize={row.siblings}
              aria-selected={place === index}
              aria-current={row.node.is_head ? 'true' : undefined}
              tabIndex={place === index ? 0 : -1}
              class={`branch-row ${row.node.kind}${row.node.active ? ' active' : ''}${row.node.is_head ? ' is-head' : ''}`}
              style={{ paddingLeft: `${placeOf(row.depth)}px` }}
              onFocus={() => (current.value = row.node.event_id)}
              onClick={() => moveTo(place)}
              onKeyDown={(event) => {
                const run = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys(row)[event.key];
                if (run === undefined || event.target !== event.currentTarget) return;
                event.preventDefault();
                run();
              }}
            >
              <Lines row={row} />
              <span class="branch-dot" aria-hidden="true" />
              <span class="branch-text">
                <span class="branch-title">
                  {titleOf(row.node)}
                  {row.node.is_head && <span class="branch-head">head</span>}
                </span>
                <span class="insight-soft">
                  {factsOf(row.node)}
                  {row.node.timestamp !== null && (
                    <>
                      {' · '}
                      <Age at={row.node.timestamp} />
                    </>
                  )}
                </span>
              </span>
            </li>
          ))}
        </ul>
        {chosen && (
          <div
            class="branch-actions"
            role="group"
            aria-label="Actions of the chosen place"
            style={{ top: `${index * ROW_HEIGHT + 11}px` }}
          >
            {chosen.event_id !== null && (
              <Button kind="quiet" onClick={() => onShowEvent(chosen.event_id ?? '')}>
                Show
              </Button>
            )}
            {!chosen.is_head && (
              <Button
                kind="quiet"
                disabled={isRunning}
                title={isRunning ? 'Pause the agent first' : 'The next message follows this event'}
                busy={busy.value}
                onClick={() => void goOnFrom(chosen)}
              >
                Go on here
              </Button>
            )}
            {chosen.event_id !== null && (
              <Button
                kind="quiet"
                title="A new conversation with the events up to here"
                busy={busy.value}
                onClick={() => void fork(chosen)}
              >
                <Icon name="fork" />
                Fork
              </Button>
            )}
          </div>
        )}
      </div>
    </>
  );
}

/** The lines from a place to those after it. */
function Lines({ row: { guides, depth, parentDepth } }: { row: BranchRow }) {
  return (
    <span class="branch-lines" aria-hidden="true">
      {[...new Set(guides)].map((at) => (
        <span key={at} class="branch-line" style={{ left: `${placeOf(at) + DOT_CENTRE}px` }} />
      ))}
      {parentDepth !== undefined && (
        <span
          class="branch-elbow"
          style={{
            left: `${placeOf(parentDepth) + DOT_CENTRE}px`,
            width: `${Math.max(2, placeOf(depth) - placeOf(parentDepth) - DOT_CENTRE)}px`,
          }}
        />
      )}
    </span>
  );
}

/** Where the dot of a row begins (pixels). Very deep trees are indented no further. */
function placeOf(depth: number): number {
  return 12 + Math.min(depth, MAX_DEPTH) * 22;
}

function titleOf({ kind, label, first_label }: BranchNode): string {
  if (kind === 'root') return 'Start';
  const begin = oneLine(first_label, 60);
  const end = oneLine(label, 60);
  if (begin === end || begin === 'system prompt' || begin === '') return end || 'An event without text';
  return `${begin} → ${end}`;
}

function factsOf({ kind, events }: BranchNode): string {
  if (kind === 'root') return 'before the first event';
  const count = `${events.toLocaleString()} ${events === 1 ? 'event' : 'events'}`;
  if (kind === 'fork') return `${count}, then branches part`;
  return kind === 'leaf' ? `${count} to the end` : count;
}
