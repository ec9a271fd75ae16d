import { createHash } from 'node:crypto';
import type { AppConfig, WebhookConfig } from '../config/index.js';
import { withoutTrailingSlashes } from '../text/index.js';

/** The parsed configuration of one webhook. */
export interface WebhookTarget {
  /** Stable across restarts: derived from the name, or from the URL if there is none. */
  readonly id: string;
  readonly name: string | null;
  /** The URL for display: without user name, password and query. */
  readonly shownUrl: string;
  readonly method: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The signing key; undefined: deliveries are not signed. */
  readonly signingKey: Buffer | undefined;
  /** The URL for events of a conversation. */
  eventsUrl(conversationId: string): string;
  /** The URL for changes of conversations; undefined: they are not delivered. */
  readonly conversationsUrl: string | undefined;
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly flushDelayMs: number;
  readonly retries: number;
  readonly retryDelayMs: number;
  /** Maximum size of the undelivered events of a deleted conversation (bytes). */
  readonly maxTailBytes: number;
}

/** All configured webhooks. Webhooks with the same name or URL get different ids. */
export function webhookTargets(config: AppConfig): WebhookTarget[] {
  const taken = new Map<string, number>();
  return config.webhooks.map((hook) => {
    const key = hook.name === null ? `url ${identityUrl(hook)}` : `name ${hook.name}`;
    const times = (taken.get(key) ?? 0) + 1;
    taken.set(key, times);
    const id = createHash('sha256').update(`${key} ${times}`).digest('hex').slice(0, 16);
    return toTarget(hook, id, config.session_api_keys[0]);
  });
}

/** Decodes a secret of the Standard Webhooks scheme: base64 with an optional `whsec_` prefix. */
function signingKeyOf(secret: string): Buffer {
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
}

function toTarget(hook: WebhookConfig, id: string, sessionKey: string | undefined): WebhookTarget {
  const custom = Object.entries(hook.headers).map(([name, value]): [string, string] => [
    name.toLowerCase(),
    value,
  ]);
  const headers = Object.fromEntries(custom);
  if (sessionKey !== undefined) headers['x-session-api-key'] = sessionKey;
  return {
    id,
    name: hook.name,
    shownUrl: withoutCredentials(hook.webhook_url ?? withoutTrailingSlashes(hook.base_url ?? '')),
    method: hook.method,
    headers,
    signingKey: hook.secret === null ? undefined : signingKeyOf(hook.secret),
    eventsUrl: (conversationId) =>
      hook.webhook_url ?? below(hook.base_url ?? '', `events/${conversationId.replaceAll('-', '')}`),
    conversationsUrl: hook.base_url === null ? undefined : below(hook.base_url, 'conversations'),
    maxEvents: hook.event_buffer_size,
    maxBytes: hook.max_batch_bytes,
    flushDelayMs: hook.flush_delay * 1000,
    retries: hook.num_retries,
    retryDelayMs: hook.retry_delay * 1000,
    maxTailBytes: hook.max_queue_bytes,
  };
}

/** Identifies a webhook without a name. */
function identityUrl(hook: WebhookConfig): string {
  return hook.webhook_url ?? `${withoutTrailingSlashes(hook.base_url ?? '')}/events`;
}

/** Appends a path to a URL. The query is kept: some receivers expect a token there. */
function below(base: string, path: string): string {
  const [, before = '', query = ''] = /^([^?#]*)(\?[^#]*)?/.exec(base) ?? [];
  return `${withoutTrailingSlashes(before)}/${path}${query}`;
}

function withoutCredentials(text: string): string {
  const url = new URL(text);
  const query = url.search === '' ? '' : '?...';
  return `${url.origin}${url.pathname}${query}`;
}
