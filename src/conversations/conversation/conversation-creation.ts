import { InvalidRequestError } from '../../errors/index.js';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { ContextLoader, PluginSourceError, toPluginSource } from '../../agent/index.js';
import { AppConfig } from '../../config/index.js';
import { SecretCodec } from '../../crypto/index.js';
import { KeyLimiter } from '../../limits/index.js';
import { prepareCalls } from '../../llm/index.js';
import { Sandbox, stricterMode } from '../../sandbox/index.js';
import { Catalogue, LeaseHeldError } from '../../storage/index.js';
import { maskRemote } from '../../text/index.js';
import { ToolRegistry } from '../../tools/index.js';
import type { Conversation } from './conversation.js';
import { ToolNameClashError } from '../conversation-errors.js';
import { WorkspaceHost } from './workspace-host.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import { assertModelsServed, assertToolsKnown, makeWorkingDir, newConversation } from './new-conversation.js';
import type { ConversationState } from '../state/conversation-state.js';
import { requestedSandbox } from '../state/conversation-sandbox.js';
import type { NewMessage, StartConversationRequest } from '../state/start-request.js';
import { withSkillSourcing } from '../context/acp-skill-sourcing.js';
import { findAmbientPlugins } from '../context/ambient-plugins.js';
import { loadPromptFiles } from '../context/prompt-files.js';
import { isOwnKeys } from '../owners/own-key-rules.js';
import type { RunRequest } from '../runs/queue/queued-run.js';
import { RunQueue } from '../runs/queue/run-queue.js';
import { BoundCredentials, requireBinding } from '../secrets/bound-credentials.js';
import { decryptRequest } from '../secrets/request-secrets.js';
import { FROM_HEAD, WorktreeError, Worktrees, type CreatedWorktree } from '../worktrees/worktrees.js';
import { withWorktreeNote } from '../worktrees/worktree-note.js';

/**
 * How long a creation of the same id on another server is waited for, and how often it is looked for (ms).
 */
const CREATION_LIMIT_MS = 5_000;
const CREATION_CHECK_MS = 50;

/** The slot that was taken for the first run, or how it waits without one. */
interface SlotOptions extends FirstRun {
  releaseSlot?: () => void;
}

/** How the first run is requested. */
export interface FirstRun extends RunRequest {
  /** The idempotency key of the initial message. */
  key?: string;
}

/** Creates conversations: each id once, with its folder, its worktree and its initial message. */
@Injectable()
export class ConversationCreation {
  /** Creations in progress by id: a second request for the same id waits for the first. */
  private readonly creating = new Map<string, Promise<unknown>>();

  constructor(
    private readonly registry: ConversationRegistry,
    private readonly catalogue: Catalogue,
    private readonly worktrees: Worktrees,
    private readonly queue: RunQueue,
    private readonly toolRegistry: ToolRegistry,
    private readonly context: ContextLoader,
    private readonly codec: SecretCodec,
    private readonly credentials: BoundCredentials,
    private readonly workspaces: WorkspaceHost,
    private readonly config: AppConfig,
    private readonly sandbox: Sandbox,
    private readonly limiter: KeyLimiter,
  ) {}

  /**
   * Creates a conversation. An initial message starts a run.
   * @returns undefined when the id exists already
   * @throws InvalidRequestError, RunLimitError; SandboxError if the sandbox that it asks for does not work
   */
  async create(request: StartConversationRequest, run: FirstRun = {}): Promise<Conversation | undefined> {
    const { conversation_id: id } = request;
    if (id === null) return this.validateAndMake(request, run);
    if (await this.exists(id)) return undefined;
    // There is no await between `exists` and `set`, so only one caller creates the id.
    const making = this.validateAndMake(request, run);
    this.creating.set(id, making);
    return making.finally(() => this.creating.delete(id));
  }

  /** Waits for a creation in progress. */
  private async exists(id: string): Promise<boolean> {
    for (;;) {
      if (await this.catalogue.has(id)) return true;
      const making = this.creating.get(id);
      if (!making) return false;
      await making.catch(() => undefined);
    }
  }

