import { realpath } from 'node:fs/promises';
import { errorMessage } from '../errors/index.js';
import { utcTimestamp } from '../events/index.js';
import type { FileRules } from '../files/index.js';
import { SerialQueue } from '../flow/index.js';
import type { GitBounds } from '../git/index.js';
import { meters } from '../meters/index.js';
import { TooManyFilesError, WorkspaceWalk } from './scan/workspace-walk.js';
import { WorkspaceScan } from './scan/workspace-scan.js';
import { CheckpointStore } from './store/checkpoint-store.js';
import { WorkspaceTree, type FoundFile } from './tree/workspace-tree.js';
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
  /** Called once, before anything else is done with the checkpoints: finishes what a crash has cut off. */
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

interface OpenStep extends StepToRecord {
  startedAt: string;
  /** Milliseconds since the epoch. */
  began: number;
  before: Map<string, FileVersion | null>;
  incomplete: Incomplete[];
}

/**
 * With so many files a scan takes a millisecond or two, and is done before a command as well. With more, what
 * somebody else changes in the moment before a command counts as the command's.
 */
const MAX_SMALL = 500;
const MAX_OUTSIDE = 5;

/**
 * Keeps what files were before each step of a conversation, and records what the step has done to them. The
 * content is kept before the tool runs; what has changed is found after it, while the model thinks, and
 * before the next step begins. Failures never stop a step: they are part of its checkpoint.
 */
export class CheckpointRecorder {
  private readonly queue = new SerialQueue();
  private readonly open = new Map<string | null, OpenStep>();
  private parts: { tree: WorkspaceTree; store: CheckpointStore } | undefined;
  private scan: WorkspaceScan | undefined;
  /** Why commands are not followed in this run; said once. */
  private unscanned: Incomplete | undefined;
  private saidUnscanned = false;

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

