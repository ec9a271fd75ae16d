import { type DescribedField, type JsonSchema, objectSchema } from '../../http/index.js';
import type { Problem } from '../../logging/index.js';

/** The answer of `GET /api/server/log`. */
export interface RecentLog {
  items: Problem[];
  seen: number;
  kept: number;
}

const text: JsonSchema = { type: 'string' };
const textOrNull: JsonSchema = { type: ['string', 'null'] };
const count: JsonSchema = { type: 'integer', minimum: 0 };

/** Schemas for the API document. */
export function recentLogSchemas(): Record<string, JsonSchema> {
  return {
    LogLine: objectSchema({
      seq: [count, 'Numbers the warnings and errors of the process from 1.'],
      time: [{ type: 'string', format: 'date-time' }, 'Time in UTC.'],
      level: [{ type: 'string', enum: ['warn', 'error', 'fatal'] }, 'Severity of the line.'],
      context: [text, 'Part of the server that logged it.'],
      message: [text, 'What happened. Cut after 4,000 characters.'],
      stack: [textOrNull, 'Stack of the error, cut after 4,000 characters; null if there is none.'],
      request_id: [textOrNull, 'The request that it belongs to, as in `X-Request-ID`; null if to none.'],
      conversation_id: [textOrNull, 'The conversation that the message names; null if it names none.'],
    } satisfies Record<keyof Problem, DescribedField>),
    RecentLog: objectSchema({
      items: [{ type: 'array', items: { $ref: '#/components/schemas/LogLine' } }, 'The lines, oldest first.'],
      seen: [count, 'Warnings and errors since the start of the process.'],
      kept: [count, 'How many of them are kept: at most 500.'],
    } satisfies Record<keyof RecentLog, DescribedField>),
  };
}
