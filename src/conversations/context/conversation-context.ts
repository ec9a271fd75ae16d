import { isDeepStrictEqual } from 'node:util';
import { Logger } from '@nestjs/common';
import {
  type AgentSpec,
  type PromptFiles,
  hookConfigForEvent,
  messageExtras,
  pathRulesFor,
  skillsOf,
  stringsIn,
  needsContext,
  type MessageExtras,
} from '../../agent/index.js';
import { errorStack } from '../../errors/index.js';
import { plainText, type Content, type EventDraft, stateUpdate } from '../../events/index.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { Journal } from '../journal/journal.js';
import { agentInEvents } from '../state/conversation-info.js';
import { withoutKnownParts, readAmbientPlugins } from './ambient-plugins.js';
import { mergePlugin } from './merge-plugin.js';
import { loadPromptFiles } from './prompt-files.js';

/** Shared by all conversations to save memory. */
const logger = new Logger('ConversationContext');

/**
 * The skills, memory and plugins of one conversation. They are read before the first message or run and are
 * part of the state from then on. Skills are added to events when words or files trigger them.
 */
export class ConversationContext {
  private loading: Promise<void> | undefined;
  /** Events of the changes by loading. */
  private pendingUpdates: EventDraft[] = [];
  private memoryText: string | undefined;

  constructor(
    private readonly journal: Journal,
    /** Absolute path. */
    private readonly workingDir: string,
    private readonly services: Pick<ConversationServices, 'config' | 'context' | 'secretCodec'>,
  ) {}

  /** Loads the context once. Never rejects. */
  prepare(): Promise<void> {
    this.loading ??= this.load().catch((error: unknown) => {
      logger.error(`conversation ${this.journal.state.id}: reading its context failed`, errorStack(error));
    });
    return this.loading;
  }

  /** Returns and clears the events of the changes by `prepare`. They precede the system prompt. */
  takeUpdates(): EventDraft[] {
    const updates = this.pendingUpdates;
    this.pendingUpdates = [];
    return updates;
  }

  /** The content of the agent's memory files, if loaded. */
  get memory(): string | undefined {
    return this.memoryText;
  }

  /**
   * Reads the files of the system prompt.
   * @throws UnusablePromptError
   */
  promptFiles(): Promise<PromptFiles> {
    return loadPromptFiles(this.journal.state.agent, this.services, this.journal.state);
  }

  /** The skills and text that a user message adds. */
  messageExtras(content: readonly Content[]): MessageExtras {
    const { agent, activated_knowledge_skills: activated } = this.journal.state;
    const suffix = agent.agent_context?.['user_message_suffix'];
    const text = plainText(content);
    return messageExtras(text, skillsOf(agent), activated, typeof suffix === 'string' ? suffix : null);
  }

  /** Adds the rules for the touched files to an observation. */
  withRules(draft: EventDraft, files: readonly string[]): EventDraft {
    if (draft.kind !== 'ObservationEvent' || files.length === 0) return draft;
    const { agent, activated_path_rules: activated } = this.journal.state;
    const { content } = pathRulesFor(files, this.workingDir, skillsOf(agent), activated);
    return content.length === 0
      ? draft
      : { ...draft, extended_content: [...draft.extended_content, ...content] };
  }

  /**
   * Reads a plugin of a marketplace. `apply` adds it to the state and returns the events of the changes.
   * @throws UnknownPluginError, PluginSourceError
   */
  async readPlugin(ref: string): Promise<{ apply: () => EventDraft[] }> {
    const { state } = this.journal;
    const owner = this.owner;
    const plugin = await this.services.context.readMarketPlugin(ref, { agent: state.agent, owner });
    return {
      apply: () => {
        const pending = this.takeUpdates();
        const { agent, hook_config } = state;
        mergePlugin(state, plugin, this.services.context.warn(owner));
        const shown = isDeepStrictEqual(hook_config, state.hook_config)
          ? undefined
          : hookConfigForEvent(state.hook_config);
        const hooks = shown ? [stateUpdate('hook_config', shown)] : [];
        return [...pending, ...hooks, ...this.agentUpdate(agent)];
      },
    };
  }

  private async load(): Promise<void> {
    const { workingDir } = this;
    const { state } = this.journal;
    const { context } = this.services;
    const owner = this.owner;
    const before = state.agent;
    const folders = [
      ...stringsIn(state.rest['plugin_folders']),
      ...(await context.autoLoadedPlugins({ agent: before, owner })),
    ];
    const plugins = await context.readPlugins(folders, owner);
    const ambient = await readAmbientPlugins(state, context, owner);
    const read = needsContext(before)
      ? await context.load({ agent: before, workspace: workingDir, owner })
      : undefined;
    this.memoryText = read?.memory;
    // Reads the agent again: its model may have been replaced while files were read.
    if (read) {
      const { agent } = state;
      state.agent = { ...agent, agent_context: { ...agent.agent_context, skills: read.skills } };
    }
    for (const plugin of plugins) mergePlugin(state, plugin, context.warn(owner));
    for (const plugin of ambient) mergePlugin(state, withoutKnownParts(state, plugin), context.warn(owner));
    this.pendingUpdates = this.agentUpdate(before);
    // Secrets in the events are masked, so the state must be stored before.
    if (this.pendingUpdates.length > 0 || plugins.length > 0 || ambient.length > 0) await this.journal.save();
  }

  private get owner(): string {
    return `conversation ${this.journal.state.id}`;
  }

  private agentUpdate(before: AgentSpec): EventDraft[] {
    const { agent, client_tools } = this.journal.state;
    if (isDeepStrictEqual(before, agent)) return [];
    return [stateUpdate('agent', agentInEvents(this.services.secretCodec.mask({ ...agent }), client_tools))];
  }
}
