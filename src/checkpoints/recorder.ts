import { realpath } from 'node:fs/promises';
import { errorMessage } from '../errors/index.js';
import { utcTimestamp } from '../events/index.js';
import type { FileRules } from '../files/index.js';
import { SerialQueue, settlesWithin } from '../flow/index.js';
import type { GitBounds } from '../git/index.js';
import { meters } from '../meters/index.js';
import { TooManyFilesError, WorkspaceWalk } from './scan/workspace-walk.js';
import { WorkspaceScan, type ScanResult } from './scan/workspace-scan.js';
import { CheckpointStore } from './store/checkpoint-store.js';
import { UnreadableError, WorkspaceTree } from './tree/workspace-tree.js';
import { sameVersion, type FileChange, type FileVersion, type Incomplete } from './version.js';

/** Limits of the checkpoints of a conversation. */
export interface CheckpointLimits {
  /** Bytes on disk. */
  maxBytes: number;
  /** Larger files are not kept (bytes). */
  maxFileBytes: number;
  /** In a workspace with more files commands are not followed. */
  maxFiles: number;
}

/** Where the checkpoints of a conversation are, and what they are of. */
export interface CheckpointPlace {
  /** Absolute path of a folder of their own. It need not exist. */
  folder: string;
  /** Absolute path of the workspace. */
  workspace: string;
  /** What the agent may read and change. */
  rules: FileRules;
  /** Absolute paths of folders that belong to the server and not to the workspace, even inside of it. */
  excluded: readonly string[];
  /** Where the parts of its repository may be. */
  bounds: () => Promise<GitBounds | undefined>;
  /** Called before anything else is done with the checkpoints: finishes a restore that was cut off. */
  opened: (store: CheckpointStore, tree: WorkspaceTree) => Promise<void>;
  /** Called with failures, which stop nothing. */
  report: (what: string, error: unknown) => void;
}

/** A step that is about to change files. */
export interface StepToRecord {
  /** Id of its action; null for a turn of an external agent. */
  eventId: string | null;
  tool: string;
  /** Absolute paths of the files that it may change; null: it may change any. */
  files: readonly string[] | null;
}

interface Parts {
  tree: WorkspaceTree;
  store: CheckpointStore;
}

interface OpenStep extends StepToRecord {
  startedAt: string;
  /** When its tool was started: ms since the epoch, and by a clock that nobody sets. Infinity: not yet. */
  began: number;
  beganAt: number;
  before: Map<string, FileVersion | null>;
  incomplete: Incomplete[];
}

/**
 * How long a command waits for the look at what somebody else has changed since the last step (ms). Enough
 * for some two thousand files; with more it goes on while the command runs already.
 */
const LOOK_MS = 8;
const MAX_OUTSIDE = 5;
/** How long a workspace counts as too large (ms): to find out takes up to a second of the processor. */
const LARGE_MS = 300_000;

/**
 * Keeps what files were before each step of a conversation, and records what the step has done to them. The
 * content is kept before the tool runs; what has changed is found after it, while the model thinks, and
 * before the next step begins. Failures never stop a step: they are part of its checkpoint.
 */
export class CheckpointRecorder {
  private readonly queue = new SerialQueue();
  private readonly open = new Map<string | null, OpenStep>();
  private parts: Parts | undefined;
  private scan: WorkspaceScan | undefined;
  /** Why commands are not followed; said once. */
  private unscanned: Incomplete | undefined;
  private saidUnscanned = false;
  /** Until then (ms, by a clock that nobody sets) no other attempt is made. */
  private unscannedUntil = 0;

  constructor(
    private readonly place: CheckpointPlace,
    private readonly limits: CheckpointLimits,
  ) {}

  /**
   * Before the first step of a run.
   * @param forCommands gets to know the workspace, so that the first command need not wait for that
   */
  prepare(forCommands: boolean): Promise<void> {
    return this.work('prepare', async () => {
      if (forCommands) await this.ensureScan();
      else await this.ready();
    });
  }

  /** Resolves when what the step may change is kept: its tool may start. Never rejects. */
  async begin(step: StepToRecord): Promise<void> {
    const started = performance.now();
    await new Promise<void>((resolve) => {
      void this.work('begin', () => this.beginStep(step, resolve)).then(resolve);
    });
    meters.checkpointBegins.observe((performance.now() - started) / 1000);
  }

  /** The step is over. Never rejects. */
  end(eventId: string | null): Promise<void> {
    return this.work('end', async () => {
      const step = this.open.get(eventId);
      this.open.delete(eventId);
      if (step) await this.endStep(step);
    });
  }

