import { rm } from 'node:fs/promises';
import { HttpException, HttpStatus, Logger } from '@nestjs/common';
import { errorMessage, errorStack } from '../../errors/index.js';
import { forEachBounded, KeyedSerialQueue } from '../../flow/index.js';
import type { ContainerEngine, ListedContainer } from '../engine/container-engine.js';
import { EngineAwayError } from '../engine/engine-errors.js';
import type { ContainerRecord } from '../records/container-record.js';
import type { ContainerRecords } from '../records/container-records.js';
import type { RuntimeTrash } from '../disk/runtime-trash.js';
import { ContainerError } from './container-errors.js';
import {
  containerName,
  type ContainerFolders,
  CONVERSATION_LABEL,
  foldersOf,
  OWNER_LABEL,
  ownerOf,
} from './container-plan.js';
import type { ContainerStarter, RunningContainer } from './container-starter.js';

const PARALLEL_ADOPTIONS = 8;

/** A container that cannot be stopped for idleness until it is released. */
export interface ContainerUse {
  container: RunningContainer;
  release: () => void;
}

/** State of the runtime of a conversation, in the words of the wire. */
export type RuntimeStatus = 'available' | 'starting' | 'missing';

/** One conversation with its container, if it has one. */
class Slot {
  running: RunningContainer | undefined;
  starting: Promise<RunningContainer> | undefined;
  /** Its container is being stopped: whoever comes now waits for another one. */
  isStopping = false;
  uses = 0;
  lastUse = performance.now();
}

function archivedError(): HttpException {
  const detail = 'Conversation runtime was archived; its history is read-only';
  return new HttpException({ detail }, HttpStatus.GONE);
}

/**
 * The containers of all conversations: started when they are used, adopted after a restart of this server,
 * stopped when they are idle, and removed with everything that belongs to them.
 */
export class ConversationContainers {
  private readonly logger = new Logger('Containers');
  private readonly slots = new Map<string, Slot>();
  /** Starts and stops of a conversation, one at a time. */
  private readonly changes = new KeyedSerialQueue();
  private readonly stopping = new AbortController();
  /** Conversations that are being removed: nobody starts them. */
  private readonly ending = new Set<string>();
  private readonly owner: string;

  constructor(
    private readonly engine: ContainerEngine,
    private readonly starter: ContainerStarter,
    readonly records: ContainerRecords,
    private readonly folders: ContainerFolders,
    private readonly trash: RuntimeTrash,
    /** Called when a container has started, and when it has ended. */
    private readonly onChange: (id: string, isRunning: boolean) => void,
  ) {
    this.owner = ownerOf(folders);
  }

  has(id: string): boolean {
    return this.records.has(id);
  }

  status(id: string): RuntimeStatus {
    const slot = this.slots.get(id);
    if (slot?.running || slot?.isStopping === true) return 'available';
    return slot?.starting ? 'starting' : 'missing';
  }

  /** The conversations with a container that runs, as far as this server knows. */
  get running(): string[] {
    return [...this.slots].flatMap(([id, slot]) => (slot.running ? [id] : []));
  }

