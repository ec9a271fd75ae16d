import { type KeyReach, type KeyScope, REACHES, SCOPES } from '../../auth/index.js';
import {
  choice,
  decimal,
  documentSchemas,
  Field,
  type FieldType,
  integer,
  type JsonSchema,
  model,
  NoOtherFields,
  nullable,
  objectSchema,
  refTo,
  text,
} from '../../http/index.js';

/** Names that the routes of keys use otherwise: for the key of the request, and ids. */
const RESERVED = /^(current|session|[0-9a-f]{16})$/i;
/** A time with a zone: without one, servers in other zones would disagree. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

const name: FieldType = text({
  min: 1,
  max: 64,
  pattern: /^[A-Za-z0-9][A-Za-z0-9 ._@-]*$/,
  check: (value) => (RESERVED.test(value) ? 'this name is reserved' : undefined),
});

const expiry: FieldType = {
  ...text({
    max: 40,
    check: (value) => {
      if (!TIME.test(value) || Number.isNaN(Date.parse(value)))
        return 'a time with a zone is expected, such as 2030-01-31T12:00:00Z';
      return Date.parse(value) > Date.now() ? undefined : 'the time is over already';
    },
  }),
  schema: () => ({ type: 'string', format: 'date-time' }),
};

const count = nullable(integer({ ge: 1, le: 1_000_000_000 }));

/** The limits of a key. */
@NoOtherFields()
export class KeyLimitsDto {
  @Field(count, 'Requests in a minute; null: that of `key_limits` in the configuration, by default none.')
  requests_per_minute: number | null = null;

  @Field(count, 'Open sockets; null: that of `key_limits` in the configuration, by default none.')
  sockets: number | null = null;

  @Field(count, 'Runs at the same time; null: that of `key_limits` in the configuration, by default none.')
  concurrent_runs: number | null = null;

  @Field(
    count,
    'Conversations that are created in a day (UTC); null: that of `key_limits` in the configuration, by default none.',
  )
  conversations_per_day: number | null = null;

  @Field(
    nullable(decimal({ gt: 0, le: 1_000_000_000 })),
    'Cost of models in a day (UTC, US dollars); null: that of `key_limits` in the configuration, by default none.',
  )
  usd_per_day: number | null = null;

  @Field(
    nullable(decimal({ gt: 0, le: 1_000_000_000 })),
    'Cost of models in a month (UTC, US dollars); null: that of `key_limits` in the configuration, by default none.',
  )
  usd_per_month: number | null = null;
}

/** The key to make. */
@NoOtherFields()
export class CreateKeyRequestDto {
  @Field(
    name,
    'Name for people, unique: letters, digits, spaces and `._@-`. It is shown wherever the key acts.',
  )
  name!: string;

  @Field(
    choice(SCOPES),
    'What the key may do. `read`: look. `write`: work with agents, too. `admin`: everything, with settings, secrets, ' +
      'keys, and files and commands of the whole machine.',
  )
  scope!: KeyScope;

  @Field(
    choice(REACHES),
    'Whose conversations the key sees. `all`: all. `own`: those that were created with it; others do not exist for it.',
  )
  reach: KeyReach = 'all';

  @Field(nullable(expiry), 'Time from which on the key is not accepted any more, with its zone; null: never.')
  expires_at: string | null = null;

  @Field(model(KeyLimitsDto), 'How much the key may use.')
  limits: KeyLimitsDto = new KeyLimitsDto();
}

/** What to change about a key. */
@NoOtherFields()
export class UpdateKeyRequestDto {
  @Field(name, 'The new name; absent: unchanged.', { optional: true })
  name?: string;

  @Field(nullable(expiry), 'The new end, with its zone; null: never; absent: unchanged.', { optional: true })
  expires_at?: string | null;

  @Field(model(KeyLimitsDto), 'All limits anew; absent: unchanged.', { optional: true })
  limits?: KeyLimitsDto;
}

const time = { type: 'string', format: 'date-time' };
const timeOrNull = { anyOf: [time, { type: 'null' }] };

/** The fields of a key in answers. */
function keyFields(): Record<string, [JsonSchema, string]> {
  return {
    id: [{ type: 'string' }, 'Id of the key: 16 hexadecimal digits, which are also in its text.'],
    name: [{ type: 'string' }, 'Name for people.'],
    scope: [{ type: 'string', enum: [...SCOPES] }, 'What the key may do.'],
    reach: [{ type: 'string', enum: [...REACHES] }, 'Whose conversations the key sees.'],
    created_at: [time, 'When the key was made.'],
    expires_at: [timeOrNull, 'From when on it is not accepted any more; null: never.'],
    last_used_at: [timeOrNull, 'When it was used last, to about ten minutes; null: never.'],
    limits: [{ $ref: refTo(KeyLimitsDto) }, 'How much the key may use.'],
  };
}

documentSchemas(() =>
  Promise.resolve({
    ApiKey: objectSchema(keyFields()),
    NewApiKey: objectSchema({
      ...keyFields(),
      key: [{ type: 'string' }, 'The key itself. It is shown this once, and cannot be recovered.'],
    }),
    ApiKeyList: objectSchema({
      keys: [
        { type: 'array', items: { $ref: '#/components/schemas/ApiKey' } },
        'All named keys, the oldest first. Expired ones are among them.',
      ],
    }),
    CurrentKey: objectSchema({
      id: [{ type: 'string' }, 'Id of the key; `session` for a session key, and where no key is needed.'],
      name: [{ type: 'string' }, 'Name of the key for people.'],
      scope: [{ type: 'string', enum: [...SCOPES] }, 'What the key may do.'],
      reach: [{ type: 'string', enum: [...REACHES] }, 'Whose conversations the key sees.'],
    }),
  }),
);
