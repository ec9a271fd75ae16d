/** The answer to requests that change something. */
export const SUCCESS = { success: true } as const;

/** That answer in the API document. */
export const DONE = { 200: { description: 'The request was carried out.', schema: 'Success' } };

/** What leads to 429 where a run starts. */
export const RUN_LIMIT = 'The maximum number of runs is active. Repeat the request later.';
