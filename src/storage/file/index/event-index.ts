import type { EntryFilter, EventIndexEntry, LogRange } from '../../event-log.js';
import { PackedEvent } from '../log/event-line.js';
import { NameTable } from './name-table.js';
import { formatMicros, parseMicros } from './packed-timestamp.js';
import { type PackedUuids, UuidTable } from './uuid-table.js';

const FIRST_CAPACITY = 8;
/** Size of an event in all columns: two doubles and two bytes. */
const EVENT_BYTES = 18;

/** The content of an index, to be saved. All its events have the packed form. */
export interface PackedIndex {
  /** The buffer of the columns, without spare capacity. */
  columns: ArrayBuffer;
  names: string[];
  ids: PackedUuids;
}

/**
 * The end of each line of a log and its searchable fields, in about 45 bytes per event: 100,000 events need
 * less than 5 MB. Events that do not fit the packed form (an id that is not a UUID, another format of time)
 * are kept as objects.
 */
export class EventIndex {
  private count = 0;
  private columns = columnsOver(new ArrayBuffer(FIRST_CAPACITY * EVENT_BYTES));
  private ids = new UuidTable();
  private names = new NameTable();
  private irregular: Map<number, EventIndexEntry> | undefined;
  private irregularIds: Map<string, number> | undefined;

  /** Restores an index; it takes ownership of the arrays. */
  static of({ columns, names, ids }: PackedIndex): EventIndex {
    const index = new EventIndex();
    index.columns = columnsOver(columns);
    index.count = index.columns.ends.length;
    index.ids = UuidTable.of(ids);
    index.names = new NameTable(names);
    return index;
  }

  /** A copy of the content; undefined if an event does not fit the packed form. */
  packed(): PackedIndex | undefined {
    if (this.irregular !== undefined) return undefined;
    const { buffer } = copyColumns(this.columns, this.count, this.count);
    return { columns: buffer, names: this.names.list(), ids: this.ids.packed() };
  }

  get length(): number {
    return this.count;
  }

  /** Length of all lines (bytes): the offset of the next one. */
  get byteLength(): number {
    return this.startOf(this.count);
  }

  /**
   * Adds the next event. Its line, with the newline, ends at byte offset `end`.
   * @returns false when an earlier event has the same id; `seqOf` finds that one
   */
  push(entry: EventIndexEntry, end: number): boolean {
    if (this.count === this.columns.ends.length) this.grow();
    const seq = this.count;
    this.columns.ends[seq] = end;
    const packed = entry instanceof PackedEvent;
    const micros = packed ? entry.micros : parseMicros(entry.timestamp);
    const kind = this.names.codeOf(entry.kind);
    const source = this.names.codeOf(entry.source);
    const fits = micros !== undefined && kind !== undefined && source !== undefined;
    this.count += 1;
    if (fits && (packed ? this.ids.pushWords(entry.uuid) : this.ids.push(entry.id))) {
      this.columns.micros[seq] = micros;
      this.columns.kinds[seq] = kind;
      this.columns.sources[seq] = source;
      return true;
    }
    const isNew = this.seqOf(entry.id) === undefined;
    this.ids.pushEmpty();
    this.storeIrregular(seq, entry);
    return isNew;
  }

  /** Replaces the fields of the last event. */
  replaceLast(entry: EventIndexEntry): void {
    this.storeIrregular(this.count - 1, entry);
  }

  private storeIrregular(seq: number, { id, timestamp, source, kind }: EventIndexEntry): void {
    this.irregular ??= new Map();
    this.irregularIds ??= new Map();
    this.irregular.set(seq, { id, timestamp, source, kind });
    if (!this.irregularIds.has(id)) this.irregularIds.set(id, seq);
  }

  /** Byte offset of a line; for `seq === length` the end of the last one. */
  startOf(seq: number): number {
    return seq === 0 ? 0 : (this.columns.ends[seq - 1] ?? 0);
  }

  /**
   * The searchable fields of an event. Each is unpacked when it is read, because callers read one or two of
   * them.
   * @throws RangeError for a seq that is not in the log
   */
  entry(seq: number): EventIndexEntry {
    if (!Number.isInteger(seq) || seq < 0 || seq >= this.count) {
      throw new RangeError(`no event ${seq} in a log of ${this.count}`);
    }
    return this.irregular?.get(seq) ?? new PackedEntry(this, seq);
  }

  /** The seq of an event id; of the first event if a damaged log repeats the id. */
  seqOf(id: string): number | undefined {
    return this.ids.find(id) ?? this.irregularIds?.get(id);
  }

  /**
   * The seqs of the matching events. Compares packed numbers without creating objects, so that a search
   * through a long log takes a fraction of a millisecond.
   */
  select(filter: EntryFilter, { from, descending, length, limit }: LogRange): number[] {
    const found: number[] = [];
    const matches = this.packedMatcher(filter);
    const toKind = this.kindSeeker(filter.kind, descending);
    const step = descending ? -1 : 1;
    const first = descending ? Math.min(from, length - 1) : Math.max(from, 0);
    for (
      let seq = toKind(first);
      seq >= 0 && seq < length && found.length < limit;
      seq = toKind(seq + step)
    ) {
      const irregular = this.irregular?.get(seq);
      if (irregular === undefined ? matches(seq) : matchesEntry(irregular, filter)) found.push(seq);
    }
    return found;
  }

