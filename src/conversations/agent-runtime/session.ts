import type { Hooks } from '../../agent/hooks/index.js';
import { hookConfigForEvent } from '../../agent/hooks/index.js';
import { environmentMessage } from '../../agent/event-drafts.js';
import type { PromptFiles } from '../../agent/prompt/prompt-files.js';
import { systemPromptDraft } from '../../agent/prompt/system-prompt.js';
import type { DurableEvent, EventDraft } from '../../events/index.js';
import type { EventLog } from '../../storage/index.js';
import { systemPromptSeq } from '../branches/branch-path.js';
import type { ConversationContext } from '../context/conversation-context.js';
import type { ConversationState } from '../state/conversation-state.js';
import { stateUpdate } from '../runs/run.js';
import type { SecretVault } from '../secrets/secret-vault.js';
import type { Toolset } from './toolset.js';

/** How long hooks for the end of a session may take (ms): a server that is told to stop has to. */
const END_LIMIT_MS = 4_000;

/** What a session needs of its conversation. */
export interface SessionHost {
  readonly state: Readonly<ConversationState>;
  /** Aborted when it is being closed. */
  readonly closeSignal: AbortSignal;
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
  /** Without the secrets that are in it. */
  masked(draft: EventDraft): EventDraft;
}

/**
 * The time from the first message or run of an open conversation to its end. At its beginning the tools are
 * made ready and the hooks for it run, which takes time; what comes of it is appended together with what the
 * session begins with.
 */
export class Session {
  private preparing: Promise<void> | undefined;
  /** What the hooks said, until it is in the log. */
  private said: { events: EventDraft[]; context?: string } | undefined;
  private ready = false;
  private files: PromptFiles = {};
  /** Whether the log has a system prompt; looked up when it is first asked for. */
  private prompted: boolean | undefined;

  constructor(
    private readonly host: SessionHost,
    private readonly log: EventLog,
    private readonly toolset: Toolset,
    private readonly vault: SecretVault,
    private readonly hooks: Hooks,
    private readonly context: ConversationContext,
  ) {}

  /** Nothing has to be waited for (any more). */
  get isReady(): boolean {
    return this.ready;
  }

  /**
   * Makes everything ready, once. Who fails tries again the next time.
   * @throws ConversationClosedError when the conversation ends meanwhile
   */
  prepare(): Promise<void> {
    this.preparing ??= this.begin().catch((error: unknown) => {
      this.preparing = undefined;
      throw error;
    });
    return this.preparing;
  }

  /**
   * What stands before the first message or run of a session, if it is not in the log yet. Who asks appends
   * it.
   */
  opening(): EventDraft[] {
    const { events = [], context } = this.said ?? {};
    this.said = undefined;
    const drafts = [...this.context.takeUpdates(), ...this.announcement(), ...events, ...this.prompt()];
    if (context !== undefined) drafts.push(environmentMessage(context));
    return drafts.map((draft) => this.host.masked(draft));
  }

  /** Whether there is something to do at its end. */
  get hasEnd(): boolean {
    return this.ready && this.hooks.has('SessionEnd');
  }

  /** Runs the hooks for its end, but not for long. */
  async end(): Promise<void> {
    const limit = AbortSignal.timeout(END_LIMIT_MS);
    const { events } = await this.hooks.run({ type: 'SessionEnd' }, limit);
    await this.host.commit(events.map((draft) => this.host.masked(draft)));
  }

  private async begin(): Promise<void> {
    // What the agent knows is read before the prompt that tells of it, and not again.
    if (!this.isPrompted) {
      await this.context.prepare();
      this.files = await this.context.promptFiles();
    }
    // An agent from elsewhere brings its tools, and starts its MCP servers itself.
    if (!this.isForeign) await this.toolset.prepare(this.host.closeSignal);
    if (this.hooks.has('SessionStart')) {
      this.said = await this.hooks.run({ type: 'SessionStart' }, this.host.closeSignal);
    }
    this.ready = true;
  }

  private get isForeign(): boolean {
    return this.host.state.agent.kind === 'ACPAgent';
  }

  private get isPrompted(): boolean {
    return (this.prompted ??= systemPromptSeq(this.log, this.log.length) !== undefined);
  }

  /** In a new log, so that clients know of the hooks. */
  private announcement(): EventDraft[] {
    const shown = this.isPrompted ? undefined : hookConfigForEvent(this.host.state.hook_config);
    return shown ? [stateUpdate('hook_config', shown)] : [];
  }

  private prompt(): EventDraft[] {
    if (this.isPrompted) return [];
    const { memory } = this.context;
    const facts = { secrets: this.vault.names(), files: this.files, memory, now: new Date() };
    const tools = this.isForeign ? [] : this.toolset.definitions();
    const draft = systemPromptDraft(this.host.state.agent, tools, facts);
    this.prompted = true;
    return [draft];
  }
}
