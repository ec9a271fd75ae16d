import { type DescribedField, type JsonSchema, objectSchema } from '../http/index.js';

/**
 * The state of one webhook in the API. What was delivered and what failed is counted by each server since its
 * start; what is pending is that of all servers of one database.
 */
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
  oldest_pending_at: string | null;
  requests_in_flight: number;
  dropped_changes: number;
  last_success_at: string | null;
  last_error: FailedRequest | null;
  next_attempt_at: string | null;
}

/** A failed request to a receiver. */
export interface FailedRequest {
  at: string;
  reason: string;
  status: number | null;
  conversation_id: string;
  attempt: number;
  dropped: boolean;
}

/** The pending deliveries of one conversation. */
export interface LaneStatus {
  conversation_id: string;
  kind: 'events' | 'changes';
  state: 'sending' | 'retrying' | 'waiting' | 'elsewhere';
  pending: number;
  oldest_pending_at: string | null;
  delivered_events: number | null;
  failed_attempts: number;
  next_attempt_at: string | null;
  last_error: FailedRequest | null;
}

/** What waits for a receiver. */
export interface Backlog {
  conversations: number;
  events: number;
  changes: number;
}

/** A webhook with its lanes and its last errors. */
export interface WebhookDetails extends WebhookStatus {
  lanes: LaneStatus[];
  lanes_total: number;
  recent_errors: FailedRequest[];
}

const text: JsonSchema = { type: 'string' };
const moment: JsonSchema = { type: 'string', format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

const STATUS = {
  id: [text, 'Identifies the webhook. Stable across restarts.'],
  name: [orNull(text), 'Name in the configuration; null if it has none.'],
  url: [text, 'Address that deliveries go to, without user name, password and query.'],
  method: [text, 'HTTP method of the deliveries.'],
  signed: [{ type: 'boolean' }, 'Whether deliveries are signed.'],
  delivered_events: [count, 'Events that this server delivered since it started.'],
  delivered_requests: [count, 'Successful requests of this server since it started.'],
  failed_requests: [count, 'Failed requests of this server since it started. They are retried.'],
  pending_events: [count, 'Pending events of all servers, as far as known.'],
  pending_changes: [count, 'Pending changes of conversations, of all servers.'],
  pending_conversations: [count, 'Conversations with pending deliveries, of all servers.'],
  oldest_pending_at: [
    orNull(moment),
    'Since when the oldest pending delivery waits, in UTC; null if nothing waits or its time is not known yet.',
  ],
  requests_in_flight: [count, 'Lanes that this server is delivering at this moment.'],
  dropped_changes: [
    count,
    'Changes that this server gave up since it started, because the receiver rejected them.',
  ],
  last_success_at: [
    orNull(moment),
    'Time of the last successful request of this server in UTC; null if there is none yet.',
  ],
  last_error: [
    orNull({ $ref: '#/components/schemas/WebhookFailedRequest' }),
    'The last failed request of this server since it started; null if none has failed.',
  ],
  next_attempt_at: [
    orNull(moment),
    'Time of the next attempt of this server after a failure in UTC; null if no attempt waits.',
  ],
} satisfies Record<keyof WebhookStatus, DescribedField>;

/** Schemas for the API document. */
export function webhookSchemas(): Record<string, JsonSchema> {
  return {
    WebhookStatus: objectSchema(STATUS),
    WebhookFailedRequest: objectSchema({
      at: [moment, 'Time of the failed request in UTC.'],
      reason: [text, 'Why it failed: the status of the answer, or the error of the connection.'],
      status: [orNull({ type: 'integer' }), 'Status of the answer; null if there was none.'],
      conversation_id: [text, 'The conversation whose events or change were sent.'],
      attempt: [count, 'Number of failed attempts in a row of this lane, with this one.'],
      dropped: [{ type: 'boolean' }, 'Whether the delivery was given up. Events are never given up.'],
    } satisfies Record<keyof FailedRequest, DescribedField>),
    WebhookLane: objectSchema({
      conversation_id: [text, 'Whose deliveries the lane has.'],
      kind: [{ type: 'string', enum: ['events', 'changes'] }, 'Events of the conversation, or its changes.'],
      state: [
        { type: 'string', enum: ['sending', 'retrying', 'waiting', 'elsewhere'] },
        '`sending`: a request is in flight. `retrying`: the last attempt failed. `waiting`: for further events, or its turn. ' +
          '`elsewhere`: another server of the database delivers it and knows more.',
      ],
      pending: [count, 'Pending items, as far as known.'],
      oldest_pending_at: [
        orNull(moment),
        'Since when the oldest of them waits, in UTC; null if it is not known yet.',
      ],
      delivered_events: [
        orNull(count),
        'Position in the log: number of delivered events. Null for changes, and until the log was read.',
      ],
      failed_attempts: [count, 'Failed attempts in a row.'],
      next_attempt_at: [
        orNull(moment),
        'Time of the next attempt in UTC; null while a request is in flight, and if another server delivers.',
      ],
      last_error: [
        orNull({ $ref: '#/components/schemas/WebhookFailedRequest' }),
        'The last failed attempt since a delivery of the lane succeeded; null if none has failed.',
      ],
    } satisfies Record<keyof LaneStatus, DescribedField>),
    WebhookDetails: objectSchema({
      ...STATUS,
      lanes: [
        { type: 'array', items: { $ref: '#/components/schemas/WebhookLane' } },
        'Conversations with pending deliveries: those that fail first, then those that wait longest; at most 100.',
      ],
      lanes_total: [count, 'Number of all of them.'],
      recent_errors: [
        { type: 'array', items: { $ref: '#/components/schemas/WebhookFailedRequest' } },
        'The last failed requests of this server, newest first; at most 20.',
      ],
    } satisfies Record<keyof WebhookDetails, DescribedField>),
    WebhookBacklog: objectSchema({
      conversations: [count, 'Conversations with pending deliveries.'],
      events: [count, 'Pending events, as far as known.'],
      changes: [count, 'Pending changes of conversations.'],
    } satisfies Record<keyof Backlog, DescribedField>),
  };
}
