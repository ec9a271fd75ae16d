import { InvalidRequestError } from '../../errors/index.js';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { SourceError, sourceOf } from '../../agent/skills/plugins/index.js';
import { prepareCalls } from '../../llm/index.js';
import { maskRemote } from '../../text/index.js';
import type { Conversation } from './conversation.js';
import { ToolNameClashError } from '../conversation-errors.js';
import { ConversationServices } from './conversation-services.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import { assertModelsServed, assertToolsKnown, makeWorkingDir, newConversation } from './new-conversation.js';
import type { ConversationState } from '../state/conversation-state.js';
import type { IncomingMessage, StartConversationRequest } from '../state/start-request.js';
import { findAmbientPlugins } from '../context/ambient-plugins.js';
import { loadPromptFiles } from '../context/prompt-files.js';
import { requireBinding } from '../secrets/bound-credentials.js';
import { decryptRequestSecrets } from '../secrets/request-secrets.js';
import { assertSecretsFit } from '../secrets/secret-sources.js';
import { FROM_HEAD, WorktreeError, Worktrees, type CreatedWorktree } from '../worktrees/worktrees.js';
import { withWorktreeNote } from '../worktrees/worktree-note.js';

/**
 * Makes conversations: each id once, with its folder, its worktree if one is asked for, and its first
 * message.
 */
@Injectable()
export class ConversationCreation {
  /** Ids that are being made: who asks for one of them meanwhile waits for it. */
  private readonly creating = new Map<string, Promise<unknown>>();

  constructor(
    private readonly services: ConversationServices,
    private readonly registry: ConversationRegistry,
    private readonly worktrees: Worktrees,
  ) {}

  /**
   * Makes a conversation; an initial message starts a run.
   * @returns undefined when there is one of this id already
   * @throws InvalidRequestError, RunLimitError
   */
  async create(request: StartConversationRequest): Promise<Conversation | undefined> {
    const { conversation_id: id } = request;
    if (id === null) return this.checkAndMake(request);
    if (await this.exists(id)) return undefined;
    // Nothing is waited for between the last look and this line, so each id is made by one caller.
    const making = this.checkAndMake(request);
    this.creating.set(id, making);
    return making.finally(() => this.creating.delete(id));
  }

  /** Whether there is a conversation of this id; one that is being made is waited for. */
  private async exists(id: string): Promise<boolean> {
    for (;;) {
      if (await this.services.catalogue.has(id)) return true;
      const making = this.creating.get(id);
      if (!making) return false;
      await making.catch(() => undefined);
    }
  }

  private async checkAndMake(sent: StartConversationRequest): Promise<Conversation | undefined> {
    const request = this.opened(sent);
    const parent = await this.parentOf(request);
    assertToolsKnown(request, this.services.registry);
    assertModelsServed(request);
    // The run's place before anything is made: a refused request leaves nothing behind.
    const slot = request.initial_message ? this.services.slots.take() : undefined;
    try {
      return await this.make(request, parent, slot);
    } catch (error) {
      slot?.();
      throw error;
    }
  }

  private async make(
    request: StartConversationRequest,
    parent: ConversationState | undefined,
    slot: (() => void) | undefined,
  ): Promise<Conversation | undefined> {
    await makeWorkingDir(request.workspace.working_dir, this.services.baseDir);
    const state = newConversation(request, this.services.registry);
    this.useBinding(state);
    const { agent, agentField = 'agent' } = request;
    // Read again for the prompt; until then the client is told of what is wrong.
    await loadPromptFiles(agent, this.services, `conversation ${state.id}`, ['body', agentField]);
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
    const workspace = path.resolve(this.services.baseDir, state.workspace.working_dir);
    const ambient = await findAmbientPlugins(state, workspace, this.services.context);
    state.rest = { ...state.rest, ...ambient };
    let created = false;
    let conversation: Conversation;
    try {
      ({ conversation, created } = await this.registry.create(state));
    } finally {
      if (!created && worktree) await this.worktrees.remove(worktree.record);
    }
    if (created && agent.kind !== 'ACPAgent') prepareCalls(agent.llm.model);
    if (created && request.initial_message) await this.sendFirst(conversation, request.initial_message, slot);
    else slot?.();
    return created ? conversation : undefined;
  }

