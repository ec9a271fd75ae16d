import { randomUUID } from 'node:crypto';
import { networkOf } from '../auth/index.js';
import type { AuditEntry } from '../storage/index.js';

/** Equal refusals within this time are one entry (ms). */
const WINDOW_MS = 60_000;
/** Kinds of refusals that are counted apart at a time; the others are counted together. */
const MAX_KINDS = 500;

/** Refusals after the first one. */
interface Repeated {
  first: AuditEntry;
  count: number;
}

/**
 * Counts refusals, so that a flood of them is a few entries: the first of its kind is written at once, the
 * others of the same minute as one more entry with their number. A kind is a key, or a network without a
 * valid key, with an operation and a status.
 */
export class RefusalCounts {
  private readonly kinds = new Map<string, Repeated>();
  private timer: NodeJS.Timeout | undefined;

  /** @param write takes an entry for the log */
  constructor(private readonly write: (entry: AuditEntry) => void) {}

  add(entry: AuditEntry): void {
    const kind = this.kindOf(entry);
    const known = this.kinds.get(kind);
    this.timer ??= setTimeout(() => this.flush(), WINDOW_MS).unref();
    if (known) {
      // What they do not share is not said of all of them.
      if (known.count === 0) known.first = { ...entry };
      else known.first = shared(known.first, entry);
      known.count += 1;
      return;
    }
    this.kinds.set(kind, { first: entry, count: 0 });
    this.write(entry);
  }

  /** Writes what was counted. */
  close(): void {
    clearTimeout(this.timer);
    this.flush();
  }

  private flush(): void {
    this.timer = undefined;
    for (const { first, count } of this.kinds.values())
      if (count > 0) this.write({ ...first, id: randomUUID(), count });
    this.kinds.clear();
  }

  private kindOf({ key_id, address, operation, status }: AuditEntry): string {
    const who = key_id ?? (address === null ? '' : networkOf(address));
    const kind = JSON.stringify([who, operation, status]);
    return this.kinds.has(kind) || this.kinds.size < MAX_KINDS ? kind : OTHERS;
  }
}

/** The kind of all refusals beyond the most. */
const OTHERS = '';
const SEVERAL = 'several';

/** An entry that says only what holds for both. */
function shared(a: AuditEntry, b: AuditEntry): AuditEntry {
  return {
    ...a,
    key_id: same(a.key_id, b.key_id),
    key_name: same(a.key_name, b.key_name),
    address: same(a.address, b.address),
    operation: same(a.operation, b.operation) ?? SEVERAL,
    conversation_id: same(a.conversation_id, b.conversation_id),
    status: same(a.status, b.status),
  };
}

function same<T>(a: T, b: T): T | null {
  return a === b ? a : null;
}
