import { isBranchEvent } from '../../agent/index.js';
import { ROOT_PARENT, type DurableEvent } from '../../events/index.js';
import type { EventIndexEntry, LogReader } from '../../storage/index.js';
import { UnknownEventError } from '../conversation-errors.js';
import { parseWithYield } from '../journal/parse-event.js';

/** The part of an event log that is needed to follow a branch. */
type TreeLog = Pick<LogReader, 'length' | 'read' | 'entries' | 'seqOf'>;

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
  for (let seq = await headSeq(log, end, head); seq >= 0;) {
    const event = await window.event(seq);
    const inTree = event !== undefined && isBranchEvent(event);
    if (inTree) path.push(seq);
    if (inTree && event.parent_id === ROOT_PARENT) break;
    const parent = event?.parent_id === undefined ? undefined : await window.seqOf(event.parent_id, seq);
    seq = parent !== undefined && parent < seq ? parent : seq - 1;
  }
  return path.reverse();
}

/** The sequence number of the head, or of the last event if the head is not in the log. */
async function headSeq(log: TreeLog, end: number, head: string): Promise<number> {
  const seq = await log.seqOf(head);
  return seq !== undefined && seq < end ? seq : end - 1;
}

/**
 * Resolves an id to an event of the tree. A state update stands for the head at its time.
 * @throws UnknownEventError
 */
export async function treeEvent(log: TreeLog, end: number, eventId: string): Promise<string | null> {
  const seq = await log.seqOf(eventId);
  if (seq === undefined || seq >= end) throw new UnknownEventError('event_id', eventId);
  const event = await new LineWindow(log, end).event(seq);
  if (!event || isBranchEvent(event)) return eventId;
  return event.parent_id === undefined || event.parent_id === ROOT_PARENT ? null : event.parent_id;
}

/** The sequence number of the system prompt, if there is one. */
export async function systemPromptSeq(
  log: Pick<LogReader, 'select'>,
  end: number,
): Promise<number | undefined> {
  const range = { from: 0, descending: false, length: end, limit: 1 };
  const [seq] = await log.select({ kind: 'SystemPromptEvent' }, range);
  return seq;
}

/** The id of the last event that can be a head. */
export async function lastBranchEvent(
  log: Pick<LogReader, 'length' | 'select' | 'entry'>,
): Promise<string | null> {
  const range = { from: log.length - 1, descending: true, length: log.length, limit: 1 };
  const [seq] = await log.select({ notKind: 'ConversationStateUpdateEvent' }, range);
  return seq === undefined ? null : (await log.entry(seq)).id;
}

/** A window of lines for reading a log backwards. */
class LineWindow {
  private from = 0;
  private lines: string[] = [];
  private entries: EventIndexEntry[] = [];

  constructor(
    private readonly log: TreeLog,
    private readonly end: number,
  ) {}

  async event(seq: number): Promise<DurableEvent | undefined> {
    if (seq < this.from || seq >= this.from + this.lines.length) {
      this.from = Math.max(0, seq - CHUNK_LINES + 1);
      const count = Math.min(seq + 1, this.end) - this.from;
      [this.lines, this.entries] = await Promise.all([
        this.log.read(this.from, count),
        this.log.entries(this.from, count),
      ]);
    }
    return parseWithYield(this.lines[seq - this.from] ?? '');
  }

  /** The sequence number of an id. Most parents are in the window, before event `seq`. */
  async seqOf(id: string, seq: number): Promise<number | undefined> {
    for (let at = seq - 1; at >= this.from; at -= 1) if (this.entries[at - this.from]?.id === id) return at;
    return this.log.seqOf(id);
  }
}
