import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { textContent, type DurableEvent } from '../../events/index.js';
import { Catalogue, ConversationFolders, LeaseHeldError } from '../../storage/index.js';
import type { Conversation } from '../conversation/conversation.js';
import { ConversationCreation } from '../conversation/conversation-creation.js';
import {
  AlreadyRunningError,
  ConversationExistsError,
  ConversationNotFoundError,
  UnknownEventError,
} from '../conversation-errors.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import { BoundCredentials } from '../secrets/bound-credentials.js';
import type { ConversationState } from '../state/conversation-state.js';
import type { StartConversationRequest } from '../state/start-request.js';
import type { ChildRequest, StartedChild } from '../../tools/index.js';
import type { JsonObject } from '../../json/index.js';
import { toRecord } from '../journal/log-writer.js';
import type { RunRequest } from '../runs/queue/queued-run.js';
import { Worktrees } from '../worktrees/worktrees.js';
import { ChildStarter } from './child-starter.js';
import { branchPath, systemPromptSeq, treeEvent } from './branch-path.js';
import { copyAgentFiles } from './fork-memory.js';
import { copyEvents, forkedState, openActionErrors, type ForkRequest } from './fork.js';

/** Navigates between the branches of a conversation, and creates forks and child conversations. */
@Injectable()
export class BranchesService {
  constructor(
    private readonly registry: ConversationRegistry,
    private readonly catalogue: Catalogue,
    private readonly folders: ConversationFolders,
    private readonly credentials: BoundCredentials,
    private readonly creation: ConversationCreation,
    private readonly worktrees: Worktrees,
    children: ChildStarter,
  ) {
    children.setHandler((id, request) => this.startChild(id, request));
  }

  /**
   * Makes another event the head; null starts a new branch at the root.
   * @param files puts the files of the workspace back as they were then
   * @throws UnknownEventError, AlreadyRunningError, RestoreConflictError
   */
  async navigate(
    id: string,
    eventId: string | null,
    includeSkills: boolean,
    files?: { force: boolean },
  ): Promise<JsonObject> {
    const conversation = await this.acquireAs(id, 'Conversation');
    await conversation.rewind.navigate(eventId, files);
    return this.info(conversation, includeSkills);
  }

  /**
   * Copies a conversation, or one branch of it, to a new conversation with the same working directory. Event
   * ids are kept. The fork exists once all events are copied.
   * @throws UnknownEventError, ConversationExistsError, AlreadyRunningError, RestoreConflictError
   */
  async fork(id: string, request: ForkRequest, includeSkills: boolean): Promise<JsonObject> {
    const source = await this.acquireAs(id, 'Source conversation');
    if (request.id !== null && (await this.catalogue.has(request.id))) {
      throw new ConversationExistsError(request.id);
    }
    if (request.files) await assertRestorable(source, request);
    const { state, seqs, errors } = await planFork(source, request);
    if (state.worktree) await this.worktrees.share(state.worktree, id, state.id);
    this.credentials.share(id, state.id);
    const folders = { source: this.folders.folder(id), fork: this.folders.folder(state.id) };
    const { conversation, created } = await this.registry.create(state, async (log, fence) => {
      if (request.files) await source.agentRuntime.checkpoints?.copyTo(folders.fork);
      const adapt = await copyAgentFiles(folders, request.fromEventId === null);
      await copyEvents(source.log, seqs, { log, fence }, adapt);
      if (errors.length > 0) await log.append(seqs.length, fence, errors.map(toRecord));
    });
    if (!created) throw new ConversationExistsError(state.id);
    if (request.files && request.fromEventId !== null)
      await conversation.rewind.restoreSince(request.fromEventId, request.files.force);
    return this.info(conversation, includeSkills);
  }

