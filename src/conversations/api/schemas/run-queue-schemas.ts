import { objectSchema, type JsonSchema } from '../../../http/index.js';
import { MAX_PRIORITY, MIN_PRIORITY } from '../../runs/queue/queued-run.js';
import { list, orNull, ref, words } from './schema-parts.js';

/** Schemas of runs that wait for a free slot. */
export function runQueueSchemas(): Record<string, JsonSchema> {
  return {
    QueuedRun: objectSchema({
      conversation_id: [{ type: 'string', format: 'uuid' }, 'The conversation whose run waits.'],
      priority: [
        { type: 'integer', minimum: MIN_PRIORITY, maximum: MAX_PRIORITY },
        'A higher number starts before others of the same key.',
      ],
      queued_at: [{ type: 'string', format: 'date-time' }, 'Since when it waits.'],
      place: [
        orNull({ type: 'integer', minimum: 1 }),
        '1 for the run that starts next on its server. Null: it waits on another server.',
      ],
      waits_for: [
        words('server', 'key'),
        'What has to end first: any run of the server, or another run of the same key.',
      ],
    }),
    RunQueue: objectSchema({
      items: [list(ref('QueuedRun')), 'The runs in their order; those of other servers last.'],
      total: [{ type: 'integer', minimum: 0 }, 'How many wait.'],
    }),
    RunStarted: {
      type: 'object',
      required: ['success'],
      properties: {
        success: {
          type: 'boolean',
          default: true,
          description: 'Always true: a request that fails is answered with an error.',
        },
        queued_run: { ...ref('QueuedRun'), description: 'Only if the run waits: its place.' },
      },
    },
  };
}
