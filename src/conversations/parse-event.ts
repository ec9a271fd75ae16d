import type { DurableEvent } from '../events/index.js';

/** The event of a line; undefined for a line that is not JSON, which the log has reported already. */
export function parseEvent(line: string): DurableEvent | undefined {
  try {
    return JSON.parse(line) as DurableEvent;
  } catch {
    return undefined;
  }
}
