import { type DescribedField, type JsonSchema, objectSchema } from '../http/index.js';

/** The state of one webhook in the API. Counts are those of this server since its start. */
export interface WebhookStatus {
  id: string;
  name: string | null;
  url: string;
  method: string;
  signed: boolean;
  delivered_events: number;
  delivered_requests: number;
  failed_requests: number;
  pending_events: number;
  pending_changes: number;
  pending_conversations: number;
  last_success_at: string | null;
  last_error: { at: string; reason: string } | null;
  next_attempt_at: string | null;
}

const text: JsonSchema = { type: 'string' };
const moment: JsonSchema = { type: 'string', format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

/** Schemas for the API document. */
export function webhookSchemas(): Record<string, JsonSchema> {
  return {
    WebhookStatus: objectSchema({
      id: [text, 'Identifies the webhook. Stable across restarts.'],
      name: [orNull(text), 'Name in the configuration; null if it has none.'],
      url: [text, 'Address that deliveries go to, without user name, password and query.'],
      method: [text, 'HTTP method of the deliveries.'],
      signed: [{ type: 'boolean' }, 'Whether deliveries are signed.'],
      delivered_events: [count, 'Events delivered since the server started.'],
      delivered_requests: [count, 'Successful requests since the server started.'],
      failed_requests: [count, 'Failed requests since the server started. They are retried.'],
      pending_events: [count, 'Pending events, as far as known.'],
      pending_changes: [count, 'Pending changes of conversations.'],
      pending_conversations: [count, 'Conversations with pending deliveries.'],
      last_success_at: [
        orNull(moment),
        'Time of the last successful request in UTC; null if there is none yet.',
      ],
      last_error: [
        orNull(
          objectSchema({
            at: [moment, 'Time of the failed request in UTC.'],
            reason: [text, 'Why it failed: the status of the answer, or the error of the connection.'],
          }),
        ),
        'The last failed request since the server started; null if none has failed.',
      ],
      next_attempt_at: [
        orNull(moment),
        'Time of the next attempt after a failure in UTC; null if no attempt waits.',
      ],
    } satisfies Record<keyof WebhookStatus, DescribedField>),
  };
}
