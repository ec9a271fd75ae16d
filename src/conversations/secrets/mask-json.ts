import { parseJson } from '../../json/index.js';

/** Serialises a value with masked secrets. Strings that contain JSON are masked inside, too. */
export function maskJson(value: unknown, mask: (text: string) => string): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (typeof field !== 'string') return field;
    const inner = /^\s*[{[]/.test(field) ? tryParse(field) : undefined;
    return mask(inner === undefined ? field : maskJson(inner, mask));
  });
}

function tryParse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
