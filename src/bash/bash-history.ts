import { SerialQueue } from '../flow/index.js';
import { microsOf, type BashEvent } from './bash-event.js';
import { SegmentFiles, type Place } from './segment-files.js';

/** How much of a history is kept; the oldest goes first. */
export interface HistoryLimits {
  events: number;
  bytes: number;
  /** Null: however old. */
  seconds: number | null;
}

/** Which events are wanted, and how many. */
export interface BashQuery {
  kind?: BashEvent['kind'];
  /** Outputs of this command. */
  commandId?: string;
  /** Microseconds since the epoch. */
  from?: number;
  before?: number;
  /** Outputs after this one of their command. */
  orderAfter?: number;
  descending: boolean;
  /** The `nextPageId` of the page before; anything else is the first page. */
  pageId?: string;
  limit: number;
}

/** A page of events as JSON texts. */
export interface BashPage {
  lines: string[];
  nextPageId: string | null;
}

/** What is known of an event without reading it. */
interface Entry {
  id: string;
  kind: BashEvent['kind'];
  commandId: string | undefined;
  micros: number;
  order: number;
  place: Place;
}

/** Bytes after which a page ends: what a request answers has to fit into memory. */
const PAGE_BYTES = 4 * 1024 * 1024;

/** Beginning of a stored output; its texts are not parsed to make an index. */
const OUTPUT =
  /^\{"id":"([0-9a-f]{32})","timestamp":"([^"]{20,40})","command_id":"([0-9a-f]{32})","order":(\d+),/;

/**
 * The commands and outputs of one shell: on disk as lines of a few files, found by an index in memory, so
 * that no request looks through a folder.
 */
export class BashHistory {
  private readonly entries: Entry[] = [];
  private readonly byId = new Map<string, Entry>();
  private readonly outputs = new Map<string, Entry[]>();
  private readonly inSegment = new Map<string, number>();
  private bytes = 0;
  /** How many events there were before the first of `entries`. */
  private gone = 0;
  private readonly changes = new SerialQueue();

  private constructor(
    private readonly files: SegmentFiles,
    private readonly limits: HistoryLimits,
  ) {}

  /** Reads what there is. The folder need not exist. */
  static async open(folder: string, limits: HistoryLimits): Promise<BashHistory> {
    const files = new SegmentFiles(folder);
    const history = new BashHistory(files, limits);
    await files.readAll((line, place) => {
      const entry = entryOf(line, place);
      if (entry) history.add(entry);
    });
    await history.trim();
    return history;
  }

  /** The number of the oldest event that is kept. Numbers have no holes, and are those of this process. */
  get first(): number {
    return this.gone;
  }

  /** The number of the event that comes next. */
  get next(): number {
    return this.gone + this.entries.length;
  }

  /**
   * Keeps an event. Events are kept in the order in which this is called.
   * @returns its number
   */
  append(event: BashEvent): Promise<number> {
    return this.changes.run(async () => {
      const place = await this.files.append(JSON.stringify(event));
      const number = this.next;
      this.add(describe(event, place));
      await this.trim();
      return number;
    });
  }

  /**
   * Events as JSON texts, from number `from` on: one, and more while they have fewer than `bytes` together.
   * None when the first of them is not kept any more, or is not there yet.
   */
  async linesFrom(from: number, bytes: number): Promise<string[]> {
    const lines: string[] = [];
    let length = 0;
    for (let number = from; lines.length === 0 || length < bytes; number += 1) {
      const entry = number < this.gone ? undefined : this.entries[number - this.gone];
      const line = entry && (await this.files.read(entry.place));
      if (line === undefined) break;
      lines.push(line);
      length += line.length;
    }
    return lines;
  }

  /** @returns how many events there were */
  clear(): Promise<number> {
    return this.changes.run(async () => {
      const count = this.entries.length;
      const segments = [...this.inSegment.keys()];
      this.gone += count;
      this.entries.length = 0;
      for (const index of [this.byId, this.outputs, this.inSegment]) index.clear();
      this.bytes = 0;
      for (const segment of segments) await this.files.remove(segment);
      return count;
    });
  }

