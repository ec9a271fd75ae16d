/** What stands in the place of a stored secret, in answers and in requests that keep it. */
export const MASK = '**********';
