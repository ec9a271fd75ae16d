import {
  type Hooks,
  hookConfigForEvent,
  environmentMessage,
  type PromptFiles,
  systemPromptDraft,
} from '../../agent/index.js';
import { stateUpdate, type EventDraft } from '../../events/index.js';
import { systemPromptSeq } from '../branches/branch-path.js';
import type { ConversationContext } from '../context/conversation-context.js';
import type { Journal } from '../journal/journal.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import type { SecretVault } from '../secrets/secret-vault.js';
import type { Toolset } from './toolset.js';

/** How long `SessionEnd` hooks may take (ms): they must not delay a shutdown. */
const END_LIMIT_MS = 4_000;

/**
 * The time from the first message or run of an open conversation to its close. It begins with the context,
 * the MCP servers and the `SessionStart` hooks, which may take a while: messages wait for it in
 * `UserMessages`. The events of all that are appended before the first message.
 */
export class Session {
  private preparing: Promise<void> | undefined;
  /** The outcome of the `SessionStart` hooks until it is in the log. */
  private startOutcome: { events: EventDraft[]; context?: string } | undefined;
  private ready = false;
  private files: PromptFiles = {};
  /** Whether the log has a system prompt, known when the session has begun. */
  private isPrompted = false;

  constructor(
    private readonly journal: Journal,
    private readonly masker: SecretMasker,
    private readonly vault: SecretVault,
    private readonly toolset: Toolset,
    private readonly hooks: Hooks,
    private readonly context: ConversationContext,
  ) {}

  /** Whether `prepare` has succeeded. */
  get isReady(): boolean {
    return this.ready;
  }

  /**
   * Begins the session, once. After a failure the next call tries again.
   * @throws ConversationClosedError when the conversation ends meanwhile
   * @throws UnusablePromptError, ToolNameClashError
   */
  prepare(): Promise<void> {
    this.preparing ??= this.begin().catch((error: unknown) => {
      this.preparing = undefined;
      throw error;
    });
    return this.preparing;
  }

  /** The events that come before the first message or run. Returned once; the caller commits them. */
  opening(): EventDraft[] {
    const { events = [], context } = this.startOutcome ?? {};
    this.startOutcome = undefined;
    const drafts = [
      ...this.context.takeUpdates(),
      ...this.hookConfigUpdate(),
      ...events,
      ...this.systemPrompt(),
    ];
    if (context !== undefined) drafts.push(environmentMessage(context));
    return drafts.map((draft) => this.masker.maskEvent(draft));
  }

  /** Runs the `SessionEnd` hooks. */
  async end(): Promise<void> {
    if (!this.ready || !this.hooks.has('SessionEnd')) return;
    const limit = AbortSignal.timeout(END_LIMIT_MS);
    const { events } = await this.hooks.run({ type: 'SessionEnd' }, limit);
    await this.journal.commit(events.map((draft) => this.masker.maskEvent(draft)));
  }

  private async begin(): Promise<void> {
    // The system prompt contains the context, so the context is read before it and never again.
    const { log } = this.journal;
    this.isPrompted = log.length > 0 && (await systemPromptSeq(log, log.length)) !== undefined;
    if (!this.isPrompted) {
      await this.context.prepare();
      this.files = await this.context.promptFiles();
    }
    // An ACP agent has tools of its own and starts its MCP servers itself.
    if (!this.isAcp) await this.toolset.prepare(this.journal.life.closeSignal);
    if (this.hooks.has('SessionStart')) {
      this.startOutcome = await this.hooks.run({ type: 'SessionStart' }, this.journal.life.closeSignal);
    }
    this.ready = true;
  }

  private get isAcp(): boolean {
    return this.journal.state.agent.kind === 'ACPAgent';
  }

  /** Only in a new log. */
  private hookConfigUpdate(): EventDraft[] {
    const shown = this.isPrompted ? undefined : hookConfigForEvent(this.journal.state.hook_config);
    return shown ? [stateUpdate('hook_config', shown)] : [];
  }

  private systemPrompt(): EventDraft[] {
    if (this.isPrompted) return [];
    const { memory } = this.context;
    const facts = {
      secrets: this.vault.names(),
      files: this.files,
      memory,
      sandbox: this.toolset.confinement.explanation,
      now: new Date(),
    };
    const tools = this.isAcp ? [] : this.toolset.definitions();
    const draft = systemPromptDraft(this.journal.state.agent, tools, facts);
    this.isPrompted = true;
    return [draft];
  }
}
