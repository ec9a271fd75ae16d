import path from 'node:path';
import { environmentMessage } from '../../agent/index.js';
import {
  CheckpointRecorder,
  copyCheckpoints,
  finishInterrupted,
  planRestore,
  runRestore,
  type AppliedRestore,
  type Checkpoint,
  type CheckpointStore,
  type PlannedFile,
  type RestoreResult,
  type RestoreScope,
  type TellRestore,
  type WorkspaceTree,
} from '../../checkpoints/index.js';
import { SerialQueue } from '../../flow/index.js';
import { persistenceRoot } from '../../files/index.js';
import { meters } from '../../meters/index.js';
import { toStorageError } from '../../storage/index.js';
import type { Toolset } from '../agent-runtime/toolset.js';
import { RestoreConflictError, UnknownCheckpointError } from '../conversation-errors.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { Journal } from '../journal/journal.js';
import type { SecretMasker } from '../secrets/secret-masker.js';

/** The folder of the checkpoints in that of a conversation. */
const FOLDER = 'checkpoints';
/** Files that the message for the agent names. */
const MAX_NAMED = 50;

/** The checkpoints of one open conversation, and restores of its files. */
export class ConversationCheckpoints {
  readonly recorder: CheckpointRecorder;
  /** Of moments: one after another, because each takes much time. */
  readonly comparisons = new SerialQueue();
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
      opened: (store: CheckpointStore, tree: WorkspaceTree) =>
        finishInterrupted(store, tree, (...restore) => this.tell(store, ...restore)),
      report: (what: string, error: unknown) => journal.report(what, error),
    };
    const limits = { maxBytes: max_bytes, maxFileBytes: max_file_bytes, maxFiles: max_files };
    this.recorder = new CheckpointRecorder(place, limits);
  }

  /**
   * Puts files back as they were before a step, and tells the agent.
   * @param assertIdle throws while a run is active; from then on tools wait until the restore has ended
   * @throws UnknownCheckpointError, RestoreConflictError, StorageFailedError
   */
  async restore(scope: RestoreScope, force: boolean, assertIdle: () => void): Promise<RestoreResult> {
    try {
      return await this.recorder.use(async (store, tree) => {
        assertIdle();
        const files = await planned(store, tree, scope, force);
        if (files.length === 0) return { checkpoint: null, failed: [] };
        meters.fileRestores.add();
        return runRestore(store, tree, { scope, files }, (...restore) => this.tell(store, ...restore));
      });
    } catch (error) {
      throw toStorageError(error);
    }
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
   * The number of the first step after an event. Steps whose own event is not in the log, those of sub-agents
   * and of ACP agents, are placed by their times.
   * @param event its number and its time (UTC, as in steps); null: the first of all
   */
  stepAfter(event: { seq: number; moment: string } | null): Promise<number | undefined> {
    return this.recorder.use(async ({ steps }) => {
      if (!event) return steps[0]?.number;
      const seqs = await this.seqsOf(steps);
      return steps.find(({ eventId, startedAt, restore }) => {
        const own = seqs.get(eventId);
        if (own === undefined) return startedAt > event.moment;
        // An action comes before its step, and the message about a restore after it.
        return restore ? own > event.seq : own >= event.seq;
      })?.number;
    });
  }

  /** The numbers of the events of steps, as far as they are in the log. */
  async seqsOf(steps: readonly Checkpoint[]): Promise<Map<string | null, number | undefined>> {
    const ids = steps.flatMap(({ eventId }) => eventId ?? []);
    const seqs = await this.journal.log.seqsOf(ids);
    return new Map(ids.map((id, index) => [id, seqs[index]]));
  }

  /** Copies the checkpoints into the folder of another conversation. */
  copyTo(folder: string): Promise<void> {
    return this.recorder.use(() => copyCheckpoints(this.folder, path.join(folder, FOLDER)));
  }

  /** Tells the agent once. */
  private async tell(store: CheckpointStore, ...[begun, applied]: Parameters<TellRestore>): Promise<void> {
    const { messageId: id, scope } = begun;
    if ((await this.journal.log.seqOf(id)) !== undefined) return;
    const message = environmentMessage(messageFor(store, scope, applied));
    await this.journal.commit([this.masker.maskEvent({ ...message, id })]);
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
  { changes, failed }: AppliedRestore,
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
