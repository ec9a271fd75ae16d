import { api, call } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { SERVER_URL } from '../../routing/address.js';
import { EmptyState } from '../../ui/empty-state.js';
import { NotFetched } from '../../ui/not-fetched.js';
import { WebhookCard } from './webhook-card.js';

const POLL_MS = 3_000;

/** Whether deliveries arrive, and what to do where they do not. */
export function WebhooksTab() {
  const { data, error, isLoading, reload } = useFetched(
    (signal) => call(api.GET('/api/webhooks', { signal })),
    { everyMs: POLL_MS },
  );
  if (data === undefined)
    return (
      <NotFetched
        title="The webhooks could not be read"
        error={isLoading ? undefined : error}
        reload={reload}
      />
    );
  if (data.length === 0) return <NoWebhooks />;
  return (
    <div class="page-body webhooks">
      {data.map((webhook) => (
        <WebhookCard key={webhook.id} webhook={webhook} onChanged={reload} />
      ))}
    </div>
  );
}

function NoWebhooks() {
  return (
    <EmptyState title="No webhook is configured">
      <p>
        A webhook sends each event of each conversation to an address of yours, in order and at least once.
        Set the address and start the server again:
      </p>
      <pre class="code-block">OH_WEBHOOKS_0_BASE_URL=https://hooks.example.com</pre>
      <p>
        <a href={new URL('guides/docs/webhooks.md', SERVER_URL).href} target="_blank" rel="noopener">
          Guide to webhooks
        </a>
      </p>
    </EmptyState>
  );
}
