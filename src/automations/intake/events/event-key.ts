import { createHash } from 'node:crypto';
import { isJsonObject } from '../../../json/index.js';
import { EventExpression } from '../../filters/index.js';
import type { Delivery, SignatureScheme } from '../signatures/signatures.js';

/** The longest key of an event, and id of a delivery (characters). Longer ones count as none. */
const MAX_KEY = 500;

/** What identifies the kind of an event, and its delivery. */
export interface EventIdentity {
  /** Such as `push` or `pull_request.opened`; undefined: the event cannot be told apart from others. */
  key: string | undefined;
  /** The same in each redelivery; undefined: the sender tells none. */
  deliveryId: string | undefined;
}

/** How a source tells the kinds of its events. */
export interface IdentityRule {
  scheme: SignatureScheme;
  /** An expression over the payload. */
  eventKeyExpr: string;
  /** The header with the id of a delivery; null: the one of the scheme, if it has one. */
  eventIdHeader: string | null;
}

/** Reads the key of an event, and the id of its delivery. */
export function identify(rule: IdentityRule, payload: unknown, header: Delivery['header']): EventIdentity {
  const own = rule.eventIdHeader === null ? undefined : header(rule.eventIdHeader);
  const id = bounded(own) ?? bounded(deliveryOf(rule.scheme, payload, header));
  return { key: bounded(keyOf(rule, payload, header)), deliveryId: id };
}

function keyOf(rule: IdentityRule, payload: unknown, header: Delivery['header']): unknown {
  if (rule.scheme === 'github') return withAction(header('x-github-event'), valueAt(payload, 'action'));
  if (rule.scheme === 'gitlab') {
    const action = valueAt(valueAt(payload, 'object_attributes'), 'action');
    return withAction(valueAt(payload, 'object_kind') ?? valueAt(payload, 'event_name'), action);
  }
  try {
    return EventExpression.parse(rule.eventKeyExpr).evaluate(payload);
  } catch {
    // An event of another form has no key.
    return undefined;
  }
}

function deliveryOf(scheme: SignatureScheme, payload: unknown, header: Delivery['header']): unknown {
  switch (scheme) {
    case 'hmac_sha256_hex':
      return undefined;
    case 'standard_webhooks':
      return header('webhook-id');
    case 'slack_v0':
      // What is sent again has the id of the event; what somebody repeats has the same signature.
      return valueAt(payload, 'event_id') ?? digestOf(header('x-slack-signature'));
    case 'github':
      return header('x-github-delivery');
    case 'gitlab':
      return header('webhook-id') ?? header('idempotency-key');
  }
}

function withAction(event: unknown, action: unknown): unknown {
  if (typeof event !== 'string' || event === '') return undefined;
  return typeof action === 'string' && action !== '' ? `${event}.${action}` : event;
}

function valueAt(value: unknown, field: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, field) ? value[field] : undefined;
}

function digestOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : createHash('sha256').update(text).digest('hex');
}

function bounded(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_KEY ? value : undefined;
}
