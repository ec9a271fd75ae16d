import type { EventIndexEntry } from '../event-log.js';
import { PackedEvent } from './event-line.js';
import { NameTable } from './name-table.js';
import { formatMicros, parseMicros } from './packed-timestamp.js';
import { type PackedUuids, UuidTable } from './uuid-table.js';

const FIRST_CAPACITY = 8;

/** All that an index holds whose events all have the packed form. */
export interface PackedIndex {
  ends: Float64Array;
  micros: Float64Array;
  kinds: Uint8Array;
  sources: Uint8Array;
  names: string[];
  ids: PackedUuids;
}

/**
 * Where each line of a log ends and what searches need of it, in about 45 bytes an event: 100,000 events take less than
 * 5 MB. Events that do not fit the packed form (an id that is no UUID, another format of time) are kept as objects.
 */
export class EventIndex {
  private count = 0;
  /** Byte offset behind the newline of each line. */
  private ends: Float64Array = new Float64Array(FIRST_CAPACITY);
  private micros: Float64Array = new Float64Array(FIRST_CAPACITY);
  private kinds: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  private sources: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  private ids = new UuidTable();
  private names = new NameTable();
  private irregular: Map<number, EventIndexEntry> | undefined;
  private irregularIds: Map<string, number> | undefined;

  /** The index that this was a copy of; the arrays are its own from now on. */
  static of({ ends, micros, kinds, sources, names, ids }: PackedIndex): EventIndex {
    const index = new EventIndex();
    index.count = ends.length;
    index.ends = ends;
    index.micros = micros;
    index.kinds = kinds;
    index.sources = sources;
    index.ids = UuidTable.of(ids);
    index.names = new NameTable(names);
    return index;
  }

  /** A copy of all that the index holds; undefined when an event does not fit the packed form. */
  packed(): PackedIndex | undefined {
    if (this.irregular !== undefined) return undefined;
    return {
      ends: this.ends.slice(0, this.count),
      micros: this.micros.slice(0, this.count),
      kinds: this.kinds.slice(0, this.count),
      sources: this.sources.slice(0, this.count),
      names: this.names.list(),
      ids: this.ids.packed(),
    };
  }

  get length(): number {
    return this.count;
  }

  /** Bytes of all lines: where the next one starts. */
  get byteLength(): number {
    return this.startOf(this.count);
  }

  /**
   * Adds the next event, whose line ends (newline included) at this byte offset.
   * @returns false when there is one of its id already: that one is found by it
   */
  push(entry: EventIndexEntry, end: number): boolean {
    if (this.count === this.ends.length) this.grow();
    const seq = this.count;
    this.ends[seq] = end;
    const packed = entry instanceof PackedEvent;
    const micros = packed ? entry.micros : parseMicros(entry.timestamp);
    const kind = this.names.codeOf(entry.kind);
    const source = this.names.codeOf(entry.source);
    const fits = micros !== undefined && kind !== undefined && source !== undefined;
    this.count += 1;
    if (fits && (packed ? this.ids.pushWords(entry.uuid) : this.ids.push(entry.id))) {
      this.micros[seq] = micros;
      this.kinds[seq] = kind;
      this.sources[seq] = source;
      return true;
    }
    const isNew = this.seqOf(entry.id) === undefined;
    this.ids.pushNone();
    this.keep(seq, entry);
    return isNew;
  }

  /** Tells something else of the last event than what was added. */
  amendLast(entry: EventIndexEntry): void {
    this.keep(this.count - 1, entry);
  }

  private keep(seq: number, { id, timestamp, source, kind }: EventIndexEntry): void {
    this.irregular ??= new Map();
    this.irregularIds ??= new Map();
    this.irregular.set(seq, { id, timestamp, source, kind });
    if (!this.irregularIds.has(id)) this.irregularIds.set(id, seq);
  }

  /** Byte offset of a line; for `length` the end of the last one. */
  startOf(seq: number): number {
    return seq === 0 ? 0 : (this.ends[seq - 1] ?? 0);
  }

  /**
   * The searchable fields of an event. They are unpacked when they are read: filters look at one or two of them.
   * @throws RangeError for a number that is not in the log
   */
  entry(seq: number): EventIndexEntry {
    if (!Number.isInteger(seq) || seq < 0 || seq >= this.count) {
      throw new RangeError(`no event ${seq} in a log of ${this.count}`);
    }
    return this.irregular?.get(seq) ?? new PackedEntry(this, seq);
  }

  /** The number of an event id; the first, should a damaged log have it twice. */
  seqOf(id: string): number | undefined {
    return this.ids.find(id) ?? this.irregularIds?.get(id);
  }

  /** For `PackedEntry`. */
  idOf(seq: number): string {
    return this.ids.at(seq);
  }

  /** For `PackedEntry`. */
  kindOf(seq: number): string {
    return this.names.nameOf(this.kinds[seq] ?? 0);
  }

  /** For `PackedEntry`. */
  sourceOf(seq: number): string {
    return this.names.nameOf(this.sources[seq] ?? 0);
  }

  /** For `PackedEntry`. */
  timestampOf(seq: number): string {
    return formatMicros(this.micros[seq] ?? 0);
  }

  private grow(): void {
    const capacity = Math.ceil((this.ends.length + 1) * 1.5);
    this.ends = enlarged(this.ends, new Float64Array(capacity));
    this.micros = enlarged(this.micros, new Float64Array(capacity));
    this.kinds = enlarged(this.kinds, new Uint8Array(capacity));
    this.sources = enlarged(this.sources, new Uint8Array(capacity));
  }
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

function enlarged<T extends Float64Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
