import { type DescribedField, type JsonSchema, objectSchema } from '../http/index.js';
import { AUDIT_OUTCOMES, type AuditEntry } from '../storage/index.js';

/** The answer of `GET /api/audit`. */
export interface AuditAnswer {
  items: AuditEntry[];
  next_page_id: string | null;
}

const text: JsonSchema = { type: 'string' };
const textOrNull: JsonSchema = { type: ['string', 'null'] };
const count: JsonSchema = { type: 'integer', minimum: 0 };

/** Schemas for the API document. */
export function auditSchemas(): Record<string, JsonSchema> {
  return {
    AuditEntry: objectSchema({
      id: [{ type: 'string', format: 'uuid' }, 'Names the entry.'],
      time: [{ type: 'string', format: 'date-time' }, 'When it began, in UTC.'],
      key_id: [textOrNull, 'Id of the key; `session` for the session key, null without a valid key.'],
      key_name: [textOrNull, 'Name of the key at that time; null without a valid key.'],
      address: [textOrNull, 'Address of the client; null if it is unknown, or if there were several.'],
      operation: [
        text,
        '`operationId` of the API document, or a name such as `Socket_message`; `several` for refusals of several operations.',
      ],
      conversation_id: [textOrNull, 'The conversation that it concerned; null if it concerned none.'],
      outcome: [
        { type: 'string', enum: [...AUDIT_OUTCOMES] },
        '`done`; `refused` for its key, its rights, or a limit; `failed` for another reason.',
      ],
      status: [
        { type: ['integer', 'null'] },
        'Status of the answer, for sockets what it would have been; null if the client left before, or if there were several.',
      ],
      duration_ms: [count, 'Milliseconds from the request to the end of its answer.'],
      count: [
        { type: 'integer', minimum: 1 },
        'How many equal refusals the entry stands for. The first is an entry of its own, the others of a minute are one.',
      ],
    } satisfies Record<keyof AuditEntry, DescribedField>),
    AuditPage: objectSchema({
      items: [
        { type: 'array', items: { $ref: '#/components/schemas/AuditEntry' } },
        'The entries, newest first.',
      ],
      next_page_id: [textOrNull, 'Leads to the next page; null on the last one.'],
    } satisfies Record<keyof AuditAnswer, DescribedField>),
  };
}