  /** Resolves when what the step may change is kept. Never rejects. */
  begin(step: StepToRecord): Promise<void> {
    return this.work('begin', async () => {
      const started = performance.now();
      await this.beginStep(step);
      meters.checkpointBegins.observe((performance.now() - started) / 1000);
    });
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
      this.unscanned = undefined;
    });
  }

  /** Works on the checkpoints while no step begins or ends. */
  use<T>(work: (store: CheckpointStore, tree: WorkspaceTree) => Promise<T>): Promise<T> {
    return this.queue.run(async () => {
      const { store, tree } = await this.ready();
      return work(store, tree);
    });
  }

  private work(what: string, task: () => Promise<void>): Promise<void> {
    return this.queue.run(task).catch((error: unknown) => {
      meters.checkpointFailures.add();
      this.place.report(`checkpoint (${what})`, error);
    });
  }

  private async ready(): Promise<{ tree: WorkspaceTree; store: CheckpointStore }> {
    if (this.parts) return this.parts;
    const { workspace, rules, folder } = this.place;
    const tree = await WorkspaceTree.open(workspace, this.limits.maxFileBytes, rules);
    const store = await CheckpointStore.open(folder, this.limits.maxBytes);
    store.held = () => this.scan?.hashes() ?? [];
    // It gets its real path when it is made.
    if (tree.exists) this.parts = { tree, store };
    for (const step of store.log.begun.splice(0)) {
      const changes: FileChange[] = [];
      for (const { path, before } of step.files ?? []) {
        const found = await tree.find(path);
        await store.keep(found);
        changes.push({ path, before, after: found?.version ?? null });
      }
      const changed = changes.filter(({ before, after }) => !sameVersion(before, after));
      const detail = 'the server ended during this step';
      await store.add({
        ...step,
        endedAt: utcTimestamp(),
        changes: changed,
        incomplete: [{ reason: 'interrupted', detail }],
      });
    }
    await this.place.opened(store, tree);
    return { tree, store };
  }

  private async beginStep({ eventId, tool, files }: StepToRecord): Promise<void> {
    const { store, tree } = await this.ready();
    const step: OpenStep = {
      ...{ eventId, tool, files, startedAt: utcTimestamp(), began: Date.now() },
      before: new Map(),
      incomplete: [],
    };
    if (files) await this.keepBefore(step, tree, store);
    else await this.keepAll();
    this.open.set(eventId, step);
    const { startedAt, before } = step;
    const named = [...before].map(([path, version]) => ({ path, before: version }));
    // What names no file of the workspace changes nothing in it.
    if (files === null || named.length > 0)
      await store.log.begin({ eventId, tool, startedAt, files: files ? named : null });
    step.began = Date.now();
  }

  private async keepBefore(step: OpenStep, tree: WorkspaceTree, store: CheckpointStore): Promise<void> {
    let outside = 0;
    for (const file of step.files ?? []) {
      const path = await tree.pathOf(file);
      if (path === undefined) {
        if (outside++ < MAX_OUTSIDE) step.incomplete.push({ reason: 'outside', detail: file });
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

  /** Before a command: what is known of the workspace is what there is. */
  private async keepAll(): Promise<void> {
    await this.ensureScan();
    if (this.scan && this.scan.size <= MAX_SMALL) await this.runScan(Infinity);
  }

  private async ensureScan(): Promise<void> {
    if (this.scan || this.unscanned) return;
    const { tree, store } = await this.ready();
    const bounds = await this.place.bounds();
    const excluded = new Set(await Promise.all(this.place.excluded.map(realPathOf)));
    const isHidden = (folder: string): boolean => excluded.has(folder) || tree.isHidden(folder);
    const walk = new WorkspaceWalk(tree.root, this.limits.maxFiles, bounds, isHidden);
    this.scan = new WorkspaceScan(tree, store.objects, walk, bounds);
    await this.runScan(Infinity);
  }

  private async runScan(since: number): Promise<{ changes: FileChange[]; incomplete: Incomplete[] }> {
    if (!this.scan) return { changes: [], incomplete: this.takeUnscanned() };
    try {
      return await this.scan.run(since);
    } catch (error) {
      this.scan = undefined;
      const isLarge = error instanceof TooManyFilesError;
      const detail = isLarge ? `more than ${this.limits.maxFiles} files` : errorMessage(error);
      this.unscanned = { reason: isLarge ? 'too_many_files' : 'unreadable', detail };
      return { changes: [], incomplete: since === Infinity ? [] : this.takeUnscanned() };
    }
  }

  private takeUnscanned(): Incomplete[] {
    if (!this.unscanned || this.saidUnscanned) return [];
    this.saidUnscanned = true;
    return [this.unscanned];
  }

  private async endStep(step: OpenStep): Promise<void> {
    const { store, tree } = await this.ready();
    const { eventId, tool, startedAt, files, before } = step;
    const { changes, incomplete } = files
      ? await this.changesOf(step, tree, store)
      : await this.runScan(step.began);
    if (files && before.size === 0) return;
    const endedAt = utcTimestamp();
    const problems = [...step.incomplete, ...incomplete];
    const isOutsideOnly = changes.length === 0 && problems.every(({ reason }) => reason === 'outside');
    await store.add({
      eventId,
      tool,
      startedAt,
      endedAt,
      changes,
      incomplete: isOutsideOnly ? [] : problems,
    });
  }

  private async changesOf(
    { before }: OpenStep,
    tree: WorkspaceTree,
    store: CheckpointStore,
  ): Promise<{ changes: FileChange[]; incomplete: Incomplete[] }> {
    const changes: FileChange[] = [];
    const incomplete: Incomplete[] = [];
    for (const [path, version] of before) {
      const found: FoundFile | undefined = await tree.find(path);
      const after = found?.version ?? null;
      this.scan?.note(path, found);
      if (sameVersion(version, after)) continue;
      if (version && after && version.hash === null && version.size === after.size) continue;
      if (!(await store.keep(found))) incomplete.push({ reason: 'full', detail: path });
      changes.push({ path, before: version, after });
    }
    return { changes, incomplete };
  }
}

/** The path itself of what does not exist. */
function realPathOf(file: string): Promise<string> {
  return realpath(file).catch(() => file);
}
