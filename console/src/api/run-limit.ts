/** For requests that start a run: a person who starts one rather waits for a free slot than tries again. */
export const WAIT_FOR_SLOT = { query: { on_limit: 'wait' } } as const;