  private async validateAndMake(
    sent: StartConversationRequest,
    run: FirstRun,
  ): Promise<Conversation | undefined> {
    const decrypted = decryptRequest(this.codec, sent);
    const request = { ...decrypted, agent: withSkillSourcing(decrypted.agent, this.config) };
    const parent = await this.parentOf(request);
    assertToolsKnown(request, this.toolRegistry);
    assertModelsServed(request);
    // Before anything is created, so that a rejected request leaves nothing behind.
    const { owner_key: ownerKey } = withOwnerOf(parent, request);
    const giveBack = await this.limiter.takeConversation(ownerKey);
    let slot: SlotOptions = run;
    try {
      if (request.initial_message) slot = this.takeSlot(ownerKey, run);
      const conversation = await this.make(request, parent, slot);
      if (!conversation) giveBack();
      return conversation;
    } catch (error) {
      giveBack();
      slot.releaseSlot?.();
      throw error;
    } finally {
      slot.releasePlace?.();
    }
  }

  /** A slot for the first run, or a place in the queue. @throws RunLimitError, QueueFullError */
  private takeSlot(ownerKey: string | null, run: FirstRun): SlotOptions {
    const releaseSlot = this.queue.takeSlot(ownerKey, run);
    if (releaseSlot) return { ...run, releaseSlot };
    return { ...run, releasePlace: this.queue.reserve(ownerKey) };
  }

  private async make(
    request: StartConversationRequest,
    parent: ConversationState | undefined,
    slot: SlotOptions,
  ): Promise<Conversation | undefined> {
    // A child works with the files of its parent.
    if (parent) this.workspaces.assertHere(parent);
    await makeWorkingDir(request.workspace.working_dir, this.config.base_dir);
    const state = newConversation(withOwnerOf(parent, request), this.toolRegistry);
    const mode = stricterMode(requestedSandbox(state), parent && requestedSandbox(parent));
    if (mode !== 'off') state.rest = { ...state.rest, sandbox: mode };
    this.sandbox.assertAvailable(mode);
    if (this.workspaces.name !== undefined) state.workspace_host = this.workspaces.name;
    this.useBinding(state);
    const { agent, agentField = 'agent' } = request;
    // The files are read again for the prompt. Reading them now rejects a request with unusable ones.
    const { config, context } = this;
    await loadPromptFiles(agent, { config, context }, state, ['body', agentField]);
    state.rest = { ...state.rest, ...(await this.pluginFolders(request)) };
    const worktree = request.worktree ? await this.makeWorktree(request, state.id) : undefined;
    if (worktree) {
      state.agent = withWorktreeNote(state.agent, state.workspace.working_dir, worktree);
      state.workspace = { ...state.workspace, working_dir: worktree.workingDir };
      state.worktree = worktree.record;
    } else if (parent?.worktree) {
      state.worktree = parent.worktree;
      await this.worktrees.share(parent.worktree, parent.id, state.id);
    }
    const workspace = path.resolve(this.config.base_dir, state.workspace.working_dir);
    // Those of the user who runs the server are not for keys that reach their own conversations only.
    if (!isOwnKeys(state)) {
      const ambient = await findAmbientPlugins(state, workspace, context);
      state.rest = { ...state.rest, ...ambient };
    }
    let created = false;
    let conversation: Conversation;
    try {
      ({ conversation, created } = await this.registry.create(state));
    } catch (error) {
      if (!(error instanceof LeaseHeldError) || !(await this.isCreatedElsewhere(state.id))) throw error;
      slot.releaseSlot?.();
      return undefined;
    } finally {
      if (!created && worktree) await this.worktrees.remove(worktree.record);
    }
    if (created && agent.kind !== 'ACPAgent') prepareCalls(agent.llm.model);
    if (created && request.initial_message)
      await this.sendInitialMessage(conversation, request.initial_message, slot);
    else slot.releaseSlot?.();
    return created ? conversation : undefined;
  }

