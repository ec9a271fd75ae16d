import type { JsonObject } from '../../json/index.js';
import type { Problem } from './problem.js';

/** Bounds of a number. */
export interface Range {
  ge?: number;
  gt?: number;
  le?: number;
  lt?: number;
}

/** The bound that a number exceeds, as a problem; empty when it is within all of them. */
export function outOfRange(value: number, { ge, gt, le, lt }: Range): Problem[] {
  const say = (type: string, words: string, limit: Range): Problem[] => [
    { type, msg: `Input should be ${words} ${Object.values(limit).join('')}`, ctx: { ...limit } },
  ];
  if (ge !== undefined && !(value >= ge))
    return say('greater_than_equal', 'greater than or equal to', { ge });
  if (gt !== undefined && !(value > gt)) return say('greater_than', 'greater than', { gt });
  if (le !== undefined && !(value <= le)) return say('less_than_equal', 'less than or equal to', { le });
  if (lt !== undefined && !(value < lt)) return say('less_than', 'less than', { lt });
  return [];
}

/** The bounds as keywords of a JSON schema. */
export function rangeSchema({ ge, gt, le, lt }: Range): JsonObject {
  return {
    ...(ge !== undefined && { minimum: ge }),
    ...(gt !== undefined && { exclusiveMinimum: gt }),
    ...(le !== undefined && { maximum: le }),
    ...(lt !== undefined && { exclusiveMaximum: lt }),
  };
}