  /** Resolves when the steps that have ended are recorded. */
  idle(): Promise<void> {
    return this.queue.settled();
  }

  /** The run is over, and with it all its steps. What is known of the workspace is forgotten. */
  settle(): Promise<void> {
    return this.work('settle', async () => {
      for (const [id, step] of this.open) {
        this.open.delete(id);
        await this.endStep(step);
      }
      this.scan = undefined;
      if (performance.now() > this.unscannedUntil) this.unscanned = undefined;
      if (!this.parts) return;
      await this.recordUnended(this.parts, 'its end could not be recorded');
      await this.parts.store.tidy();
    });
  }

  /** Works on the checkpoints while no step begins or ends. */
  use<T>(work: (store: CheckpointStore, tree: WorkspaceTree) => Promise<T>): Promise<T> {
    return this.queue.run(async () => {
      const { store, tree } = await this.ready();
      const { last } = store.log;
      try {
        return await work(store, tree);
      } finally {
        // What a restore has changed is no change of the next command.
        if (store.log.last !== last) this.scan = undefined;
      }
    });
  }

  private work(what: string, task: () => Promise<void>): Promise<void> {
    return this.queue.run(task).catch((error: unknown) => {
      meters.checkpointFailures.add();
      this.place.report(`checkpoint (${what})`, error);
    });
  }

  private async ready(): Promise<Parts> {
    if (this.parts) {
      // A restore could not be finished, as on a full disk.
      if (this.parts.store.log.restore) await this.place.opened(this.parts.store, this.parts.tree);
      return this.parts;
    }
    const { workspace, rules, folder } = this.place;
    const tree = await WorkspaceTree.open(workspace, this.limits.maxFileBytes, rules);
    const store = await CheckpointStore.open(folder, this.limits.maxBytes);
    store.held = () => this.scan?.hashes() ?? [];
    await this.recordUnended({ tree, store }, 'the server ended during this step');
    await this.place.opened(store, tree);
    // Its tree gets its real path when it is made.
    if (tree.exists) this.parts = { tree, store };
    return { tree, store };
  }

  /** Records what is known of steps that have begun and are not open any more. */
  private async recordUnended(parts: Parts, detail: string): Promise<void> {
    const { store } = parts;
    for (const step of store.log.begun.filter(({ eventId }) => !this.open.has(eventId))) {
      const { eventId, tool, startedAt, files } = step;
      const before = new Map((files ?? []).map((file) => [file.path, file.before]));
      const { changes, incomplete } = await this.changesOf(before, parts);
      const end = { eventId, tool, startedAt, endedAt: utcTimestamp(), changes };
      await store.add({ ...end, incomplete: [...incomplete, { reason: 'interrupted', detail }] });
    }
  }

  /** @param release starts the tool */
  private async beginStep({ eventId, tool, files }: StepToRecord, release: () => void): Promise<void> {
    const parts = await this.ready();
    const step: OpenStep = {
      ...{ eventId, tool, files, startedAt: utcTimestamp(), began: Infinity, beganAt: Infinity },
      before: new Map(),
      incomplete: [],
    };
    const isFirst = files === null && this.scan === undefined;
    if (files) await this.keepBefore(step, parts);
    else await this.ensureScan();
    this.open.set(eventId, step);
    const { startedAt, before } = step;
    const named = [...before].map(([path, version]) => ({ path, before: version }));
    // What names no file of the workspace changes nothing in it.
    if (files === null || named.length > 0)
      await parts.store.log.begin({ eventId, tool, startedAt, files: files ? named : null });
    const look = files === null && !isFirst ? this.lookBefore() : undefined;
    if (look) await settlesWithin(look, LOOK_MS);
    step.began = Date.now();
    step.beganAt = performance.now();
    release();
    await look;
  }

  /** What somebody else has changed before the commands that run now. */
  private async lookBefore(): Promise<void> {
    await this.scanning(undefined, (scan) => scan.takeNote(() => this.commandsBegan()));
  }

  /** When the first of the commands that are open was started; Infinity: none was. */
  private commandsBegan(): number {
    return Math.min(...[...this.open.values()].map(began));
  }

  private async keepBefore(step: OpenStep, parts: Parts): Promise<void> {
    for (const file of step.files ?? []) {
      try {
        await this.keepNamed(step, file, parts);
      } catch (error) {
        step.incomplete.push(unreadable(file, error));
      }
    }
  }

