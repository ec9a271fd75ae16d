import { isDeepStrictEqual } from 'node:util';
import { Logger } from '@nestjs/common';
import type { AgentSpec } from '../../agent/agent-spec.js';
import type { PromptFiles } from '../../agent/prompt/prompt-files.js';
import { shownHooks } from '../../agent/hooks/index.js';
import {
  messageExtras,
  rulesFor,
  skillsOf,
  texts,
  wantsContext,
  type MessageExtras,
} from '../../agent/skills/index.js';
import { errorStack } from '../../errors/index.js';
import { plainText, type Content, type EventDraft } from '../../events/index.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { ConversationState } from '../state/conversation-state.js';
import { agentInEvents } from '../state/conversation-info.js';
import { stateUpdate } from '../runs/run.js';
import { withoutKnownParts, readAmbientPlugins } from './ambient-plugins.js';
import { mergePlugin } from './merge-plugin.js';
import { loadPromptFiles } from './prompt-files.js';

/** One for all: each conversation that is open would keep its own. */
const logger = new Logger('ConversationContext');

/** What a conversation works with. */
export interface ContextHost {
  readonly state: ConversationState;
  /** Absolute path. */
  readonly workingDir: string;
  /** Resolves when the state is on disk. */
  save(): Promise<void>;
}

/**
 * What the agent of one conversation knows: read from its places before the first message or run, kept in the
 * state from then on, and brought in where words or files trigger it.
 */
export class ConversationContext {
  private loading: Promise<void> | undefined;
  /** What changed by loading, for the log. */
  private pendingUpdates: EventDraft[] = [];
  private memoryText: string | undefined;

  constructor(
    private readonly host: ContextHost,
    private readonly services: ConversationServices,
  ) {}

  /** Reads what the agent is to know, once. Never fails. */
  prepare(): Promise<void> {
    this.loading ??= this.load().catch((error: unknown) => {
      logger.error(`conversation ${this.host.state.id}: reading its context failed`, errorStack(error));
    });
    return this.loading;
  }

  /** The events of what `prepare` changed; they stand before the system prompt. */
  takeUpdates(): EventDraft[] {
    const updates = this.pendingUpdates;
    this.pendingUpdates = [];
    return updates;
  }

  /** What the agent has noted down, as it was read. */
  get memory(): string | undefined {
    return this.memoryText;
  }

  /**
   * Reads what the prompt takes from files.
   * @throws UnusablePromptError
   */
  promptFiles(): Promise<PromptFiles> {
    return loadPromptFiles(this.host.state.agent, this.services, this.owner);
  }

  /** What a message of the user brings along. */
  messageExtras(content: readonly Content[]): MessageExtras {
    const { agent, activated_knowledge_skills: activated } = this.host.state;
    const suffix = agent.agent_context?.['user_message_suffix'];
    const text = plainText(content);
    return messageExtras(text, skillsOf(agent), activated, typeof suffix === 'string' ? suffix : null);
  }

  /** An observation with the rules for the files that were touched. */
  withRules(draft: EventDraft, files: readonly string[]): EventDraft {
    if (draft.kind !== 'ObservationEvent' || files.length === 0) return draft;
    const { agent, activated_path_rules: told } = this.host.state;
    const { content } = rulesFor(files, this.host.workingDir, skillsOf(agent), told);
    return content.length === 0
      ? draft
      : { ...draft, extended_content: [...draft.extended_content, ...content] };
  }

  /**
   * Reads a plugin of a marketplace; `apply` puts it into the state and answers with the events that tell of
   * it.
   * @throws UnknownPluginError, SourceError
   */
  async readPlugin(ref: string): Promise<{ apply: () => EventDraft[] }> {
    const { state } = this.host;
    const owner = this.owner;
    const plugin = await this.services.context.readMarketPlugin(ref, { agent: state.agent, owner });
    return {
      apply: () => {
        const pending = this.takeUpdates();
        const { agent, hook_config } = state;
        mergePlugin(state, plugin, this.services.context.warn(owner));
        const shown = isDeepStrictEqual(hook_config, state.hook_config)
          ? undefined
          : shownHooks(state.hook_config);
        const hooks = shown ? [stateUpdate('hook_config', shown)] : [];
        return [...pending, ...hooks, ...this.agentUpdate(agent)];
      },
    };
  }

  private async load(): Promise<void> {
    const { state, workingDir } = this.host;
    const { context } = this.services;
    const owner = this.owner;
    const before = state.agent;
    const folders = [
      ...texts(state.rest['plugin_folders']),
      ...(await context.autoLoaded({ agent: before, owner })),
    ];
    const plugins = await context.readPlugins(folders, owner);
    const ambient = await readAmbientPlugins(state, context, owner);
    const read = wantsContext(before)
      ? await context.load({ agent: before, workspace: workingDir, owner })
      : undefined;
    this.memoryText = read?.memory;
    // The agent of this moment: another model may have come while files were read.
    if (read) {
      const { agent } = state;
      state.agent = { ...agent, agent_context: { ...agent.agent_context, skills: read.skills } };
    }
    for (const plugin of plugins) mergePlugin(state, plugin, context.warn(owner));
    for (const plugin of ambient) mergePlugin(state, withoutKnownParts(state, plugin), context.warn(owner));
    this.pendingUpdates = this.agentUpdate(before);
    // The event shows secrets masked, so the state comes first.
    if (this.pendingUpdates.length > 0 || plugins.length > 0 || ambient.length > 0) await this.host.save();
  }

  private get owner(): string {
    return `conversation ${this.host.state.id}`;
  }

  private agentUpdate(before: AgentSpec): EventDraft[] {
    const { agent, client_tools } = this.host.state;
    if (isDeepStrictEqual(before, agent)) return [];
    return [stateUpdate('agent', agentInEvents(this.services.secrets.mask({ ...agent }), client_tools))];
  }
}
