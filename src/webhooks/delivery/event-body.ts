import { withNulls } from '../../events/index.js';
import { isJsonObject } from '../../json/index.js';

/**
 * The body of a delivery: a JSON array of events, including null fields. Contains as many lines as fit into
 * `maxBytes`, at least one.
 */
export function eventBody(lines: readonly string[], maxBytes: number): { body: string; count: number } {
  const parts: string[] = [];
  let bytes = 1;
  for (const line of lines) {
    const part = addNulls(line);
    bytes += Buffer.byteLength(part) + 1;
    if (parts.length > 0 && bytes > maxBytes) break;
    parts.push(part);
  }
  return { body: `[${parts.join(',')}]`, count: parts.length };
}

function addNulls(line: string): string {
  const event: unknown = JSON.parse(line);
  return isJsonObject(event) ? JSON.stringify(withNulls(event)) : line;
}
