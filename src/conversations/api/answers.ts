import type { JsonObject } from '../../json/index.js';
import type { QueuePlace } from '../runs/queue/queued-run.js';

/** The answer to requests that change something. */
export const SUCCESS = { success: true } as const;

/** That answer in the API document. */
export const DONE = { 200: { description: 'The request was carried out.', schema: 'Success' } };

/** What leads to 429 where a run starts. */
export const RUN_LIMIT =
  'The maximum number of runs is active, and the run is not to wait, or too many wait already.';

/** The answer to a request that starts a run, or has it wait. */
export function startedRun(queued: QueuePlace | undefined): JsonObject {
  return queued ? { ...SUCCESS, queued_run: queued } : { ...SUCCESS };
}

/** That answer in the API document. */
export const RUN_STARTED = {
  200: {
    description: 'The request was carried out. With `queued_run` the run waits for its turn.',
    schema: 'RunStarted',
  },
};
