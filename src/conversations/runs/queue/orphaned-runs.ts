import { Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import { forEachBounded } from '../../../flow/index.js';
import type { Catalogue, LeaseStore } from '../../../storage/index.js';
import { compareUrgency } from './queue-order.js';
import type { QueuedConversations, QueuedRun } from './queued-run.js';
import type { StoredQueue } from './stored-queue.js';

/** How often the stored queue is looked at (ms). */
const LOOK_MS = 5_000;
/** How many stored runs are looked at in one look, while none of them was found without a server. */
const MAX_SAMPLED = 100;
/** How many are looked at at the same time. */
const PARALLEL = 16;

/** The queue that takes stored runs over. */
interface Adopter {
  isHere(id: string): boolean;
  /** How many runs it may take over. */
  room(): number;
  /** @param runs the most urgent one first */
  adopt(runs: QueuedRun[]): void;
}

/**
 * Stored runs that are not in the queue of this server: those of other servers, and those that an earlier
 * server has left. Looks again and again for those whose conversations no server has, or this one.
 */
export class OrphanedRuns {
  private readonly logger = new Logger('Runs');
  /** What the last look has found, without what is here. */
  private found = new Map<string, QueuedRun>();
  private hasLooked = false;
  private looking: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** A failure to read the stored queue was logged. */
  private isFailing = false;

  constructor(
    private readonly stored: StoredQueue,
    private readonly catalogue: Catalogue,
    private readonly leases: LeaseStore,
  ) {}

  /** Looks now, and then every few seconds. Resolves after the first look. */
  open(conversations: QueuedConversations, adopter: Adopter): Promise<void> {
    const look = (): Promise<void> => {
      this.looking ??= this.look(conversations, adopter).finally(() => (this.looking = undefined));
      return this.looking;
    };
    this.timer = setInterval(() => void look(), LOOK_MS).unref();
    return look();
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  /** The stored run of a conversation, which is the caller's from now on. */
  take(id: string): QueuedRun | undefined {
    const run = this.found.get(id);
    this.found.delete(id);
    return run;
  }

  /** Whether a run of a conversation may be stored although none was found: before the first look. */
  async mayHave(id: string): Promise<boolean> {
    if (this.hasLooked) return false;
    return this.stored.read().then(
      (runs) => runs.has(id),
      () => false,
    );
  }

  private async look(conversations: QueuedConversations, adopter: Adopter): Promise<void> {
    try {
      const stored = await this.stored.refresh();
      this.found = new Map([...stored].filter(([id]) => !adopter.isHere(id)));
      this.hasLooked = true;
      const orphans = await this.orphans(conversations);
      // Nobody can ask for one of them in between.
      adopter.adopt(
        orphans
          .slice(0, Math.max(0, adopter.room()))
          .flatMap(({ conversation_id: id }) => this.take(id) ?? []),
      );
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.logger.warn(`the queue of runs cannot be read: ${errorMessage(error)}`);
      this.isFailing = true;
      adopter.adopt([]);
    }
  }

  /** The runs that this server can take over, the most urgent one first. */
  private async orphans(conversations: QueuedConversations): Promise<QueuedRun[]> {
    const all = [...this.found.values()].sort(compareUrgency);
    const isMine = new Set<QueuedRun>();
    const check = async (run: QueuedRun): Promise<void> => {
      if (await this.isOrphaned(run, conversations)) isMine.add(run);
    };
    await forEachBounded(sample(all, MAX_SAMPLED), PARALLEL, check);
    // Mostly all are those of living servers. Otherwise all have to be known, for their order.
    if (isMine.size > 0 && all.length > MAX_SAMPLED) await forEachBounded(all, PARALLEL, check);
    return all.filter((run) => isMine.has(run));
  }

  private async isOrphaned(
    { conversation_id: id }: QueuedRun,
    conversations: QueuedConversations,
  ): Promise<boolean> {
    if (conversations.isOpen(id)) return true;
    if (!(await this.catalogue.has(id))) {
      this.found.delete(id);
      await this.stored.remove(id);
      return false;
    }
    return (await this.leases.isVacant(id)) && (await conversations.hasWorkspace(id));
  }
}

/** Some of a list, beginning at a random one: those of other servers do not hide any for ever. */
function sample<T>(all: readonly T[], most: number): T[] {
  const from = all.length > most ? Math.floor(Math.random() * all.length) : 0;
  return [...all.slice(from), ...all.slice(0, from)].slice(0, most);
}
