import { SerialQueue } from '../../../flow/index.js';
import {
  BashHistory,
  type BashFollower,
  type BashHistoryLimits,
  type BashPage,
  type BashQuery,
  type BashRange,
  type BashRecord,
  type BashRecordKind,
} from '../../bash-history.js';
import { toMicroseconds, pageIdOf } from '../../bash-page-id.js';
import { SegmentFiles, type LineLocation } from './segment-files.js';

/** The index entry of an event. */
interface Entry {
  id: string;
  kind: BashRecordKind;
  commandId: string | undefined;
  micros: number;
  order: number;
  location: LineLocation;
}

/** The size after which a page ends (bytes), because a response has to fit into memory. */
const PAGE_BYTES = 4 * 1024 * 1024;

/** The beginning of a stored output. Building the index does not parse the rest. */
const OUTPUT_PREFIX =
  /^\{"id":"([0-9a-f]{32})","timestamp":"([^"]{20,40})","command_id":"([0-9a-f]{32})","order":(\d+),/;

/** Stores the events as lines of a few files and finds them by an index in memory. */
export class FileBashHistory extends BashHistory {
  private readonly entries: Entry[] = [];
  private readonly byId = new Map<string, Entry>();
  private readonly outputs = new Map<string, Entry[]>();
  private readonly segmentCounts = new Map<string, number>();
  private bytes = 0;
  /** The number of events before the first of `entries`. */
  private droppedCount = 0;
  private readonly changes = new SerialQueue();
  private readonly followers = new Set<BashFollower>();

  private constructor(
    private readonly files: SegmentFiles,
    private readonly limits: BashHistoryLimits,
  ) {
    super();
  }

  /** Loads the index. The folder need not exist. */
  static async open(folder: string, limits: BashHistoryLimits): Promise<FileBashHistory> {
    const files = new SegmentFiles(folder);
    const history = new FileBashHistory(files, limits);
    await files.readAll((line, location) => {
      const entry = parseEntry(line, location);
      if (entry) history.add(entry);
    });
    await history.trim();
    return history;
  }

  /** The number of the next event. */
  private get next(): number {
    return this.droppedCount + this.entries.length;
  }

  /** Numbers are valid within this process. */
  range(): Promise<BashRange> {
    return Promise.resolve({ first: this.droppedCount, next: this.next });
  }

  append(record: BashRecord): Promise<number> {
    return this.changes.run(async () => {
      const location = await this.files.append(record.line);
      const number = this.next;
      this.add(toEntry(record, location));
      await this.trim();
      if (this.followers.size === 0) return number;
      const line = Buffer.from(record.line);
      for (const follower of this.followers) follower(line, number);
      return number;
    });
  }

  async linesFrom(from: number, bytes: number): Promise<string[]> {
    const lines: string[] = [];
    let length = 0;
    for (let number = from; lines.length === 0 || length < bytes; number += 1) {
      const entry = number < this.droppedCount ? undefined : this.entries[number - this.droppedCount];
      const line = entry && (await this.files.read(entry.location));
      if (line === undefined) break;
      lines.push(line);
      length += line.length;
    }
    return lines;
  }

  follow(follower: BashFollower): () => void {
    this.followers.add(follower);
    return () => this.followers.delete(follower);
  }

  expire(): Promise<number> {
    return this.changes.run(async () => {
      const before = this.droppedCount;
      await this.trim();
      return this.droppedCount - before;
    });
  }

  clear(): Promise<number> {
    return this.changes.run(async () => {
      const count = this.entries.length;
      const segments = [...this.segmentCounts.keys()];
      this.droppedCount += count;
      this.entries.length = 0;
      for (const index of [this.byId, this.outputs, this.segmentCounts]) index.clear();
      this.bytes = 0;
      for (const segment of segments) await this.files.remove(segment);
      return count;
    });
  }

  async search(query: BashQuery): Promise<BashPage> {
    if (this.limits.seconds !== null) await this.changes.run(() => this.trim());
    const matching = this.matching(query);
    const first = matching.findIndex((entry) => pageIdOf(entry) === query.pageId);
    const lines: string[] = [];
    let bytes = 0;
    let at = Math.max(0, first);
    for (; at < matching.length && lines.length < query.limit; at += 1) {
      const entry = matching[at];
      if (!entry || (lines.length > 0 && bytes + entry.location.length > PAGE_BYTES)) break;
      // Skips events that were dropped meanwhile.
      const line = await this.files.read(entry.location);
      if (line !== undefined) lines.push(line);
      bytes += entry.location.length;
    }
    const next = matching[at];
    return { lines, nextPageId: next ? pageIdOf(next) : null };
  }