  /** A credential that was bound before its conversation was made is dropped by an agent that takes none. */
  private useBinding(state: ConversationState): void {
    const { credentials } = this.services;
    if (!credentials.sourceOf(state.id)) return;
    if (state.agent.kind === 'ACPAgent') requireBinding(state);
    else credentials.unbind(state.id);
  }

  /**
   * Where the plugins of a request are. Repositories are fetched now, so that a wrong one is refused.
   * @throws InvalidRequestError
   */
  private async pluginFolders({ rest }: StartConversationRequest): Promise<{ plugin_folders?: string[] }> {
    const { plugins } = rest;
    if (!Array.isArray(plugins) || plugins.length === 0) return {};
    const plugin_folders: string[] = [];
    for (const [index, entry] of plugins.entries()) {
      const source = sourceOf(entry);
      if (!source) continue;
      try {
        plugin_folders.push(await this.services.context.pluginFolder(source));
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        const shown = maskRemote(source.source);
        throw new InvalidRequestError(['body', 'plugins', index, 'source'], error.message, shown);
      }
    }
    return { plugin_folders };
  }

  /** A conversation whose tools cannot be told apart is not made. */
  private async sendFirst(
    conversation: Conversation,
    message: IncomingMessage,
    slot: (() => void) | undefined,
  ): Promise<void> {
    try {
      await conversation.sendMessage(message, true, { slot });
    } catch (error) {
      if (!(error instanceof ToolNameClashError)) throw error;
      const { id, worktree } = conversation.state;
      const isThere = (user: string): Promise<boolean> => this.services.catalogue.has(user);
      await this.registry.destroy(id, async () => {
        if (worktree) await this.worktrees.leave(worktree, id, isThere);
      });
      throw new InvalidRequestError(['body', 'agent', 'mcp_config'], error.message);
    }
  }

  /**
   * With the secrets in clear that came as tokens of this server.
   * @throws InvalidRequestError
   */
  private opened(request: StartConversationRequest): StartConversationRequest {
    const { agent, secrets, security_analyzer, hook_config, rest, agentField = 'agent' } = request;
    const opened = decryptRequestSecrets(
      this.services.secrets,
      { agent, secrets, security_analyzer, hook_config, rest },
      ([root = 'agent', ...path]) => [
        'body',
        ...(root === 'agent' ? [agentField] : root === 'rest' ? [] : [root]),
        ...path,
      ],
      rest['secrets_encrypted'] === true,
    );
    const full = { ...request, ...opened };
    assertSecretsFit(full, ['body', 'secrets']);
    return full;
  }

  /**
   * A folder outside of any repository is worked in as it is, unless the worktree is what the request is
   * about.
   */
  private async makeWorktree(
    request: StartConversationRequest,
    id: string,
  ): Promise<CreatedWorktree | undefined> {
    const field = request.needsWorktree ? 'isolation' : 'worktree';
    const folder = path.resolve(this.services.baseDir, request.workspace.working_dir);
    try {
      const made = await this.worktrees.create(folder, id, request.worktree_options ?? FROM_HEAD);
      if (made || !request.needsWorktree) return made;
      throw new WorktreeError(`${folder} is in no git repository`);
    } catch (error) {
      if (!(error instanceof WorktreeError)) throw error;
      throw new InvalidRequestError(
        ['body', field],
        error.message,
        request.needsWorktree ? 'worktree' : true,
      );
    }
  }

  /** The conversation that this one is made for. It works in the same folder, or in a worktree of its own. */
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
