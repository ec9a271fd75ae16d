import type { EventIndexEntry } from '../../event-log.js';

/** What a log knows about an event without its line. */
export interface KnownEntry extends EventIndexEntry {
  seq: number;
  /** Length of the line in UTF-8. */
  bytes: number;
}

/** Entries of all logs, at most: some megabytes. */
const MAX_ENTRIES = 20_000;

/**
 * Entries that were read lately, so that a page that was selected needs no further question for its sizes and
 * its ends. The entries of the log that was not used for the longest time are dropped first.
 */
export class EntryCache {
  private readonly logs = new Map<object, Map<number, KnownEntry>>();
  private size = 0;

  get(log: object, seq: number): KnownEntry | undefined {
    return this.logs.get(log)?.get(seq);
  }

  add(log: object, entries: readonly KnownEntry[]): void {
    const known = this.logs.get(log) ?? new Map<number, KnownEntry>();
    this.size -= known.size;
    for (const entry of entries) known.set(entry.seq, entry);
    this.size += known.size;
    // Last in the order of the map.
    this.logs.delete(log);
    this.logs.set(log, known);
    for (const oldest of this.logs.keys()) {
      if (this.size <= MAX_ENTRIES) break;
      this.remove(oldest);
    }
  }

  /** Forgets a log that was closed. */
  remove(log: object): void {
    this.size -= this.logs.get(log)?.size ?? 0;
    this.logs.delete(log);
  }
}
