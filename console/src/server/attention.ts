import { api, call } from '../api/client.js';
import { useFetched } from '../api/use-fetched.js';
import { stateOf } from './webhooks/webhook-state.js';

const POLL_MS = 15_000;
const HOUR_MS = 3_600_000;

/** What a person should look at: webhooks that fail, and errors of the last hour. */
export function useAttention(): { webhooks: number; errors: number } {
  const { data } = useFetched(
    async (signal) => {
      const since = new Date(Date.now() - HOUR_MS).toISOString();
      const [webhooks, log] = await Promise.all([
        call(api.GET('/api/webhooks', { signal })),
        call(
          api.GET('/api/server/log', { params: { query: { level: 'error', since, limit: 500 } }, signal }),
        ),
      ]);
      return {
        webhooks: webhooks.filter((webhook) => stateOf(webhook).tone === 'bad').length,
        errors: log.items.length,
      };
    },
    { everyMs: POLL_MS },
  );
  return data ?? { webhooks: 0, errors: 0 };
}
