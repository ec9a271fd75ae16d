import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  CheckpointRecorder,
  finishInterrupted,
  planRestore,
  runRestore,
  type Checkpoint,
  type CheckpointLimits,
  type CheckpointStore,
  type FailedFile,
  type RestoreConflict,
  type RestoreScope,
  type WorkspaceTree,
} from '../../src/checkpoints/index.js';
import { CLOCK_TICK_MS } from '../../src/checkpoints/scan/workspace-walk.js';
import { NO_RULES } from '../../src/files/index.js';
import { eventually } from './eventually.js';

export const CHECKPOINT_LIMITS = { maxBytes: 16 * 1024 * 1024, maxFileBytes: 100_000, maxFiles: 1_000 };

const told = (): Promise<void> => Promise.resolve();

/** A workspace with checkpoints, without a server. */
export class CheckpointWorkspace {
  /** Failures to record. */
  readonly failures: unknown[] = [];
  private ids = 0;

  constructor(readonly root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'checkpoints-')))) {
    fs.mkdirSync(this.folder, { recursive: true });
  }

  /** The workspace. */
  get folder(): string {
    return path.join(this.root, 'work');
  }

  /** The path of a file of the workspace. */
  at(...names: string[]): string {
    return path.join(this.folder, ...names);
  }

  /** As a server does when it starts. */
  open(limits: Partial<CheckpointLimits> = {}): CheckpointRecorder {
    const place = {
      folder: path.join(this.root, 'checkpoints'),
      workspace: this.folder,
      rules: NO_RULES,
      excluded: [this.at('of-the-server')],
      bounds: () => Promise.resolve(undefined),
      opened: (store: CheckpointStore, tree: WorkspaceTree) => finishInterrupted(store, tree, told),
      report: (_what: string, error: unknown) => void this.failures.push(error),
    };
    return new CheckpointRecorder(place, { ...CHECKPOINT_LIMITS, ...limits });
  }

  /** @param files what a file tool names; null: a command */
  async begin(recorder: CheckpointRecorder, files: string[] | null = null): Promise<string> {
    const eventId = `e${(this.ids += 1)}`;
    const tool = files ? 'file_editor' : 'terminal';
    await recorder.begin({ eventId, tool, files: files?.map((name) => this.at(name)) ?? null });
    return eventId;
  }

  async step(recorder: CheckpointRecorder, work: () => void, files: string[] | null = null): Promise<void> {
    const eventId = await this.begin(recorder, files);
    work();
    await recorder.end(eventId);
  }

  /** Resolves when a file is older than what the clock of file systems cannot tell apart. */
  async age(name: string): Promise<void> {
    const { ctimeMs } = fs.lstatSync(this.at(name));
    await eventually(() => Date.now() - ctimeMs > 2 * CLOCK_TICK_MS, 'a file of some age');
  }

  /** Files and links with permissions and content; folders only as part of paths. */
  tree(folder = this.folder, below = ''): Record<string, string> {
    const entries = fs.readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== '.git');
    return Object.assign(
      {},
      ...entries.map((entry) => {
        const file = path.join(folder, entry.name);
        const name = `${below}${entry.name}`;
        if (entry.isDirectory()) return this.tree(file, `${name}/`);
        if (entry.isSymbolicLink()) return { [name]: `-> ${fs.readlinkSync(file)}` };
        const mode = (fs.statSync(file).mode & 0o777).toString(8);
        return { [name]: `${mode} ${fs.readFileSync(file, 'latin1')}` };
      }),
    ) as Record<string, string>;
  }

  remove(): void {
    fs.rmSync(this.root, { recursive: true });
  }
}

export function stepsOf(recorder: CheckpointRecorder): Promise<readonly Checkpoint[]> {
  return recorder.use((store) => Promise.resolve([...store.steps]));
}

/** The names of the files that each step has changed. */
export async function changedFiles(recorder: CheckpointRecorder): Promise<string[][]> {
  return (await stepsOf(recorder)).map(({ changes }) => changes.map((change) => change.path));
}

/** Does nothing if there are conflicts, but for `force`. */
export function restore(
  recorder: CheckpointRecorder,
  wanted: Partial<RestoreScope> & { step: number },
  force = false,
): Promise<{ conflicts: RestoreConflict[]; failed: readonly FailedFile[] }> {
  const scope: RestoreScope = { mode: 'since', paths: null, ...wanted };
  return recorder.use(async (store, tree) => {
    const { conflicts, files } = await planRestore(store, tree, scope);
    if (files.length === 0 || (conflicts.length > 0 && !force)) return { conflicts, failed: [] };
    const { failed } = await runRestore(store, tree, { scope, files }, told);
    return { conflicts, failed };
  });
}

export function inStore<T>(recorder: CheckpointRecorder, look: (store: CheckpointStore) => T): Promise<T> {
  return recorder.use((store) => Promise.resolve(look(store)));
}
