import type { JsonSchema } from '../http/index.js';

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
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });
const count = (description: string): JsonSchema => ({ type: 'integer', minimum: 0, description });
const object = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});

/** Schemas for the API document. */
export function webhookSchemas(): Record<string, JsonSchema> {
  return {
    WebhookStatus: object({
      id: { ...text, description: 'Stable across restarts.' },
      name: orNull(text),
      url: { ...text, description: 'Without user name, password and query.' },
      method: text,
      signed: { type: 'boolean', description: 'Whether deliveries are signed.' },
      delivered_events: count('Events delivered since the server started.'),
      delivered_requests: count('Successful requests since the server started.'),
      failed_requests: count('Failed requests since the server started. They are retried.'),
      pending_events: count('Pending events, as far as known.'),
      pending_changes: count('Pending changes of conversations.'),
      pending_conversations: count('Conversations with pending deliveries.'),
      last_success_at: orNull(moment),
      last_error: orNull(object({ at: moment, reason: text })),
      next_attempt_at: orNull(moment),
    } satisfies Record<keyof WebhookStatus, JsonSchema>),
  };
}
