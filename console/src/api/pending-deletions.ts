import { signal, type ReadonlySignal } from '@preact/signals';
import { SERVER_URL } from '../routing/address.js';
import { showToast } from '../ui/toast.js';
import { messageOf } from './api-error.js';
import { api, call } from './client.js';
import { sessionKey } from './session-key.js';

/** How long a deletion can be taken back. */
const UNDO_MS = 8_000;

const idsSignal = signal<ReadonlySet<string>>(new Set());
const timers = new Map<string, ReturnType<typeof setTimeout>>();

/** Conversations that are about to be deleted: lists leave them out. */
export const pendingDeletions: ReadonlySignal<ReadonlySet<string>> = idsSignal;

/**
 * Deletes conversations after a few seconds in which the person can take it back, or when the page is left.
 * @param onUndone called if it was taken back
 */
export function deleteWithUndo(ids: readonly string[], onUndone?: () => void): void {
  const added = ids.filter((id) => !timers.has(id));
  if (added.length === 0) return;
  const hide = showToast(
    added.length === 1 ? 'The conversation is deleted.' : `${added.length} conversations are deleted.`,
    {
      ms: UNDO_MS,
      action: {
        label: 'Undo',
        run: () => {
          for (const id of added) forget(id);
          onUndone?.();
        },
      },
    },
  );
  for (const id of added) {
    timers.set(
      id,
      setTimeout(() => {
        hide();
        void deleteNow(id);
      }, UNDO_MS),
    );
  }
  idsSignal.value = new Set(timers.keys());
}

async function deleteNow(id: string): Promise<void> {
  try {
    await call(
      api.DELETE('/api/conversations/{conversation_id}', { params: { path: { conversation_id: id } } }),
    );
  } catch (error) {
    showToast(`A conversation was not deleted: ${messageOf(error)}`, { kind: 'error' });
  } finally {
    forget(id);
  }
}

function forget(id: string): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
  idsSignal.value = new Set(timers.keys());
}

// The page is closed or left: nobody can take it back any more.
addEventListener('pagehide', () => {
  const key = sessionKey.peek();
  for (const id of timers.keys()) {
    const headers: HeadersInit = key === null ? {} : { 'X-Session-API-Key': key };
    void fetch(new URL(`api/conversations/${id}`, SERVER_URL), {
      method: 'DELETE',
      headers,
      keepalive: true,
    });
    forget(id);
  }
});
