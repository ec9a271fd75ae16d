import { Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import { SharedRun } from '../../../flow/index.js';
import type { CatalogueEntry } from '../../catalogue.js';
import type { Repeatable } from '../database/index.js';
import { UPDATE_ENTRIES } from './catalogue-statements.js';

/** How often the time of the last update of a conversation is stored (ms). */
const INTERVAL_MS = 1000;

/** A change that is not stored yet. */
interface Change {
  entry: Pick<CatalogueEntry, 'updated_at' | 'execution_status'>;
  generation: number;
}

/**
 * Stores what lists show of open conversations, those of many in one statement: at most once a second, but a
 * changed status at once. A failure is not repeated: a saved snapshot contains the same.
 */
export class EntryUpdates {
  private readonly logger = new Logger('Catalogue');
  private changes = new Map<string, Change>();
  /** The status that was stored or is about to be, of conversations that change. */
  private readonly statuses = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;
  private readonly storing = new SharedRun(() => this.store());

  /** @param tellChange is called with each conversation whose entry was stored */
  constructor(
    private readonly database: Repeatable,
    private readonly tellChange: (id: string) => void,
  ) {}

  /** Stores an entry soon. */
  add({ id, updated_at, execution_status }: CatalogueEntry, generation: number): void {
    this.changes.set(id, { entry: { updated_at, execution_status }, generation });
    const isUrgent = this.statuses.get(id) !== execution_status;
    this.statuses.set(id, execution_status);
    if (isUrgent) void this.flush();
    else this.timer ??= setTimeout(() => void this.flush(), INTERVAL_MS).unref();
  }

  /** A snapshot was saved that contains this entry: older changes are not needed. */
  saved({ id, updated_at, execution_status }: CatalogueEntry): void {
    const change = this.changes.get(id);
    if (change?.entry.updated_at === updated_at && change.entry.execution_status === execution_status)
      this.changes.delete(id);
    this.statuses.set(id, execution_status);
  }

  /** The conversation is closed or removed. */
  forget(id: string): void {
    this.statuses.delete(id);
    this.changes.delete(id);
  }

  /** Stores all changes so far. Never rejects. */
  flush(): Promise<void> {
    return this.storing.run();
  }

  private async store(): Promise<void> {
    // Together with changes of the same moment.
    await new Promise((resolve) => setImmediate(resolve));
    clearTimeout(this.timer);
    this.timer = undefined;
    const batch = [...this.changes];
    this.changes = new Map();
    if (batch.length === 0) return;
    try {
      await this.database.read(UPDATE_ENTRIES, [
        batch.map(([id]) => id),
        batch.map(([, { entry }]) => entry.updated_at),
        batch.map(([, { entry }]) => entry.execution_status),
        batch.map(([, { generation }]) => generation),
      ]);
      for (const [id] of batch) this.tellChange(id);
    } catch (error) {
      this.logger.warn(`the list of conversations could not be updated: ${errorMessage(error)}`);
    }
  }
}
