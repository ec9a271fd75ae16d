import { isJsonObject } from '../../json/index.js';

const MASK = '**********';
/** Objects whose values are taken for secrets, all of them. */
const GROUPS = new Set(['env', 'headers', 'environment']);
const SECRET = /key|secret|token|password|credential|authorization|cookie/i;

/**
 * What a file says, with the values masked that look like secrets: people write keys into files after all.
 */
export function masked(value: unknown, isGroup = false): unknown {
  if (Array.isArray(value)) return value.map((item) => masked(item, isGroup));
  if (isJsonObject(value)) {
    const entries = Object.entries(value);
    return Object.fromEntries(
      entries.map(([key, field]) => [
        key,
        typeof field === 'string' && (isGroup || SECRET.test(key))
          ? MASK
          : masked(field, isGroup || GROUPS.has(key)),
      ]),
    );
  }
  return isGroup && typeof value === 'string' ? MASK : value;
}
