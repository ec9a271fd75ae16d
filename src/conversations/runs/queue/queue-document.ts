import { SharedRun } from '../../../flow/index.js';
import { DamagedDocumentError, RUN_QUEUE_DOCUMENT, type WorkspaceDocuments } from '../../../storage/index.js';
import { type QueuedRun, readQueuedRun } from './queued-run.js';

/** The stored queue, which all servers of the storage share: what waits survives a crash. */
export class QueueDocument {
  /** What is not stored yet, by conversation; null: it is removed. */
  private changes = new Map<string, QueuedRun | null>();
  private readonly writes = new SharedRun(() => this.write());

  constructor(private readonly documents: WorkspaceDocuments) {}

  /** Resolves when the run is stored. @throws StorageFailedError */
  add(run: QueuedRun): Promise<void> {
    return this.change(run.conversation_id, run);
  }

  /** Resolves when that is stored. @throws StorageFailedError */
  remove(id: string): Promise<void> {
    return this.change(id, null);
  }

  /** The stored runs by conversation. Unreadable entries are left out. @throws StorageFailedError */
  async read(): Promise<Map<string, QueuedRun>> {
    const document = await this.documents.read(RUN_QUEUE_DOCUMENT).catch((error: unknown) => {
      if (error instanceof DamagedDocumentError) return undefined;
      throw error;
    });
    const stored = document?.['runs'];
    const runs = (Array.isArray(stored) ? stored : []).flatMap((one) => readQueuedRun(one) ?? []);
    return new Map(runs.map((run) => [run.conversation_id, run]));
  }

  private change(id: string, run: QueuedRun | null): Promise<void> {
    this.changes.set(id, run);
    return this.writes.run();
  }

  /** One write stores all changes that were requested until then. */
  private async write(): Promise<void> {
    const { changes } = this;
    this.changes = new Map();
    await this.documents.change(async (writer) => {
      const runs = await this.read();
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
