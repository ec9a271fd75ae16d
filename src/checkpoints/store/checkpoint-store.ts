import path from 'node:path';
import { meters } from '../../meters/index.js';
import type { FoundFile } from '../tree/workspace-tree.js';
import type { Checkpoint, FileVersion } from '../version.js';
import { CheckpointLog } from './checkpoint-log.js';
import { OBJECTS_FOLDER, ObjectStore } from './object-store.js';

/** Steps of which a record is kept. */
const MAX_STEPS = 10_000;
/** What is kept for the steps takes at most so much of the room; the rest is for the next one. */
const KEPT_SHARE = 0.9;
/** The log is in memory while the conversation is open: its share of the room. */
const LOG_SHARE = 0.125;
/** With less, contents that nobody needs are left: the next run may need them. */
const TIDY_SHARE = 0.5;

/** The checkpoints of a conversation, with the contents that they name, in a bounded room. */
export class CheckpointStore {
  /** Contents that are in use beside those that the log names. */
  held: () => Iterable<string> = () => [];

  private constructor(
    readonly log: CheckpointLog,
    readonly objects: ObjectStore,
    private readonly maxBytes: number,
  ) {}

  /** Contents that no step names are removed: those of files that no command has changed. */
  static async open(folder: string, maxBytes: number): Promise<CheckpointStore> {
    const log = await CheckpointLog.open(folder);
    const objects = await ObjectStore.open(path.join(folder, OBJECTS_FOLDER), maxBytes);
    const store = new CheckpointStore(log, objects, maxBytes);
    await store.removeUnused();
    return store;
  }

  get steps(): readonly Checkpoint[] {
    return this.log.steps;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.log.size + this.objects.bytes;
  }

  step(number: number): Checkpoint | undefined {
    return this.log.steps.find((step) => step.number === number);
  }

  stepOf(eventId: string): Checkpoint | undefined {
    return this.log.steps.find((step) => step.eventId === eventId);
  }

  /** Keeps a content. @returns false if there is no room for it */
  keep(found: FoundFile | undefined): Promise<boolean> {
    if (!found?.bytes || found.version.hash === null) return Promise.resolve(true);
    return this.objects.put(found.version.hash, found.bytes);
  }

  /** Whether the content of a version can be had. */
  has(version: FileVersion | null): boolean {
    return version === null || this.objects.has(version.hash);
  }

  /** Records a step that has ended, and drops the oldest ones if there is no room for more. */
  async add(step: Omit<Checkpoint, 'number'>): Promise<Checkpoint> {
    const numbered = { number: this.log.last + 1, ...step };
    await this.log.end(numbered);
    if (step.changes.length > 0) {
      meters.checkpoints.add();
      meters.checkpointFiles.add(step.changes.length);
    }
    await this.makeRoom();
    return numbered;
  }

  /** Removes contents that nobody needs if what is kept takes much of its room. */
  async tidy(): Promise<void> {
    if (this.bytes > this.maxBytes * TIDY_SHARE) await this.removeUnused();
  }

  private async makeRoom(): Promise<void> {
    const { steps } = this.log;
    if (steps.length <= MAX_STEPS && !this.isOver()) return;
    await this.removeUnused();
    // The newest stays in any case.
    while (steps.length > 1 && (steps.length > MAX_STEPS || this.isOver())) {
      const dropped = steps.length > MAX_STEPS ? steps.length - MAX_STEPS : Math.ceil(steps.length / 10);
      await this.log.drop(steps[Math.min(dropped, steps.length - 1) - 1]?.number ?? 0);
      await this.removeUnused();
    }
  }

  private isOver(): boolean {
    return this.bytes > this.maxBytes * KEPT_SHARE || this.log.size > this.maxBytes * LOG_SHARE;
  }

  private async removeUnused(): Promise<void> {
    const used = new Set<string>();
    const versions = [
      ...this.log.steps.flatMap(({ changes }) => changes.flatMap(({ before, after }) => [before, after])),
      ...this.log.begun.flatMap(({ files }) => (files ?? []).map(({ before }) => before)),
      ...(this.log.restore?.files ?? []).flatMap(({ from, to }) => [from, to]),
    ];
    for (const hash of this.held()) used.add(hash);
    for (const version of versions) if (version?.hash) used.add(version.hash);
    for (const hash of [...this.objects.hashes]) if (!used.has(hash)) await this.objects.remove(hash);
  }
}
