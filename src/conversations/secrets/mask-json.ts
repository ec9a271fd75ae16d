import { parseShallow } from '../../text/index.js';

/**
 * JSON without secrets, also in strings that are JSON themselves, where a secret may be written otherwise.
 */
export function maskedJson(value: unknown, mask: (text: string) => string): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (typeof field !== 'string') return field;
    const inner = /^\s*[{[]/.test(field) ? parsed(field) : undefined;
    return mask(inner === undefined ? field : maskedJson(inner, mask));
  });
}

function parsed(text: string): unknown {
  try {
    return parseShallow(text);
  } catch {
    return undefined;
  }
}
