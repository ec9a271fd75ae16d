import { isBranchEvent } from '../../agent/index.js';
import { ROOT_PARENT, type DurableEvent } from '../../events/index.js';
import type { EventLog } from '../../storage/index.js';
import { UnknownEventError } from '../conversation-errors.js';
import { parseWithYield } from '../journal/parse-event.js';

/** The part of an event log that is needed to follow a branch. */
type TreeLog = Pick<EventLog, 'length' | 'read' | 'entry' | 'seqOf'>;

/** Lines read at once on the way back to the root. */
const CHUNK_LINES = 200;

/**
 * The sequence numbers of the events from the root to `head`, in order. State updates do not belong to the
 * tree. An unreadable line breaks the chain of parents; the branch then continues with the preceding event,
 * so that the agent keeps the history before the damage. Only numbers are kept in memory.
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

/** The sequence number of the head, or of the last event if the head is not in the log. */
function headSeq(log: TreeLog, end: number, head: string): number {
  const seq = log.seqOf(head);
  return seq !== undefined && seq < end ? seq : end - 1;
}

/**
 * Resolves an id to an event of the tree. A state update stands for the head at its time.
 * @throws UnknownEventError
 */
export async function treeEvent(log: TreeLog, end: number, eventId: string): Promise<string | null> {
  const seq = log.seqOf(eventId);
  if (seq === undefined || seq >= end) throw new UnknownEventError('event_id', eventId);
  const event = await new LineWindow(log, end).event(seq);
  if (!event || isBranchEvent(event)) return eventId;
  return event.parent_id === undefined || event.parent_id === ROOT_PARENT ? null : event.parent_id;
}

/** The sequence number of the system prompt, if there is one. It is near the start of the log. */
export function systemPromptSeq(log: Pick<EventLog, 'entry'>, end: number): number | undefined {
  for (let seq = 0; seq < end; seq++) if (log.entry(seq).kind === 'SystemPromptEvent') return seq;
  return undefined;
}

/** A window of lines for reading a log backwards. */
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
