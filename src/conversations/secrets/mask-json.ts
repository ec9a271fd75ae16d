import { parseShallow } from '../../text/index.js';

/**
 * JSON without secrets, also in strings that are JSON themselves, where a secret may be written otherwise.
 */
export function maskJson(value: unknown, mask: (text: string) => string): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (typeof field !== 'string') return field;
    const inner = /^\s*[{[]/.test(field) ? tryParse(field) : undefined;
    return mask(inner === undefined ? field : maskJson(inner, mask));
  });
}

function tryParse(text: string): unknown {
  try {
    return parseShallow(text);
  } catch {
    return undefined;
  }
}
