/** What stands in place of a secret that must not be seen. */
export const MASK = '**********';
