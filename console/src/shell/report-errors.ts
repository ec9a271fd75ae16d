import { ApiError, messageOf } from '../api/api-error.js';
import { showToast } from '../ui/toast.js';

/** Says so when something fails that no view has expected; the page goes on. Call it once. */
export function reportErrors(): void {
  addEventListener('error', ({ error }: ErrorEvent) => {
    if (error instanceof Error) report(error);
  });
  addEventListener('unhandledrejection', ({ reason }) => report(reason));
}

function report(error: unknown): void {
  // The banner speaks of a server that is away.
  if (error instanceof ApiError && error.status === 0) return;
  if (error instanceof DOMException && error.name === 'AbortError') return;
  showToast(`Something has failed: ${messageOf(error).slice(0, 300)}`, { kind: 'error' });
}
