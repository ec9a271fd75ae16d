import { SharedRun } from '../../../flow/index.js';
import { DamagedDocumentError, RUN_QUEUE_DOCUMENT, type WorkspaceDocuments } from '../../../storage/index.js';
import { type QueuedRun, readQueuedRun } from './queued-run.js';

/**
 * The stored queue, which all servers of the storage share: what waits survives a crash. What this server has
 * removed is not read again, whatever a read finds that was in progress, or after a removal that failed.
 */
export class StoredQueue {
  /** What is not stored yet, by conversation; null: it is removed. */
  private changes = new Map<string, QueuedRun | null>();
  private readonly writes = new SharedRun(() => this.write());
  /** What was removed since the last refresh, and how far that is. */
  private readonly gone = new Map<string, 'removing' | 'removed' | 'failed'>();

  constructor(private readonly documents: WorkspaceDocuments) {}

  /** Adds a run; resolves when it is stored. If that fails it does not wait. @throws StorageFailedError */
  async add(run: QueuedRun): Promise<void> {
    const { conversation_id: id } = run;
    this.gone.delete(id);
    try {
      await this.replace(run);
    } catch (error) {
      // It may be stored all the same, and must not start when its request has failed.
      if (!this.gone.has(id)) this.gone.set(id, 'failed');
      throw error;
    }
  }

  /** Stores what has changed of a run that waits. @throws StorageFailedError */
  async replace(run: QueuedRun): Promise<void> {
    this.changes.set(run.conversation_id, run);
    await this.writes.run();
  }

  /** Resolves when that is stored; if it fails it is tried again later. @throws StorageFailedError */
  async remove(id: string): Promise<void> {
    this.gone.set(id, 'removing');
    this.changes.set(id, null);
    try {
      await this.writes.run();
      this.settle(id, 'removed');
    } catch (error) {
      this.settle(id, 'failed');
      throw error;
    }
  }

  /** The stored runs by conversation. Unreadable entries are left out. @throws StorageFailedError */
  async read(): Promise<Map<string, QueuedRun>> {
    const runs = await this.readDocument();
    for (const id of this.gone.keys()) runs.delete(id);
    return runs;
  }

  /** As `read`, after what could not be removed was tried again. Not to be called twice at a time. */
  async refresh(): Promise<Map<string, QueuedRun>> {
    const ids = (state: string): string[] => [...this.gone].flatMap(([id, is]) => (is === state ? [id] : []));
    await Promise.all(ids('failed').map((id) => this.remove(id)));
    const removed = ids('removed');
    const runs = await this.read();
    for (const id of removed) if (this.gone.get(id) === 'removed') this.gone.delete(id);
    return runs;
  }

  private settle(id: string, state: 'removed' | 'failed'): void {
    // It may have been added again meanwhile.
    if (this.gone.get(id) === 'removing') this.gone.set(id, state);
  }

  /** @param onDamage is called for a document that is none: then nothing waits */
  private async readDocument(onDamage?: () => Promise<void>): Promise<Map<string, QueuedRun>> {
    const document = await this.documents.read(RUN_QUEUE_DOCUMENT).catch(async (error: unknown) => {
      if (!(error instanceof DamagedDocumentError)) throw error;
      await onDamage?.();
      return undefined;
    });
    const stored = document?.['runs'];
    const runs = (Array.isArray(stored) ? stored : []).flatMap((one) => readQueuedRun(one) ?? []);
    return new Map(runs.map((run) => [run.conversation_id, run]));
  }

  /** One write stores all changes that were requested until then. */
  private async write(): Promise<void> {
    const { changes } = this;
    this.changes = new Map();
    await this.documents.change(async (writer) => {
      const runs = await this.readDocument(() => writer.setAside(RUN_QUEUE_DOCUMENT));
      for (const [id, run] of changes) {
        if (run) runs.set(id, run);
        else runs.delete(id);
      }
      await writer.write(RUN_QUEUE_DOCUMENT, {
        version: 1,
        runs: [...runs.values()].map((run) => ({ ...run })),
      });
    });
  }
}
