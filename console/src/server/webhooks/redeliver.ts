import { api, call, type Schemas } from '../../api/client.js';
import { messageOf } from '../../api/api-error.js';
import { showToast } from '../../ui/toast.js';
import { counted } from './webhook-state.js';

/** Delivers to a webhook at once, or again from an event on. @throws ApiError */
export async function redeliver(webhookId: string, body: Schemas['RedeliveryRequest'] = {}): Promise<void> {
  const { conversations, events, changes } = await call(
    api.POST('/api/webhooks/{webhook_id}/redeliver', { params: { path: { webhook_id: webhookId } }, body }),
  );
  const what = [
    ...(events > 0 ? [counted(events, 'event')] : []),
    ...(changes > 0 ? [counted(changes, 'change')] : []),
  ];
  const sum = what.length > 0 ? what.join(' and ') : 'Pending deliveries';
  showToast(`${sum} of ${counted(conversations, 'conversation')} are attempted now.`);
}

/** The same for a button: a failure is shown as a message. */
export async function redeliverNow(webhookId: string, body?: Schemas['RedeliveryRequest']): Promise<void> {
  try {
    await redeliver(webhookId, body);
  } catch (error) {
    showToast(messageOf(error), { kind: 'error' });
  }
}