  /**
   * Starts a child conversation that works on a task with the same agent.
   * @param run what happens if its run reaches a limit
   * @throws InvalidRequestError if the worktree cannot be created; RunLimitError, QueueFullError
   */
  async startChild(
    id: string,
    { task, title, isolation }: ChildRequest,
    run: RunRequest = {},
  ): Promise<StartedChild> {
    const parent = await this.registry.peek(id);
    if (!parent) throw new ConversationNotFoundError(id, 'Parent conversation');
    const childId = randomUUID();
    this.credentials.share(id, childId);
    const request: StartConversationRequest = {
      ...inheritedState(parent),
      conversation_id: childId,
      parent_conversation_id: id,
      title,
      initial_message: { role: 'user', content: [textContent(task)] },
      worktree: isolation === 'worktree',
      needsWorktree: isolation === 'worktree',
      worktree_options: null,
    };
    const child = await this.creation.create(request, run);
    if (!child) throw new ConversationExistsError(id);
    return {
      conversation_id: child.id,
      parent_conversation_id: id,
      // As for every new conversation: a run that was just started is reported as idle until its first step.
      status: 'idle',
      title,
      url: null,
      workspace: child.state.workspace.working_dir,
      isolation,
    };
  }

  private async acquireAs(id: string, role: string): Promise<Conversation> {
    try {
      return await this.registry.acquire(id);
    } catch (error) {
      const missing = error instanceof ConversationNotFoundError || error instanceof LeaseHeldError;
      throw missing ? new ConversationNotFoundError(id, role) : error;
    }
  }

  private async info(conversation: Conversation, includeSkills: boolean): Promise<JsonObject> {
    const children = await this.catalogue.childrenOf(conversation.id);
    await conversation.settled();
    return conversation.info({ includeSkills, runtimeInfo: false, children });
  }
}

interface ForkPlan {
  /** The initial state of the fork. */
  state: ConversationState;
  /** The events to copy. All of them are durable. */
  seqs: number[];
  /** Events that are appended to the copied ones. */
  errors: DurableEvent[];
}

/** Both work with the same files: those of an active run are not changed. */
async function assertRestorable(source: Conversation, { fromEventId, files }: ForkRequest): Promise<void> {
  if (source.isRunning) throw new AlreadyRunningError();
  if (fromEventId !== null) await source.rewind.restoreSince(fromEventId, files?.force ?? false, true);
}

async function planFork(source: Conversation, request: ForkRequest): Promise<ForkPlan> {
  const view = source.isRunning ? await source.view() : undefined;
  // From here on, state and log are read synchronously: later events belong to the source only.
  await source.settled();
  const { log, length } = source;
  const open = source.state.execution_status === 'running' ? (view?.pendingActions() ?? []) : [];
  if (request.fromEventId === null) {
    const head = source.state.leaf_event_id;
    const errors = openActionErrors(open, head);
    const state = forkedState(source.state, request, errors.at(-1)?.id ?? head);
    return { state, seqs: Array.from({ length }, (_, seq) => seq), errors };
  }
  if ((await log.seqOf(request.fromEventId)) === undefined)
    throw new UnknownEventError('from_event_id', request.fromEventId);
  const head = await treeEvent(log, length, request.fromEventId);
  const seqs = await branchPath(log, length, head);
  const prompt = await systemPromptSeq(log, length);
  // A branch that starts at the root does not contain the system prompt, but the fork needs it.
  if (prompt !== undefined && !seqs.includes(prompt)) seqs.unshift(prompt);
  const openSeqs = await log.seqsOf(open.map(({ id }) => id));
  const errors = openActionErrors(
    open.filter((_, index) => seqs.includes(openSeqs[index] ?? -1)),
    head,
  );
  return { state: forkedState(source.state, request, errors.at(-1)?.id ?? head), seqs, errors };
}

/** The state that a child inherits from its parent. */
function inheritedState(parent: ConversationState) {
  const { agent, workspace, confirmation_policy, security_analyzer, max_iterations, stuck_detection } =
    parent;
  const {
    secrets,
    client_tools,
    tool_module_qualnames,
    hook_config,
    tags,
    autotitle,
    rest,
    launched_agent_profile,
  } = parent;
  return structuredClone({
    ...{ agent, workspace, confirmation_policy, security_analyzer, max_iterations, stuck_detection },
    ...{
      secrets,
      client_tools,
      tool_module_qualnames,
      hook_config,
      tags,
      autotitle,
      rest,
      launched_agent_profile,
    },
    max_budget_per_run: parent.max_budget_per_run ?? null,
    owner_key: parent.owner_key,
    workspace_root: parent.workspace_root ?? null,
  });
}
