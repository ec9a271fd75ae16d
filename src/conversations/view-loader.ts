import { AgentView, isBranchEvent, type BranchEvent } from '../agent/agent-view.js';
import { ROOT_PARENT, type DurableEvent } from '../events/index.js';

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

/**
 * The branch from the root to the head. Where a line of the log cannot be read the chain of parents is broken: then the
 * branch goes on with the event before it, so that the agent does not forget all that was before the damage.
 */
function pathTo(head: string | null, events: ReadonlyMap<string, BranchEvent>): BranchEvent[] {
  const inOrder = [...events.values()];
  const places = new Map(inOrder.map((event, place) => [event.id, place]));
  const path: BranchEvent[] = [];
  let place = head === null ? undefined : places.get(head);
  while (place !== undefined) {
    const event = inOrder[place];
    if (!event) break;
    path.push(event);
    if (event.parent_id === ROOT_PARENT) break;
    const parent = event.parent_id === undefined ? undefined : places.get(event.parent_id);
    place = parent !== undefined && parent < place ? parent : place - 1;
  }
  return path.reverse();
}
