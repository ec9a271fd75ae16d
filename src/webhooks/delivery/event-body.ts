import { withNulls } from '../../events/with-nulls.js';

/**
 * The body of a delivery: a JSON array of events with their nulls. As many of the lines as fit into
 * `maxBytes`, at least one.
 */
export function eventBody(lines: readonly string[], maxBytes: number): { body: string; count: number } {
  const parts: string[] = [];
  let bytes = 1;
  for (const line of lines) {
    const part = restored(line);
    bytes += Buffer.byteLength(part) + 1;
    if (parts.length > 0 && bytes > maxBytes) break;
    parts.push(part);
  }
  return { body: `[${parts.join(',')}]`, count: parts.length };
}

function restored(line: string): string {
  const event: unknown = JSON.parse(line);
  if (typeof event !== 'object' || event === null) return line;
  return JSON.stringify(withNulls(Object.fromEntries(Object.entries(event))));
}