  /**
   * Returns a function that finds the next event that may be of a kind, from a seq on; -1 if there is none.
   */
  private kindSeeker(name: string | undefined, descending: boolean): (seq: number) => number {
    // Events that do not fit the packed form may be of any kind.
    if (name === undefined || this.irregular !== undefined) return (seq) => seq;
    const { kinds } = this.columns;
    const kind = this.names.find(name);
    if (kind === undefined) return () => -1;
    if (descending) return (seq) => (seq < 0 ? -1 : kinds.lastIndexOf(kind, seq));
    return (seq) => kinds.indexOf(kind, seq);
  }

  /** Returns a test for events in the packed form. */
  private packedMatcher(filter: EntryFilter): (seq: number) => boolean {
    const { kinds, sources, micros } = this.columns;
    const kind = codeIn(this.names, filter.kind);
    const notKind = filter.notKind === undefined ? NONE : (this.names.find(filter.notKind) ?? NONE);
    const source = codeIn(this.names, filter.source);
    const since = filter.timestampGte === undefined ? -Infinity : parseMicros(filter.timestampGte);
    const before = filter.timestampLt === undefined ? Infinity : parseMicros(filter.timestampLt);
    // Times in another format are compared as strings.
    if (since === undefined || before === undefined) return (seq) => matchesEntry(this.entry(seq), filter);
    return (seq) => {
      const time = micros[seq] ?? NaN;
      return (
        (kind === ANY || kinds[seq] === kind) &&
        kinds[seq] !== notKind &&
        (source === ANY || sources[seq] === source) &&
        time >= since &&
        time < before
      );
    };
  }

  /** Used by `PackedEntry`. */
  idOf(seq: number): string {
    return this.ids.at(seq);
  }

  /** Used by `PackedEntry`. */
  kindOf(seq: number): string {
    return this.names.nameOf(this.columns.kinds[seq] ?? 0);
  }

  /** Used by `PackedEntry`. */
  sourceOf(seq: number): string {
    return this.names.nameOf(this.columns.sources[seq] ?? 0);
  }

  /** Used by `PackedEntry`. */
  timestampOf(seq: number): string {
    return formatMicros(this.columns.micros[seq] ?? 0);
  }

  private grow(): void {
    this.columns = copyColumns(this.columns, this.count, Math.ceil((this.count + 1) * 1.5));
  }
}

/** Matches any name, and no name, in the place of a name's code. */
const ANY = -1;
const NONE = -2;

function codeIn(names: NameTable, name: string | undefined): number {
  return name === undefined ? ANY : (names.find(name) ?? NONE);
}

function matchesEntry(entry: EventIndexEntry, filter: EntryFilter): boolean {
  if (filter.kind !== undefined && entry.kind !== filter.kind) return false;
  if (filter.notKind !== undefined && entry.kind === filter.notKind) return false;
  if (filter.source !== undefined && entry.source !== filter.source) return false;
  if (filter.timestampGte !== undefined && entry.timestamp < filter.timestampGte) return false;
  return filter.timestampLt === undefined || entry.timestamp < filter.timestampLt;
}

/** The columns of the index, by seq. */
interface Columns {
  /** Byte offset after the newline of each line. */
  ends: Float64Array;
  micros: Float64Array;
  kinds: Uint8Array;
  sources: Uint8Array;
  buffer: ArrayBuffer;
}

/** Columns as views of one buffer: each buffer has an overhead of a hundred bytes. */
function columnsOver(buffer: ArrayBuffer): Columns {
  const capacity = buffer.byteLength / EVENT_BYTES;
  return {
    ends: new Float64Array(buffer, 0, capacity),
    micros: new Float64Array(buffer, 8 * capacity, capacity),
    kinds: new Uint8Array(buffer, 16 * capacity, capacity),
    sources: new Uint8Array(buffer, 17 * capacity, capacity),
    buffer,
  };
}

/** Columns with a new capacity and the first `count` events. */
function copyColumns(columns: Columns, count: number, capacity: number): Columns {
  const copy = columnsOver(new ArrayBuffer(capacity * EVENT_BYTES));
  copy.ends.set(columns.ends.subarray(0, count));
  copy.micros.set(columns.micros.subarray(0, count));
  copy.kinds.set(columns.kinds.subarray(0, count));
  copy.sources.set(columns.sources.subarray(0, count));
  return copy;
}

class PackedEntry implements EventIndexEntry {
  constructor(
    private readonly index: EventIndex,
    private readonly seq: number,
  ) {}

  get id(): string {
    return this.index.idOf(this.seq);
  }
  get kind(): string {
    return this.index.kindOf(this.seq);
  }
  get source(): string {
    return this.index.sourceOf(this.seq);
  }
  get timestamp(): string {
    return this.index.timestampOf(this.seq);
  }
}
