import { AgentView, isBranchEvent, type BranchEvent } from '../agent/agent-view.js';
import type { DurableEvent } from '../events/index.js';

/** Lines read at a time while a view is built. */
const CHUNK = 500;

/** Reads a log up to `end` and keeps the events on the path from the root to `head`. */
export async function loadView(
  readLines: (fromSeq: number, limit: number) => Promise<string[]>,
  end: number,
  head: string | null,
): Promise<AgentView> {
  const events = new Map<string, BranchEvent>();
  for (let seq = 0; seq < end;) {
    const lines = await readLines(seq, Math.min(CHUNK, end - seq));
    if (lines.length === 0) break;
    for (const line of lines) {
      const event = parseEvent(line);
      if (event && isBranchEvent(event)) events.set(event.id, event);
    }
    seq += lines.length;
  }
  const view = new AgentView();
  for (const event of pathTo(head, events)) view.push(event);
  return view;
}

/** The event of a line; undefined for a line that is not JSON, which the log has reported already. */
export function parseEvent(line: string): DurableEvent | undefined {
  try {
    return JSON.parse(line) as DurableEvent;
  } catch {
    return undefined;
  }
}

function pathTo(head: string | null, events: ReadonlyMap<string, BranchEvent>): BranchEvent[] {
  const path: BranchEvent[] = [];
  let at = head === null ? undefined : events.get(head);
  while (at) {
    path.push(at);
    at = at.parent_id === undefined ? undefined : events.get(at.parent_id);
  }
  return path.reverse();
}