  /** Waits for another server that is creating the same id. Returns whether the conversation exists then. */
  private async isCreatedElsewhere(id: string): Promise<boolean> {
    const end = performance.now() + CREATION_LIMIT_MS;
    while (!(await this.catalogue.has(id))) {
      if (performance.now() > end) return false;
      await delay(CREATION_CHECK_MS);
    }
    return true;
  }

  /** A credential may be bound before its conversation exists. Agents that take none drop it. */
  private useBinding(state: ConversationState): void {
    const { credentials } = this;
    if (!credentials.sourceOf(state.id)) return;
    if (state.agent.kind === 'ACPAgent') requireBinding(state);
    else credentials.unbind(state.id);
  }

  /**
   * The folders of the requested plugins. Repositories are fetched now, so that an unusable one is rejected.
   * @throws InvalidRequestError
   */
  private async pluginFolders({ rest }: StartConversationRequest): Promise<{ plugin_folders?: string[] }> {
    const { plugins } = rest;
    if (!Array.isArray(plugins) || plugins.length === 0) return {};
    const plugin_folders: string[] = [];
    for (const [index, entry] of plugins.entries()) {
      const source = toPluginSource(entry);
      if (!source) continue;
      try {
        plugin_folders.push(await this.context.pluginFolder(source));
      } catch (error) {
        if (!(error instanceof PluginSourceError)) throw error;
        const input = maskRemote(source.source);
        throw new InvalidRequestError(['body', 'plugins', index, 'source'], error.message, input);
      }
    }
    return { plugin_folders };
  }

  /** Removes the conversation again when two of its tools have the same name. */
  private async sendInitialMessage(
    conversation: Conversation,
    message: NewMessage,
    options: SlotOptions,
  ): Promise<void> {
    try {
      await conversation.sendMessage(message, true, options);
    } catch (error) {
      if (!(error instanceof ToolNameClashError)) throw error;
      const { id, worktree } = conversation.state;
      const exists = (user: string): Promise<boolean> => this.catalogue.has(user);
      await this.registry.destroy(id, async () => {
        if (worktree) await this.worktrees.leave(worktree, id, exists);
      });
      throw new InvalidRequestError(['body', 'agent', 'mcp_config'], error.message);
    }
  }

  /** Outside of a repository there is no worktree, which is an error only if the request needs one. */
  private async makeWorktree(
    request: StartConversationRequest,
    id: string,
  ): Promise<CreatedWorktree | undefined> {
    const field = request.needsWorktree ? 'isolation' : 'worktree';
    const folder = path.resolve(this.config.base_dir, request.workspace.working_dir);
    if (request.workspace_root !== null)
      throw new InvalidRequestError(['body', field], 'a worktree would be outside the folder of the key');
    try {
      const made = await this.worktrees.create(folder, id, request.worktree_options ?? FROM_HEAD);
      if (made || !request.needsWorktree) return made;
      throw new WorktreeError(`${folder} is not in a git repository`);
    } catch (error) {
      if (!(error instanceof WorktreeError)) throw error;
      throw new InvalidRequestError(
        ['body', field],
        error.message,
        request.needsWorktree ? 'worktree' : true,
      );
    }
  }

  /** The parent works in the same folder, or the child gets a worktree of its own. */
  private async parentOf(request: StartConversationRequest): Promise<ConversationState | undefined> {
    const { parent_conversation_id: id, workspace, needsWorktree } = request;
    if (id === null) return undefined;
    const parent = await this.registry.peek(id);
    if (!parent) throw new InvalidRequestError([], `Parent conversation ${id} not found`);
    if (needsWorktree !== true && !isDeepStrictEqual(parent.workspace, workspace)) {
      throw new InvalidRequestError([], `Parent conversation ${id} belongs to a different workspace`);
    }
    return parent;
  }
}

/** A child belongs to whom its parent belongs. */
function withOwnerOf(
  parent: ConversationState | undefined,
  request: StartConversationRequest,
): StartConversationRequest {
  if (!parent) return request;
  return { ...request, owner_key: parent.owner_key, workspace_root: parent.workspace_root ?? null };
}
