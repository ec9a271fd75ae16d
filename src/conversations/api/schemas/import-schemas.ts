import { objectSchema, type JsonSchema } from '../../../http/index.js';
import { list, orNull, ref, words } from './schema-parts.js';

const texts = list({ type: 'string' });

/** Schemas of imports. */
export function importSchemas(): Record<string, JsonSchema> {
  return {
    ImportedConversation: objectSchema({
      outcome: [
        words('imported', 'same'),
        '`imported`: it is new here. `same`: a conversation with these events was here already, and is unchanged.',
      ],
      conversation: [orNull(ref('ConversationInfo')), 'The conversation; null if nothing was to be written.'],
      events: [{ type: 'integer', minimum: 0 }, 'How many events the archive has.'],
      report: [ref('ImportReport'), 'What was found in the archive.'],
    }),
    ImportReport: objectSchema({
      problems: [texts, 'What could not be read, or is not as it should be, for people; at most 100.'],
      lost_secrets: [texts, 'Secrets without a value, as JSON pointers with the reason; at most 100.'],
      changes: [texts, 'What is different here, for people; at most 100.'],
    }),
  };
}