  /** The container of a conversation, started if need be. @throws EngineAwayError, ContainerError */
  async use(id: string): Promise<ContainerUse> {
    if (this.records.isArchived(id)) throw archivedError();
    const slot = this.slotOf(id);
    slot.uses += 1;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      slot.uses -= 1;
      slot.lastUse = performance.now();
    };
    try {
      return { container: slot.running ?? (await this.start(id, slot)), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** A container does not answer: if it has ended, the next use starts another one. */
  async lost(id: string, container: RunningContainer): Promise<void> {
    const slot = this.slots.get(id);
    if (slot?.running !== container) return;
    const found = await this.engine.inspect(container.containerId);
    if (found?.isRunning || slot.running !== container) return;
    this.forget(id, slot);
    this.logger.warn(`the container of conversation ${id} has ended: ${found?.ending ?? 'it was removed'}`);
    await this.engine.remove(container.containerId);
  }

  /** Ends the container of a conversation; everything is kept. */
  async stop(id: string): Promise<void> {
    await this.changes.run(id, () => this.stopNow(id, () => true));
  }

  /**
   * Ends the container of a conversation, removes its home and its own workspace, and then the rest, which
   * includes the record. Meanwhile no container of it is started.
   * @throws EngineAwayError while it may still run
   */
  async destroy(id: string, removeRest: () => Promise<void>): Promise<void> {
    this.ending.add(id);
    try {
      await this.changes.run(id, async () => {
        await this.engine.remove(this.slots.get(id)?.running?.containerId ?? containerName(this.owner, id));
        this.slots.delete(id);
        await rm(foldersOf(this.folders, id).data, { recursive: true, force: true, maxRetries: 3 });
      });
      await removeRest();
    } finally {
      this.ending.delete(id);
    }
  }

  /** Throws away the caches of containers that do not run. @throws EngineAwayError */
  async takeCaches(): Promise<void> {
    const found = await this.engine.list(`${OWNER_LABEL}=${this.owner}`);
    const kept = new Set(found.map(({ labels }) => labels[CONVERSATION_LABEL]));
    for (const { conversationId: id } of this.records.all) {
      if (kept.has(id) || this.slots.has(id)) continue;
      await this.changes.run(id, async () => {
        // Not started meanwhile.
        if (!this.slots.has(id)) await this.trash.takeCaches(foldersOf(this.folders, id).home);
      });
    }
  }

  /**
   * Throws away the home and the own workspace of a conversation whose container does not run; it is not
   * started any more.
   * @throws EngineAwayError
   */
  async archive(id: string, isWanted: () => Promise<boolean>): Promise<boolean> {
    return this.changes.run(id, async () => {
      if (!(await this.isAtRest(id)) || !(await isWanted())) return false;
      await this.records.archive(id);
      await this.trash.take(foldersOf(this.folders, id).data);
      return true;
    });
  }

  /** Removes in the background what was thrown away, and what a crash has left of archived conversations. */
  async emptyTrash(): Promise<void> {
    this.trash.emptySoon();
    for (const { conversationId: id } of this.records.all)
      if (this.records.isArchived(id)) await this.trash.take(foldersOf(this.folders, id).data);
  }

  /** Whether nobody uses the container of a conversation, and none runs. Call it in turn. */
  private async isAtRest(id: string): Promise<boolean> {
    const slot = this.slots.get(id);
    if (this.ending.has(id) || (slot && (slot.running || slot.uses > 0))) return false;
    return (await this.engine.inspect(containerName(this.owner, id))) === undefined;
  }

  /** Stops containers that nobody has used for a time and whose agents do not run. */
  async stopIdle(ttlMs: number, isBusy: (id: string) => Promise<boolean>): Promise<void> {
    for (const [id, slot] of this.slots) {
      const isIdle = (): boolean =>
        slot.running !== undefined && slot.uses === 0 && performance.now() - slot.lastUse >= ttlMs;
      if (!isIdle() || (await isBusy(id))) continue;
      if (!(await this.changes.run(id, () => this.stopNow(id, isIdle)))) continue;
      this.logger.log(`stopped the idle container of conversation ${id} (unused for ${ttlMs / 1000} s)`);
    }
  }

  /**
   * Compares the containers of the engine with what this server knows: adopts those that run, notices those
   * that have ended, and removes those without a conversation.
   * @throws EngineAwayError, EngineRefusedError
   */
  async reconcile(): Promise<void> {
    // Those that start while the engine answers are not in its answer.
    const before = new Set([...this.slots.values()].map(({ running }) => running));
    const found = await this.engine.list(`${OWNER_LABEL}=${this.owner}`);
    const known = new Set(found.map(({ id }) => id));
    for (const [id, slot] of this.slots)
      if (slot.running && before.has(slot.running) && !known.has(slot.running.containerId))
        this.forget(id, slot);
    await forEachBounded(found, PARALLEL_ADOPTIONS, (container) => this.settle(container));
  }

  /** Starts nothing any more. Containers go on: the next server with these folders adopts them. */
  close(): void {
    this.stopping.abort(new ContainerError('unavailable', 'The server is shutting down'));
  }

  private async settle({ id: containerId, labels, names, isRunning }: ListedContainer): Promise<void> {
    const id = labels[CONVERSATION_LABEL] ?? '';
    // An image that was made from one of our containers has its labels, and so has what others run of it.
    if (!names.includes(containerName(this.owner, id))) return;
    const record = this.records.get(id);
    const slot = this.slots.get(id);
    if (
      slot?.starting ||
      slot?.isStopping === true ||
      this.ending.has(id) ||
      slot?.running?.containerId === containerId ||
      this.records.problemOf(id) !== undefined
    ) {
      if (slot?.running?.containerId === containerId && !isRunning) await this.lost(id, slot.running);
      return;
    }
    try {
      // A record without a conversation is what a crash has left of a creation.
      if (record?.isCreated && isRunning) return await this.take(record, containerId);
      await this.engine.remove(containerId);
      const why = record ? 'that had ended' : 'without a conversation';
      this.logger.log(`removed a container ${why}: ${containerId.slice(0, 12)}`);
    } catch (error) {
      if (error instanceof EngineAwayError) throw error;
      this.logger.error(`container ${containerId.slice(0, 12)}: ${errorMessage(error)}`, errorStack(error));
    }
  }

  private async take(record: ContainerRecord, containerId: string): Promise<void> {
    const { conversationId: id } = record;
    const slot = this.slotOf(id);
    await this.memoized(record, slot, () => this.starter.adopt(record, containerId, this.stopping.signal));
    this.logger.log(`adopted the running container of conversation ${id}`);
  }

  private start(id: string, slot: Slot): Promise<RunningContainer> {
    const record = this.records.get(id);
    if (!record)
      throw new ContainerError(
        'upstream-failed',
        `The conversation cannot be served in its container: ${this.records.problemOf(id) ?? 'it was deleted'}`,
      );
    return this.memoized(record, slot, () => this.starter.start(record, this.stopping.signal));
  }

  /** All who ask share one start. */
  private memoized(
    record: ContainerRecord,
    slot: Slot,
    begin: () => Promise<RunningContainer>,
  ): Promise<RunningContainer> {
    const { conversationId: id } = record;
    slot.starting ??= this.changes
      .run(id, async () => {
        this.stopping.signal.throwIfAborted();
        // It may have been deleted since it was asked for.
        if (this.records.isArchived(id)) throw archivedError();
        if (this.ending.has(id) || !this.records.has(id))
          throw new ContainerError('conflict', 'The conversation is being deleted');
        slot.running ??= await begin();
        slot.lastUse = performance.now();
        if (record.isCreated) this.onChange(id, true);
        return slot.running;
      })
      .finally(() => (slot.starting = undefined));
    return slot.starting;
  }

  /** Call it in turn. @returns whether `isWanted` was still so */
  private async stopNow(id: string, isWanted: () => boolean): Promise<boolean> {
    if (!isWanted()) return false;
    const slot = this.slotOf(id);
    const { running } = slot;
    const target = running?.containerId ?? containerName(this.owner, id);
    slot.isStopping = true;
    slot.running = undefined;
    try {
      await this.engine.stop(target);
      await this.engine.remove(target);
      if (running) this.onChange(id, false);
      await this.trash.takeCaches(foldersOf(this.folders, id).home);
      return true;
    } catch (error) {
      slot.running ??= running;
      throw error;
    } finally {
      slot.isStopping = false;
    }
  }

  private forget(id: string, slot: Slot): void {
    if (!slot.running) return;
    slot.running = undefined;
    this.onChange(id, false);
  }

  private slotOf(id: string): Slot {
    const slot = this.slots.get(id) ?? new Slot();
    this.slots.set(id, slot);
    return slot;
  }
}
