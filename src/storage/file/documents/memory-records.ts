import { ExpiringRecords, type ExpiringRecord } from '../../expiring-records.js';

interface HeldRecord extends ExpiringRecord {
  kind: string;
  /** `performance.now()`. */
  expiresAt: number;
}

/** Records in the memory of this process. */
export class MemoryRecords extends ExpiringRecords {
  readonly isShared = false;
  private readonly records = new Map<string, HeldRecord>();

  add(kind: string, id: string, content: string, ttlMs: number, limit = Infinity): Promise<boolean> {
    this.removeExpired();
    const count = [...this.records.values()].filter((record) => record.kind === kind).length;
    if (this.records.has(keyOf(kind, id)) || count >= limit) return Promise.resolve(false);
    this.put(kind, id, { content, version: 1 }, ttlMs);
    return Promise.resolve(true);
  }

  read(kind: string, id: string): Promise<ExpiringRecord | undefined> {
    this.removeExpired();
    return Promise.resolve(this.records.get(keyOf(kind, id)));
  }

  replace(kind: string, id: string, content: string, ttlMs: number, version?: number): Promise<boolean> {
    this.removeExpired();
    const before = this.records.get(keyOf(kind, id));
    if (version !== undefined && before?.version !== version) return Promise.resolve(false);
    this.put(kind, id, { content, version: (before?.version ?? 0) + 1 }, ttlMs);
    return Promise.resolve(true);
  }

  remove(kind: string, id: string): Promise<boolean> {
    this.removeExpired();
    return Promise.resolve(this.records.delete(keyOf(kind, id)));
  }

  removeAll(kind: string): Promise<void> {
    for (const [key, record] of this.records) if (record.kind === kind) this.records.delete(key);
    return Promise.resolve();
  }

  private put(kind: string, id: string, record: ExpiringRecord, ttlMs: number): void {
    this.records.set(keyOf(kind, id), { ...record, kind, expiresAt: performance.now() + ttlMs });
  }

  private removeExpired(): void {
    const now = performance.now();
    for (const [key, { expiresAt }] of this.records) if (expiresAt <= now) this.records.delete(key);
  }
}

function keyOf(kind: string, id: string): string {
  return `${kind} ${id}`;
}
