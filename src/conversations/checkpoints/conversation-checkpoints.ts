import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import { environmentMessage } from '../../agent/index.js';
import {
  applyRestore,
  CheckpointRecorder,
  copyCheckpoints,
  planRestore,
  removeTemporary,
  type BegunRestore,
  type Checkpoint,
  type CheckpointStore,
  type FailedFile,
  type FileChange,
  type PlannedFile,
  type RestoreScope,
  type WorkspaceTree,
} from '../../checkpoints/index.js';
import { utcTimestamp } from '../../events/index.js';
import { persistenceRoot } from '../../files/index.js';
import { meters } from '../../meters/index.js';
import type { Toolset } from '../agent-runtime/toolset.js';
import { RestoreConflictError, UnknownCheckpointError } from '../conversation-errors.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { Journal } from '../journal/journal.js';
import type { SecretMasker } from '../secrets/secret-masker.js';

/** The folder of the checkpoints in that of a conversation. */
const FOLDER = 'checkpoints';
/** Files that the message for the agent names. */
const MAX_NAMED = 50;

/** What a restore has done. */
export interface RestoreResult {
  /** The restore as a step of its own; null if there was nothing to do. */
  checkpoint: Checkpoint | null;
  failed: readonly FailedFile[];
}

/** The checkpoints of one open conversation, and restores of its files. */
export class ConversationCheckpoints {
  readonly recorder: CheckpointRecorder;
  private readonly folder: string;

  constructor(
    private readonly journal: Journal,
    private readonly masker: SecretMasker,
    toolset: Toolset,
    { config, folders }: Pick<ConversationServices, 'config' | 'folders'>,
  ) {
    const { max_bytes, max_file_bytes, max_files } = config.checkpoints;
    this.folder = path.join(folders.folder(journal.state.id), FOLDER);
    const place = {
      folder: this.folder,
      workspace: toolset.workingDir,
      rules: toolset.confinement.files,
      excluded: [
        config.paths.conversations,
        config.paths.bashEvents,
        path.join(path.dirname(config.paths.conversations), '.openhands'),
        persistenceRoot(config.base_dir),
      ],
      bounds: () => toolset.boundsOfGit(),
      opened: (store: CheckpointStore, tree: WorkspaceTree) => this.finishInterrupted(store, tree),
      report: (what: string, error: unknown) => journal.report(what, error),
    };
    const limits = { maxBytes: max_bytes, maxFileBytes: max_file_bytes, maxFiles: max_files };
    this.recorder = new CheckpointRecorder(place, limits);
  }

  /**
   * Puts files back as they were before a step, and tells the agent.
   * @param assertIdle throws while a run is active; from then on tools wait until the restore has ended
   * @throws UnknownCheckpointError, RestoreConflictError
   */
  restore(scope: RestoreScope, force: boolean, assertIdle: () => void): Promise<RestoreResult> {
    return this.recorder.use(async (store, tree) => {
      assertIdle();
      const files = await planned(store, tree, scope, force);
      if (files.length === 0) return { checkpoint: null, failed: [] };
      const mark = `restore-${randomBytes(8).toString('hex')}`;
      const begun = { scope, files, mark, messageId: randomUUID(), startedAt: utcTimestamp() };
      await store.log.beginRestore(begun);
      meters.fileRestores.add();
      return this.finish(store, tree, begun);
    });
  }

  /**
   * As `restore`, without doing it.
   * @throws as `restore`
   */
  check(scope: RestoreScope, force: boolean): Promise<void> {
    return this.recorder.use(async (store, tree) => {
      await planned(store, tree, scope, force);
    });
  }

  /**
   * The number of the first step that began after a moment.
   * @param moment UTC, as in steps; null: the first of all
   */
  stepAfter(moment: string | null): Promise<number | undefined> {
    return this.recorder.use((store) => {
      const step = store.steps.find(({ startedAt }) => moment === null || startedAt > moment);
      return Promise.resolve(step?.number);
    });
  }

  /** Copies the checkpoints into the folder of another conversation. */
  copyTo(folder: string): Promise<void> {
    return this.recorder.use(() => copyCheckpoints(this.folder, path.join(folder, FOLDER)));
  }

  /** The server ended in the middle of a restore. */
  private async finishInterrupted(store: CheckpointStore, tree: WorkspaceTree): Promise<void> {
    const { restore } = store.log;
    if (!restore) return;
    await removeTemporary(tree, restore);
    await this.finish(store, tree, restore);
  }

  /** The agent is told before the end is recorded: after a crash in between both are done again. */
  private async finish(
    store: CheckpointStore,
    tree: WorkspaceTree,
    begun: BegunRestore,
  ): Promise<RestoreResult> {
    const { messageId, scope, startedAt } = begun;
    const { changes, failed } = await applyRestore(store, tree, begun);
    if ((await this.journal.log.seqOf(messageId)) === undefined) {
      const message = environmentMessage(messageFor(store, scope, changes, failed));
      await this.journal.commit([this.masker.maskEvent({ ...message, id: messageId })]);
    }
    const step = { eventId: messageId, tool: 'restore', startedAt, endedAt: utcTimestamp(), changes };
    const incomplete = failed.map(({ path: file, reason }) => ({
      reason: 'unreadable' as const,
      detail: `${file}: ${reason}`,
    }));
    const checkpoint = await store.add({ ...step, incomplete, restore: scope });
    return { checkpoint, failed };
  }
}

/** @throws UnknownCheckpointError, RestoreConflictError */
async function planned(
  store: CheckpointStore,
  tree: WorkspaceTree,
  scope: RestoreScope,
  force: boolean,
): Promise<PlannedFile[]> {
  if (!store.step(scope.step)) throw new UnknownCheckpointError(scope.step);
  const { files, conflicts } = await planRestore(store, tree, scope);
  const refused = conflicts.filter(({ canForce }) => !force || !canForce);
  if (refused.length > 0) throw new RestoreConflictError(refused);
  return files;
}

function messageFor(
  store: CheckpointStore,
  { step: number, mode, paths }: RestoreScope,
  changes: readonly FileChange[],
  failed: readonly FailedFile[],
): string {
  const tool = store.step(number)?.tool;
  const what = mode === 'only' ? `undone what step ${number}` : `undone what step ${number} and later steps`;
  const lines = [
    `The user has ${what} did to ${paths ? 'some' : 'the'} files of the workspace` +
      `${tool === undefined ? '' : ` (step ${number} was ${tool})`}. Read a file again before you edit it.`,
    named(
      'Restored',
      changes.filter(({ after }) => after !== null),
    ),
    named(
      'Removed',
      changes.filter(({ after }) => after === null),
    ),
    named('Not restored, because of errors', failed),
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function named(what: string, files: readonly { path: string }[]): string {
  if (files.length === 0) return '';
  const names = files.slice(0, MAX_NAMED).map((file) => JSON.stringify(file.path));
  const more = files.length > MAX_NAMED ? ` and ${files.length - MAX_NAMED} more` : '';
  return `${what}: ${names.join(', ')}${more}`;
}
