import { asJsonObject, isJsonObject, type JsonObject } from '../../../json/index.js';
import { SIGNATURE_SCHEMES, type SignatureScheme } from '../signatures/signatures.js';

/** The organisation of a server without organisations, as the web UI and the automation service know it. */
export const ORGANISATION = '46d09c5c-7d7d-585f-8c37-a6b45a3de738';

/** A source of events, without its secret. Times are UTC, ISO 8601. */
export interface Webhook {
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Unique; a part of the address that events are sent to. */
  readonly source: string;
  /** An expression for the kind of an event. */
  readonly event_key_expr: string;
  /** The header with the signature of `hmac_sha256_hex`. */
  readonly signature_header: string;
  readonly signature_scheme: SignatureScheme;
  /** The header with the id of a delivery; null: that of the scheme. */
  readonly event_id_header: string | null;
  readonly enabled: boolean;
  readonly created_at: string;
  readonly updated_at: string;
}

/** What may be set about a webhook. */
export type WebhookSettings = Omit<Webhook, 'id' | 'created_at' | 'updated_at'>;

/** A webhook as it is stored. */
export interface StoredWebhook extends Webhook {
  /** A Fernet token. */
  readonly secret: string;
}

/** Reads a stored webhook; undefined if anything in it is not as it should be. */
export function readWebhook(id: string, stored: unknown): StoredWebhook | undefined {
  if (!isJsonObject(stored)) return undefined;
  const fields: JsonObject = asJsonObject(stored);
  const texts = [
    'name',
    'source',
    'event_key_expr',
    'signature_header',
    'created_at',
    'updated_at',
    'secret',
  ];
  const scheme = SIGNATURE_SCHEMES.find((each) => each === fields.signature_scheme);
  if (!scheme || !texts.every((name) => typeof fields[name] === 'string')) return undefined;
  if (typeof fields.enabled !== 'boolean') return undefined;
  const idHeader = fields.event_id_header;
  if (idHeader !== null && typeof idHeader !== 'string') return undefined;
  const text = (name: string) => String(fields[name]);
  return {
    id,
    name: text('name'),
    source: text('source'),
    event_key_expr: text('event_key_expr'),
    signature_header: text('signature_header'),
    signature_scheme: scheme,
    event_id_header: idHeader,
    enabled: fields.enabled,
    created_at: text('created_at'),
    updated_at: text('updated_at'),
    secret: text('secret'),
  };
}
