/** Replaces secrets in output. */
export const MASK = '**********';
