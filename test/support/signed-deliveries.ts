import { createHmac } from 'node:crypto';

/** How a delivery of a webhook is signed, as the schemes of automations are called. */
export type DeliveryScheme = 'github' | 'gitlab' | 'slack_v0' | 'standard_webhooks' | 'hmac_sha256_hex';

/** An event as another system sends it. */
export interface SignedDelivery {
  body: string;
  headers: Record<string, string>;
}

/** What is signed. */
interface DeliveryContent {
  secret: string;
  payload: object;
  /** The same in each redelivery. */
  id: string;
  /** When it is sent (ms since the epoch). */
  now: number;
}

/** The header with the id of a delivery that is signed by a plain HMAC: no standard names one. */
export const EVENT_ID_HEADER = 'X-Event-Id';

/** Signs a push, or an event of the type `push`, as the senders of a scheme do. */
export function signed(
  scheme: DeliveryScheme,
  { secret, payload, id, now }: DeliveryContent,
): SignedDelivery {
  const seconds = String(Math.floor(now / 1000));
  const hmac = (text: string) => createHmac('sha256', secret).update(text);
  switch (scheme) {
    case 'github': {
      const body = JSON.stringify(payload);
      const signature = `sha256=${hmac(body).digest('hex')}`;
      return delivery(body, {
        'X-GitHub-Event': 'push',
        'X-GitHub-Delivery': id,
        'X-Hub-Signature-256': signature,
      });
    }
    case 'gitlab': {
      const body = JSON.stringify({ object_kind: 'push', ...payload });
      return delivery(body, { 'X-Gitlab-Token': secret, 'Idempotency-Key': id });
    }
    case 'slack_v0': {
      const body = JSON.stringify({ type: 'push', event_id: id, ...payload });
      const signature = `v0=${hmac(`v0:${seconds}:${body}`).digest('hex')}`;
      return delivery(body, { 'X-Slack-Request-Timestamp': seconds, 'X-Slack-Signature': signature });
    }
    case 'standard_webhooks': {
      const body = JSON.stringify({ type: 'push', ...payload });
      const signature = `v1,${hmac(`${id}.${seconds}.${body}`).digest('base64')}`;
      return delivery(body, {
        'webhook-id': id,
        'webhook-timestamp': seconds,
        'webhook-signature': signature,
      });
    }
    case 'hmac_sha256_hex': {
      const body = JSON.stringify({ type: 'push', ...payload });
      return delivery(body, { 'X-Signature-256': hmac(body).digest('hex'), [EVENT_ID_HEADER]: id });
    }
  }
}

function delivery(body: string, headers: Record<string, string>): SignedDelivery {
  return { body, headers: { 'content-type': 'application/json', ...headers } };
}
