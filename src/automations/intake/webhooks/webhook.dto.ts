import {
  choice,
  documentSchemas,
  Field,
  type FieldType,
  flag,
  integer,
  type JsonSchema,
  NoOtherFields,
  nullable,
  objectSchema,
  text,
} from '../../../http/index.js';
import { EventExpression, ExpressionError, MAX_EXPRESSION } from '../../filters/index.js';
import { SIGNATURE_SCHEMES, type SignatureScheme } from '../signatures/signatures.js';

const header: FieldType = text({ min: 1, max: 100, pattern: /^[A-Za-z][A-Za-z0-9-]*$/ });
const name: FieldType = text({ min: 1, max: 200 });
const scheme: FieldType = choice(SIGNATURE_SCHEMES);
const expression: FieldType = text({
  min: 1,
  max: MAX_EXPRESSION,
  check: (value) => {
    try {
      EventExpression.parse(value);
      return undefined;
    } catch (error) {
      if (error instanceof ExpressionError) return `Invalid JMESPath expression: ${error.message}`;
      throw error;
    }
  },
});

const KEY_TEXT = 'JMESPath expression over the payload whose value is the kind of the event, such as `type`.';
const SCHEME_TEXT =
  'How deliveries are signed. `hmac_sha256_hex`: HMAC-SHA256 of the body in hexadecimal digits, in the header ' +
  '`signature_header`. `standard_webhooks`: https://www.standardwebhooks.com. `slack_v0`: as Slack signs. `github`: ' +
  "GitHub's own deliveries. `gitlab`: GitLab's own, by secret or signing token.";
const HEADER_TEXT = 'Header with the signature, for `hmac_sha256_hex`.';
const ID_TEXT =
  'Header with an id that is the same in each redelivery; an event with a known id starts nothing. Null: the one of ' +
  'the scheme, if it has one.';

/** The source to make. */
@NoOtherFields()
export class CreateWebhookRequestDto {
  @Field(name, 'Name for people.')
  name!: string;

  @Field(
    text({ min: 1, max: 50, pattern: /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/ }),
    'Name of the source in triggers and in the address of deliveries: small letters, digits and hyphens. Unique.',
  )
  source!: string;

  @Field(expression, `${KEY_TEXT} Of GitHub and GitLab the server knows it.`)
  event_key_expr = 'type';

  @Field(header, HEADER_TEXT)
  signature_header = 'X-Signature-256';

  @Field(scheme, SCHEME_TEXT)
  signature_scheme: SignatureScheme = 'hmac_sha256_hex';

  @Field(nullable(header), ID_TEXT)
  event_id_header: string | null = null;

  @Field(
    nullable(text({ min: 8, max: 255, secret: true })),
    'The secret that the sender signs with, if it chooses one; null: the server makes one, which is shown once.',
  )
  webhook_secret: string | null = null;
}

/** What to change about a source. Its name in addresses stays. */
@NoOtherFields()
export class UpdateWebhookRequestDto {
  @Field(name, 'The new name; absent: unchanged.', { optional: true })
  name?: string;

  @Field(expression, `${KEY_TEXT} Absent: unchanged.`, { optional: true })
  event_key_expr?: string;

  @Field(header, `${HEADER_TEXT} Absent: unchanged.`, { optional: true })
  signature_header?: string;

  @Field(scheme, 'How deliveries are signed; absent: unchanged.', { optional: true })
  signature_scheme?: SignatureScheme;

  @Field(nullable(header), `${ID_TEXT} Absent: unchanged.`, { optional: true })
  event_id_header?: string | null;

  @Field(flag(), 'Whether events are accepted; absent: unchanged.', { optional: true })
  enabled?: boolean;
}

/** The page of webhooks. */
export class WebhooksQueryDto {
  @Field(integer({ ge: 1, le: 1_000 }), 'Maximum number of webhooks.')
  limit = 50;

  @Field(integer({ ge: 0, le: 1_000_000 }), 'How many to leave out first.')
  offset = 0;
}

const time: JsonSchema = { type: 'string', format: 'date-time' };
const string: JsonSchema = { type: 'string' };

function webhookFields(): Record<string, [JsonSchema, string]> {
  return {
    id: [{ type: 'string', format: 'uuid' }, 'Id of the webhook.'],
    org_id: [{ type: 'string', format: 'uuid' }, 'The organisation in the address: the same for all.'],
    name: [string, 'Name for people.'],
    source: [string, 'Name of the source in triggers.'],
    webhook_url: [string, 'Address to send events to.'],
    event_key_expr: [string, KEY_TEXT],
    signature_header: [string, HEADER_TEXT],
    signature_scheme: [{ type: 'string', enum: [...SIGNATURE_SCHEMES] }, 'How deliveries are signed.'],
    event_id_header: [{ anyOf: [string, { type: 'null' }] }, ID_TEXT],
    enabled: [{ type: 'boolean' }, 'Whether events are accepted.'],
    created_at: [time, 'When it was made.'],
    updated_at: [time, 'When it was changed last.'],
  };
}

documentSchemas(() =>
  Promise.resolve({
    AutomationWebhook: objectSchema(webhookFields()),
    NewAutomationWebhook: objectSchema({
      ...webhookFields(),
      webhook_secret: [
        { anyOf: [string, { type: 'null' }] },
        'The secret that the server has made. It is shown this once. Null: the request had one.',
      ],
    }),
    AutomationWebhookList: objectSchema({
      webhooks: [
        { type: 'array', items: { $ref: '#/components/schemas/AutomationWebhook' } },
        'The webhooks of the page, the newest first.',
      ],
      total: [{ type: 'integer' }, 'How many there are in all.'],
    }),
    AutomationWebhookSecret: objectSchema({
      webhook_secret: [string, 'The new secret. It is shown this once; the old one is refused from now on.'],
    }),
  }),
);
