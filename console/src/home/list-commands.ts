import { mayWrite } from '../api/current-key.js';
import { navigate } from '../routing/address.js';
import { useCommands } from '../ui/shortcuts.js';
import { approve, canResume, pause, resume } from './actions.js';
import type { Place } from './arrange.js';
import { deleteLater } from './deletions.js';
import { isRunning } from './filters.js';
import { refusing } from './refuse-dialog.js';
import { clearSelection, cursor, moveCursor, selectAll, selected, toggle } from './selection.js';
import { isSetAside, setAside } from './set-aside.js';
import { summaries, type Summary } from './summary-store.js';
import { conversationPath } from './texts.js';

/** Keys of commands that a key which may only look cannot do. */
const STEERING = new Set(['a', 'r', 'p', 's', '#']);

/** The marked conversations, or the one at the cursor. */
function targets(): Summary[] {
  const ids = selected.value.size > 0 ? [...selected.value] : cursor.value === null ? [] : [cursor.value];
  return ids.flatMap((id) => summaries.byId.get(id) ?? []);
}

/** The conversation at the cursor: a decision is about one action. */
function current(): Summary | undefined {
  return cursor.value === null ? undefined : summaries.byId.get(cursor.value);
}

/** The commands of the list, by key and by the palette. */
export function useListCommands({
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
export function onListKey(
  event: KeyboardEvent & { currentTarget: HTMLElement },
  places: readonly Place[],
): void {
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