  async search(query: BashQuery): Promise<BashPage> {
    if (this.limits.seconds !== null) await this.changes.run(() => this.trim());
    const matching = this.matching(query);
    const first = matching.findIndex((entry) => pageName(entry) === query.pageId);
    const lines: string[] = [];
    let bytes = 0;
    let at = Math.max(0, first);
    for (; at < matching.length && lines.length < query.limit; at += 1) {
      const entry = matching[at];
      if (!entry || (lines.length > 0 && bytes + entry.place.length > PAGE_BYTES)) break;
      // One that was dropped meanwhile is not on the page.
      const line = await this.files.read(entry.place);
      if (line !== undefined) lines.push(line);
      bytes += entry.place.length;
    }
    const next = matching[at];
    return { lines, nextPageId: next ? pageName(next) : null };
  }

  /** An event as JSON text. */
  async line(id: string): Promise<string | undefined> {
    const entry = this.byId.get(id);
    return entry && this.files.read(entry.place);
  }

  /** Whether a command of this id is known. */
  hasCommand(id: string): boolean {
    return this.byId.get(id)?.kind === 'BashCommand';
  }

  /** Waits for what is being written. */
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
    this.bytes += entry.place.length;
    const { segment } = entry.place;
    this.inSegment.set(segment, (this.inSegment.get(segment) ?? 0) + 1);
    if (entry.commandId === undefined) return;
    const outputs = this.outputs.get(entry.commandId);
    if (outputs) outputs.push(entry);
    else this.outputs.set(entry.commandId, [entry]);
  }

  /** Drops the oldest until the limits hold. */
  private async trim(): Promise<void> {
    const oldest = this.limits.seconds === null ? 0 : Date.now() * 1000 - this.limits.seconds * 1e6;
    let count = 0;
    for (; count < this.entries.length; count += 1) {
      const entry = this.entries[count];
      const isFull = this.entries.length - count > this.limits.events || this.bytes > this.limits.bytes;
      if (!entry || !(isFull || entry.micros < oldest)) break;
      await this.forget(entry);
    }
    // In one go: one by one from the front of an array would be quadratic.
    this.entries.splice(0, count);
    this.gone += count;
  }

  private async forget(entry: Entry): Promise<void> {
    this.byId.delete(entry.id);
    this.bytes -= entry.place.length;
    if (entry.commandId !== undefined) {
      const outputs = this.outputs.get(entry.commandId);
      // The oldest event is also the oldest of its command.
      outputs?.shift();
      if (outputs?.length === 0) this.outputs.delete(entry.commandId);
    }
    const { segment } = entry.place;
    const left = (this.inSegment.get(segment) ?? 0) - 1;
    if (left > 0) return void this.inSegment.set(segment, left);
    this.inSegment.delete(segment);
    if (!this.files.isCurrent(segment)) await this.files.remove(segment);
  }
}

/** As the original names its files: clients have seen such ids. */
function pageName({ id, kind, commandId, micros }: Entry): string {
  const digits = new Date(Math.floor(micros / 1000)).toISOString().replace(/\D/g, '').slice(0, 14);
  const fraction = String(micros % 1_000_000).padStart(6, '0');
  return [digits + fraction, kind, ...(commandId === undefined ? [] : [commandId]), id].join('_');
}

function describe(event: BashEvent, place: Place): Entry {
  const isOutput = event.kind === 'BashOutput';
  return {
    id: event.id,
    kind: event.kind,
    commandId: isOutput ? event.command_id : undefined,
    micros: microsOf(event.timestamp),
    order: isOutput ? event.order : 0,
    place,
  };
}

/** Undefined for a line that is none of ours. */
function entryOf(line: string, place: Place): Entry | undefined {
  const [, id, timestamp, commandId, order] = OUTPUT.exec(line.slice(0, 300)) ?? [];
  if (id !== undefined && timestamp !== undefined) {
    return { id, kind: 'BashOutput', commandId, micros: microsOf(timestamp), order: Number(order), place };
  }
  try {
    const value: unknown = JSON.parse(line);
    return isCommand(value)
      ? {
          id: value.id,
          kind: 'BashCommand',
          commandId: undefined,
          micros: microsOf(value.timestamp),
          order: 0,
          place,
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