  async line(id: string): Promise<string | undefined> {
    const entry = this.byId.get(id);
    return entry && this.files.read(entry.location);
  }

  /** Each server has a history of its own: a command that does not run here has ended. */
  stopElsewhere(commandId: string): Promise<boolean> {
    return Promise.resolve(this.byId.get(commandId)?.kind === 'BashCommand');
  }

  onStopRequest(): void {
    return;
  }

  close(): Promise<void> {
    return this.changes.run(() => this.files.close());
  }

  private matching({ kind, commandId, from, before, orderAfter, descending }: BashQuery): Entry[] {
    const candidates = commandId === undefined ? this.entries : (this.outputs.get(commandId) ?? []);
    const found = candidates.filter(
      (entry) =>
        (kind === undefined || entry.kind === kind) &&
        (from === undefined || entry.micros >= from) &&
        (before === undefined || entry.micros < before) &&
        (orderAfter === undefined || entry.kind === 'BashCommand' || entry.order > orderAfter),
    );
    return descending ? found.reverse() : found;
  }

  private add(entry: Entry): void {
    this.entries.push(entry);
    this.byId.set(entry.id, entry);
    this.bytes += entry.location.length;
    const { segment } = entry.location;
    this.segmentCounts.set(segment, (this.segmentCounts.get(segment) ?? 0) + 1);
    if (entry.commandId === undefined) return;
    const outputs = this.outputs.get(entry.commandId);
    if (outputs) outputs.push(entry);
    else this.outputs.set(entry.commandId, [entry]);
  }

  /** Drops the oldest events until the limits hold. */
  private async trim(): Promise<void> {
    const oldest = this.limits.seconds === null ? 0 : Date.now() * 1000 - this.limits.seconds * 1e6;
    let count = 0;
    for (; count < this.entries.length; count += 1) {
      const entry = this.entries[count];
      const isFull = this.entries.length - count > this.limits.events || this.bytes > this.limits.bytes;
      if (!entry || !(isFull || entry.micros < oldest)) break;
      await this.drop(entry);
    }
    // All at once, because removing entries one by one would take quadratic time.
    this.entries.splice(0, count);
    this.droppedCount += count;
  }

  private async drop(entry: Entry): Promise<void> {
    this.byId.delete(entry.id);
    this.bytes -= entry.location.length;
    if (entry.commandId !== undefined) {
      const outputs = this.outputs.get(entry.commandId);
      // The oldest event is also the oldest output of its command.
      outputs?.shift();
      if (outputs?.length === 0) this.outputs.delete(entry.commandId);
    }
    const { segment } = entry.location;
    const left = (this.segmentCounts.get(segment) ?? 0) - 1;
    if (left > 0) return void this.segmentCounts.set(segment, left);
    this.segmentCounts.delete(segment);
    if (!this.files.isCurrent(segment)) await this.files.remove(segment);
  }
}

function toEntry({ id, kind, commandId, order, timestamp }: BashRecord, location: LineLocation): Entry {
  return {
    id,
    kind,
    commandId: kind === 'BashOutput' ? commandId : undefined,
    micros: toMicroseconds(timestamp),
    order,
    location,
  };
}

/** The index entry of a stored line; undefined if the line is invalid. */
function parseEntry(line: string, location: LineLocation): Entry | undefined {
  const [, id, timestamp, commandId, order] = OUTPUT_PREFIX.exec(line.slice(0, 300)) ?? [];
  if (id !== undefined && timestamp !== undefined) {
    return {
      id,
      kind: 'BashOutput',
      commandId,
      micros: toMicroseconds(timestamp),
      order: Number(order),
      location,
    };
  }
  try {
    const value: unknown = JSON.parse(line);
    return isCommand(value)
      ? {
          id: value.id,
          kind: 'BashCommand',
          commandId: undefined,
          micros: toMicroseconds(value.timestamp),
          order: 0,
          location,
        }
      : undefined;
  } catch {
    return undefined;
  }
}

function isCommand(value: unknown): value is { id: string; timestamp: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    'timestamp' in value &&
    typeof value.timestamp === 'string' &&
    'kind' in value &&
    value.kind === 'BashCommand'
  );
}