  private async keepNamed(step: OpenStep, file: string, { tree, store }: Parts): Promise<void> {
    for (const path of await tree.pathsOf(file)) {
      if (path === undefined) {
        const outside = step.incomplete.filter(({ reason }) => reason === 'outside').length;
        if (outside < MAX_OUTSIDE) step.incomplete.push({ reason: 'outside', detail: file });
        continue;
      }
      const stats = await tree.stat(path);
      const known = stats && this.scan?.knownVersion(path, stats);
      if (known && store.objects.has(known.hash)) {
        step.before.set(path, known);
        continue;
      }
      const found = await tree.find(path);
      if (!(await store.keep(found))) step.incomplete.push({ reason: 'full', detail: path });
      step.before.set(path, found?.version ?? null);
    }
  }

  private async ensureScan(): Promise<void> {
    if (this.scan || this.unscanned) return;
    const { tree, store } = await this.ready();
    const bounds = await this.place.bounds();
    const excluded = new Set(await Promise.all(this.place.excluded.map(realPathOf)));
    const isHidden = (folder: string): boolean => excluded.has(folder) || tree.isHidden(folder);
    const walk = new WorkspaceWalk(tree.root, this.limits.maxFiles, bounds, isHidden);
    this.scan = new WorkspaceScan(tree, store.objects, walk, bounds);
    await this.scanning(undefined, (scan) => scan.takeNote(() => Infinity));
  }

  private changesSince(moment: number): Promise<ScanResult> {
    const none = { changes: [], incomplete: [] };
    return this.scanning(none, (scan) => scan.changes(moment)).then(({ changes, incomplete }) => ({
      changes,
      incomplete: [...incomplete, ...this.takeUnscanned()],
    }));
  }

  /** Works with the scan, and gives it up if the workspace cannot be scanned. */
  private async scanning<T>(otherwise: T, work: (scan: WorkspaceScan) => Promise<T>): Promise<T> {
    if (!this.scan) return otherwise;
    try {
      return await work(this.scan);
    } catch (error) {
      this.scan = undefined;
      const isLarge = error instanceof TooManyFilesError;
      if (isLarge) this.unscannedUntil = performance.now() + LARGE_MS;
      this.unscanned = { reason: isLarge ? 'too_many_files' : 'unreadable', detail: errorMessage(error) };
      return otherwise;
    }
  }

  private takeUnscanned(): Incomplete[] {
    if (!this.unscanned || this.saidUnscanned) return [];
    this.saidUnscanned = true;
    return [this.unscanned];
  }

  private async endStep(step: OpenStep): Promise<void> {
    const parts = await this.ready();
    const { eventId, tool, startedAt, files, before } = step;
    if (files && before.size === 0) return;
    const { changes, incomplete } = files
      ? await this.changesOf(before, parts)
      : await this.changesSince(Math.min(began(step), this.commandsBegan()));
    const problems = [...step.incomplete, ...incomplete];
    const isOutsideOnly = changes.length === 0 && problems.every(({ reason }) => reason === 'outside');
    const end = { eventId, tool, startedAt, endedAt: utcTimestamp(), changes };
    await parts.store.add({ ...end, incomplete: isOutsideOnly ? [] : problems });
  }

  private async changesOf(
    versions: ReadonlyMap<string, FileVersion | null>,
    { tree, store }: Parts,
  ): Promise<ScanResult> {
    const changes: FileChange[] = [];
    const incomplete: Incomplete[] = [];
    for (const [path, before] of versions) {
      try {
        const found = await tree.find(path);
        const after = found?.version ?? null;
        this.scan?.note(path, found);
        if (sameVersion(before, after)) continue;
        if (before && after && before.hash === null && before.size === after.size) continue;
        if (!(await store.keep(found))) incomplete.push({ reason: 'full', detail: path });
        changes.push({ path, before, after });
      } catch (error) {
        incomplete.push(unreadable(path, error));
      }
    }
    return { changes, incomplete };
  }
}

/** When a command was started, by the earlier of the clock of then and of now: it may have been set since. */
function began({ files, began: then, beganAt }: OpenStep): number {
  if (files !== null || then === Infinity) return Infinity;
  return Math.min(then, Date.now() - (performance.now() - beganAt));
}

/** @throws any error but an UnreadableError */
function unreadable(file: string, error: unknown): Incomplete {
  if (!(error instanceof UnreadableError)) throw error;
  return { reason: 'unreadable', detail: `${file}: ${error.message}` };
}

/** The path itself of what does not exist. */
function realPathOf(file: string): Promise<string> {
  return realpath(file).catch(() => file);
}
