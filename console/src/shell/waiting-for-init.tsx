import { EmptyState } from '../ui/empty-state.js';
import { PageHeader } from '../ui/page-header.js';
import { initState } from './server-state.js';

/** In place of all views while the server waits for its settings. */
export function WaitingForInit() {
  const { error } = initState.value;
  return (
    <>
      <PageHeader title="The server waits for its settings" />
      <EmptyState title="It answers no requests yet">
        <p>
          The server was started with <code>OH_DEFERRED_INIT</code>. Whoever has started it must send its
          settings once, with <code>POST /api/init</code>. This page goes on by itself then.
        </p>
        {error !== null && <p class="field-problem">The last attempt failed: {error.slice(0, 500)}</p>}
        <p>
          <a href="../guides/docs/operation.md">How to operate the server</a>
        </p>
      </EmptyState>
    </>
  );
}
