import { type DescribedField, type JsonSchema, objectSchema } from '../http/index.js';
import type { UsageAnswer, UsageSums } from './usage.service.js';

const text: JsonSchema = { type: 'string' };
const textOrNull: JsonSchema = { type: ['string', 'null'] };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const amount: JsonSchema = { type: 'number', minimum: 0 };

const SUMS: Record<keyof UsageSums, DescribedField> = {
  calls: [count, 'Calls of models, failed ones too.'],
  errors: [count, 'Calls that failed after all attempts.'],
  unpriced_calls: [count, 'Answered calls whose cost is unknown: they count as 0 in `cost`.'],
  prompt_tokens: [count, 'Tokens of prompts, with those that were read from or written to a cache.'],
  completion_tokens: [count, 'Tokens of answers, with those of reasoning.'],
  cache_read_tokens: [count, 'Tokens of prompts that the provider had in its cache.'],
  cache_write_tokens: [count, 'Tokens of prompts that the provider has put into its cache.'],
  reasoning_tokens: [count, 'Tokens of answers that nobody sees: those of the thoughts before them.'],
  cost: [amount, 'What the calls have cost, in US dollars.'],
  latency_seconds: [amount, 'Time of all calls together.'],
};

const GROUP: Record<string, DescribedField> = {
  day: [{ type: 'string', format: 'date' }, 'The day in `time_zone`.'],
  model: [text, 'The model that was called.'],
  provider: [text, 'Its provider; empty if it is unknown.'],
  key: [text, 'Id of the key that owns the conversation; `session` if none does.'],
  key_name: [textOrNull, 'Its name; null if the key does not exist any more.'],
  conversation_id: [
    textOrNull,
    'The conversation, which may be deleted; null for calls outside of conversations.',
  ],
  usage_id: [text, 'What the model was called for, as in `stats` of conversations.'],
};

/** Schemas for the API document. */
export function usageSchemas(): Record<string, JsonSchema> {
  const group = objectSchema(GROUP);
  const sums = objectSchema(SUMS);
  return {
    UsageSums: sums,
    UsageItem: {
      allOf: [{ $ref: '#/components/schemas/UsageSums' }],
      type: 'object',
      properties: group['properties'],
      additionalProperties: { type: ['string', 'number', 'null'] },
      description:
        'The sums of a group, with the fields that it is grouped by. `tag:NAME` has the value of that tag.',
    },
    UsageReport: objectSchema({
      group_by: [{ type: 'array', items: text }, 'What the items are grouped by.'],
      time_zone: [text, 'The time zone of days.'],
      from: [{ type: 'string', format: 'date-time' }, 'The first moment that counts, in UTC.'],
      to: [{ type: 'string', format: 'date-time' }, 'The moment that no longer counts, in UTC.'],
      items: [
        { type: 'array', items: { $ref: '#/components/schemas/UsageItem' } },
        'The groups: by day if they have one, those that cost most first.',
      ],
      total: [
        { $ref: '#/components/schemas/UsageSums' },
        'The sums of all groups, also of those that are left out.',
      ],
      truncated: [{ type: 'boolean' }, 'Whether groups are left out: those that cost least.'],
    } satisfies Record<keyof UsageAnswer, DescribedField>),
  };
}
