import { Injectable } from '@nestjs/common';
import {
  isFilePath,
  type Checkpoint,
  type CheckpointStore,
  type FileVersion,
  type Moment,
  type RestoreResult,
  type RestoreScope,
} from '../../checkpoints/index.js';
import { AppConfig } from '../../config/index.js';
import { InvalidRequestError } from '../../errors/index.js';
import { withoutTrailingSlashes } from '../../text/index.js';
import { CheckpointsOffError, UnknownCheckpointError, UnknownFileError } from '../conversation-errors.js';
import { ConversationsService } from '../conversations.service.js';
import { WorkspaceHost } from '../conversation/workspace-host.js';
import type { Conversation } from '../conversation/conversation.js';
import type { ConversationCheckpoints } from './conversation-checkpoints.js';
import { checkpointItem, type CheckpointItem } from './checkpoint-items.js';
import { compareMoments, type CheckpointDiff } from './compare-moments.js';

/** Files of all checkpoints in a page. */
const MAX_PAGE_FILES = 5_000;
/** A page of checkpoints, the newest first. */
export interface CheckpointPage {
  items: CheckpointItem[];
  next_page_id: string | null;
  /** How many of the oldest were dropped. */
  dropped: number;
  bytes: number;
  max_bytes: number;
}

/** A restore, as it was asked for: its step is a number or the id of an event. */
export interface RestoreRequest extends Omit<RestoreScope, 'step'> {
  step: string;
  force: boolean;
}

/** Checkpoints of conversations, by their ids. */
@Injectable()
export class CheckpointsService {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly workspaces: WorkspaceHost,
    private readonly config: AppConfig,
  ) {}

  /** @param before only checkpoints with a smaller number */
  async list(id: string, before: number, limit: number): Promise<CheckpointPage> {
    const { checkpoints } = await this.open(id);
    const page = await checkpoints.recorder.use((store) => Promise.resolve(pageOf(store, before, limit)));
    const seqs = await checkpoints.seqsOf(page.steps);
    const items = page.steps.map((step) => checkpointItem(step, seqs.get(step.eventId), page.has));
    const { next, dropped, bytes } = page;
    return { items, next_page_id: next, dropped, bytes, max_bytes: this.config.checkpoints.max_bytes };
  }

  /** @param only a path; then only this file is compared */
  async diff(id: string, from: string, to: string, only: string | null): Promise<CheckpointDiff> {
    const { checkpoints } = await this.open(id);
    const { comparison, store, tree } = await checkpoints.recorder.use((store, tree) => {
      const moments = { from: momentOf(store, from), to: momentOf(store, to) };
      return Promise.resolve({ comparison: { ...moments, only, steps: [...store.steps] }, store, tree });
    });
    // Steps of the agent do not wait for it.
    return checkpoints.comparisons.run(() => compareMoments(comparison, store, tree));
  }

  /** The content of a file before or after a step. */
  async content(id: string, step: string, path: string, side: 'before' | 'after'): Promise<Buffer> {
    const { checkpoints } = await this.open(id);
    return checkpoints.recorder.use(async (store) => {
      const found = stepOf(store, step);
      const change = found.changes.find((candidate) => candidate.path === path);
      const version = change?.[side];
      const bytes = version?.hash ? await store.objects.read(version.hash) : undefined;
      if (!bytes) throw new UnknownFileError(path);
      return bytes;
    });
  }

  /** @throws InvalidRequestError, AlreadyRunningError, UnknownCheckpointError, RestoreConflictError */
  async restore(id: string, request: RestoreRequest): Promise<RestoreResult> {
    const { step, mode, force } = request;
    const paths = request.paths?.map(withoutTrailingSlashes) ?? null;
    const wrong = paths?.find((path) => !isFilePath(path));
    if (wrong !== undefined)
      throw new InvalidRequestError(['body', 'paths'], 'Not a path below the workspace', wrong);
    const { conversation, checkpoints } = await this.open(id);
    const number = await checkpoints.recorder.use((store) => Promise.resolve(stepOf(store, step).number));
    return conversation.rewind.restoreFiles({ step: number, mode, paths }, force);
  }

  /** A restore as an item of the list. */
  async item(id: string, step: Checkpoint): Promise<CheckpointItem> {
    const { checkpoints } = await this.open(id);
    const seq = (await checkpoints.seqsOf([step])).get(step.eventId);
    return checkpoints.recorder.use((store) =>
      Promise.resolve(checkpointItem(step, seq, (version) => store.has(version))),
    );
  }

  private async open(
    id: string,
  ): Promise<{ conversation: Conversation; checkpoints: ConversationCheckpoints }> {
    const conversation = await this.conversations.open(id);
    const { checkpoints } = conversation.agentRuntime;
    if (!checkpoints) throw new CheckpointsOffError();
    this.workspaces.assertHere(conversation.state);
    return { conversation, checkpoints };
  }
}

function pageOf(
  store: CheckpointStore,
  before: number,
  limit: number,
): {
  steps: Checkpoint[];
  next: string | null;
  dropped: number;
  bytes: number;
  has: (version: FileVersion | null) => boolean;
} {
  const all = store.steps.filter(({ number }) => number < before);
  const steps: Checkpoint[] = [];
  let files = 0;
  for (const step of all.toReversed()) {
    files += step.changes.length;
    if (steps.length >= limit || (steps.length > 0 && files > MAX_PAGE_FILES)) break;
    steps.push(step);
  }
  const next = steps.length < all.length ? String(steps.at(-1)?.number ?? 0) : null;
  const { dropped } = store.log;
  return { steps, next, dropped, bytes: store.bytes, has: (version) => store.has(version) };
}

/** @param name a number, or the id of an event @throws UnknownCheckpointError */
function stepOf(store: CheckpointStore, name: string): Checkpoint {
  const step = /^\d{1,15}$/.test(name) ? store.step(Number(name)) : store.stepOf(name);
  if (!step) throw new UnknownCheckpointError(name);
  return step;
}

function momentOf(store: CheckpointStore, name: string): Moment {
  return name === 'beginning' || name === 'now' ? name : stepOf(store, name).number;
}
