import type { Schemas } from '../../api/client.js';
import type { Tone } from '../../ui/status.js';
import { duration } from '../../ui/time.js';

/** A webhook with its counts. */
export type Webhook = Schemas['WebhookStatus'];

/** How a webhook is doing, in a word. */
export function stateOf(webhook: Webhook): { tone: Tone; label: string } {
  const { last_error, last_success_at, requests_in_flight } = webhook;
  const pending = webhook.pending_conversations > 0;
  const hasFailed = last_error !== null && (last_success_at === null || last_error.at > last_success_at);
  if (pending && hasFailed) return { tone: 'bad', label: 'failing' };
  if (requests_in_flight > 0) return { tone: 'running', label: 'delivering' };
  if (pending) return { tone: 'waiting', label: 'waiting' };
  return last_success_at === null
    ? { tone: 'neutral', label: 'nothing sent yet' }
    : { tone: 'good', label: 'up to date' };
}

/** How long until a moment, or that it is due. */
export function until(at: string, present: number): string {
  const ms = new Date(at).getTime() - present;
  return ms < 1000 ? 'now' : `in ${duration(ms)}`;
}

/** How long something has waited. */
export function waited(since: string, present: number): string {
  return duration(Math.max(0, present - new Date(since).getTime()));
}

/** A count with its noun. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString()} ${noun}${count === 1 ? '' : 's'}`;
}
