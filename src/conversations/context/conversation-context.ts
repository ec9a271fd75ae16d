import { isDeepStrictEqual } from 'node:util';
import { Logger } from '@nestjs/common';
import {
  messageExtras,
  rulesFor,
  skillsOf,
  wantsContext,
  type MessageExtras,
} from '../../agent/skills/index.js';
import { errorStack } from '../../errors/index.js';
import { plainText, withoutNulls, type Content, type EventDraft } from '../../events/index.js';
import type { JsonObject } from '../../storage/index.js';
import type { ConversationServices } from '../conversation-parts.js';
import type { ConversationState } from '../conversation-state.js';
import { stateUpdate } from '../run.js';

/** What a conversation works with. */
export interface ContextHost {
  readonly state: ConversationState;
  /** Absolute path. */
  readonly workingDir: string;
  /** Resolves when the state is on disk. */
  save(): Promise<void>;
}

/**
 * What the agent of one conversation knows: read from its places before the first message or run, kept in the state from
 * then on, and brought in where words or files trigger it.
 */
export class ConversationContext {
  private readonly logger = new Logger(ConversationContext.name);
  private loading: Promise<void> | undefined;
  /** What changed by loading, for the log. */
  private updates: EventDraft[] = [];
  private notes: string | undefined;

  constructor(
    private readonly host: ContextHost,
    private readonly services: ConversationServices,
  ) {}

  /** Reads what the agent is to know, once. Never fails. */
  prepare(): Promise<void> {
    this.loading ??= this.load().catch((error: unknown) => {
      this.logger.error(`conversation ${this.host.state.id}: reading its context failed`, errorStack(error));
    });
    return this.loading;
  }

  /** The events of what `prepare` changed; they stand before the system prompt. */
  takeUpdates(): EventDraft[] {
    const updates = this.updates;
    this.updates = [];
    return updates;
  }

  /** What the agent has noted down, as it was read. */
  get memory(): string | undefined {
    return this.notes;
  }

  /** What a message of the user brings along. */
  extrasOf(content: readonly Content[]): MessageExtras {
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

  private async load(): Promise<void> {
    const { state, workingDir } = this.host;
    if (!wantsContext(state.agent)) return;
    const owner = `conversation ${state.id}`;
    const { skills, memory } = await this.services.context.load({
      agent: state.agent,
      workspace: workingDir,
      owner,
    });
    this.notes = memory;
    const before = state.agent;
    // The agent of this moment: another model may have come while files were read.
    state.agent = { ...before, agent_context: { ...before.agent_context, skills } };
    if (isDeepStrictEqual(before, state.agent)) return;
    this.updates.push(stateUpdate('agent', this.shown({ ...state.agent })));
    // The event shows secrets masked, so the state comes first.
    await this.host.save();
  }

  private shown(value: JsonObject): unknown {
    return withoutNulls(this.services.secrets.mask(value));
  }
}
