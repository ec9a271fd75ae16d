import { signal } from '@preact/signals';
import { showToast } from '../ui/toast.js';
import { count, deleteNow } from './actions.js';

/** How long a deletion can be taken back (ms). */
const UNDO_MS = 8_000;

/** Conversations that are not shown any more because the person has deleted them. */
export const hidden = signal<ReadonlySet<string>>(new Set());

/** Deletions that can still be taken back, each with the function that carries it out. */
const pending = new Map<object, { ids: readonly string[]; timer: ReturnType<typeof setTimeout> }>();

/** Removes conversations from the list at once, and from the server after some seconds. */
export function deleteLater(ids: readonly string[]): void {
  if (ids.length === 0) return;
  const deletion = {};
  hide(ids);
  const timer = setTimeout(() => void carryOut(deletion, false), UNDO_MS);
  pending.set(deletion, { ids, timer });
  showToast(`${count(ids.length)} deleted.`, {
    ms: UNDO_MS,
    action: {
      label: 'Undo',
      run: () => {
        clearTimeout(timer);
        // Otherwise it was too late: the request is under way.
        if (pending.delete(deletion)) unhide(ids);
      },
    },
  });
}

async function carryOut(deletion: object, keepalive: boolean): Promise<void> {
  const entry = pending.get(deletion);
  if (!entry) return;
  pending.delete(deletion);
  clearTimeout(entry.timer);
  unhide(await deleteNow(entry.ids, keepalive));
}

// Whoever leaves the page does not take the deletion back.
addEventListener('pagehide', () => {
  for (const deletion of [...pending.keys()]) void carryOut(deletion, true);
});

function hide(ids: readonly string[]): void {
  hidden.value = new Set([...hidden.value, ...ids]);
}

function unhide(ids: readonly string[]): void {
  const left = new Set(hidden.value);
  for (const id of ids) left.delete(id);
  hidden.value = left;
}
