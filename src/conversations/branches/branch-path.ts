import { isBranchEvent } from '../../agent/agent-view.js';
import { ROOT_PARENT, type DurableEvent } from '../../events/index.js';
import type { EventLog } from '../../storage/index.js';
import { UnknownEventError } from '../conversation-errors.js';
import { parseWithYield } from '../journal/parse-event.js';

/** What is read of a log to follow a branch. */
export type TreeLog = Pick<EventLog, 'length' | 'read' | 'entry' | 'seqOf'>;

/** Lines read at a time on the way back to the root. */
const CHUNK_LINES = 200;

/**
 * The numbers of the events from the root to `head`, in order; state updates are no part of the tree. Where a
 * line of the log cannot be read the chain of parents is broken: then the branch goes on with the event
 * before it, so that the agent does not forget all that was before the damage. Only numbers are kept, however
 * long the log is.
 */
export async function branchPath(log: TreeLog, end: number, head: string | null): Promise<number[]> {
  if (head === null) return [];
  const window = new LineWindow(log, end);
  const path: number[] = [];
  for (let seq = headSeq(log, end, head); seq >= 0;) {
    const event = await window.event(seq);
    const inTree = event !== undefined && isBranchEvent(event);
    if (inTree) path.push(seq);
    if (inTree && event.parent_id === ROOT_PARENT) break;
    const parent = event?.parent_id === undefined ? undefined : log.seqOf(event.parent_id);
    seq = parent !== undefined && parent < seq ? parent : seq - 1;
  }
  return path.reverse();
}

/** The head, or where its line cannot be read the last event that could be one. */
function headSeq(log: TreeLog, end: number, head: string): number {
  const seq = log.seqOf(head);
  return seq !== undefined && seq < end ? seq : end - 1;
}

/**
 * The event of the tree that an id stands for: of a state update the one that was the head when it came.
 * @throws UnknownEventError
 */
export async function treeEvent(log: TreeLog, end: number, eventId: string): Promise<string | null> {
  const seq = log.seqOf(eventId);
  if (seq === undefined || seq >= end) throw new UnknownEventError('event_id', eventId);
  const event = await new LineWindow(log, end).event(seq);
  if (!event || isBranchEvent(event)) return eventId;
  return event.parent_id === undefined || event.parent_id === ROOT_PARENT ? null : event.parent_id;
}

/** The number of the system prompt, if the log has one: it stands near the start. */
export function systemPromptSeq(log: Pick<EventLog, 'entry'>, end: number): number | undefined {
  for (let seq = 0; seq < end; seq++) if (log.entry(seq).kind === 'SystemPromptEvent') return seq;
  return undefined;
}

/** A few lines of a log that is read from its end to its start. */
class LineWindow {
  private from = 0;
  private lines: string[] = [];

  constructor(
    private readonly log: TreeLog,
    private readonly end: number,
  ) {}

  async event(seq: number): Promise<DurableEvent | undefined> {
    if (seq < this.from || seq >= this.from + this.lines.length) {
      this.from = Math.max(0, seq - CHUNK_LINES + 1);
      this.lines = await this.log.read(this.from, Math.min(seq + 1, this.end) - this.from);
    }
    return parseWithYield(this.lines[seq - this.from] ?? '');
  }
}
