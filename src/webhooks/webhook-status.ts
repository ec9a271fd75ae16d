import type { JsonSchema } from '../http/validation/field-type.js';

/** The state of one webhook, as the API tells it. Counts are of this server and since it started. */
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
      id: { ...text, description: 'The same after a restart.' },
      name: orNull(text),
      url: { ...text, description: 'Without user, password and query.' },
      method: text,
      signed: { type: 'boolean', description: 'A secret is configured.' },
      delivered_events: count('Events that the receiver took since the server started.'),
      delivered_requests: count('Requests that the receiver took since the server started.'),
      failed_requests: count('Requests that were in vain since the server started; each is made again.'),
      pending_events: count('Events that wait, as far as their logs were looked at.'),
      pending_changes: count('Changes of conversations that wait.'),
      pending_conversations: count('Conversations of which something waits.'),
      last_success_at: orNull(moment),
      last_error: orNull(object({ at: moment, reason: text })),
      next_attempt_at: orNull(moment),
    } satisfies Record<keyof WebhookStatus, JsonSchema>),
  };
}
