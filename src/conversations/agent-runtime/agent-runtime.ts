import type { AcpAgent } from '../../acp/index.js';
import {
  type AgentDriver,
  type ItemStream,
  type AgentView,
  failedAcpCallDrafts,
  toolErrorDraft,
  AGENT_MISTAKE,
  type Hooks,
} from '../../agent/index.js';
import type { ActionEvent, EventBus, EventDraft } from '../../events/index.js';
import { prepareCalls } from '../../llm/index.js';
import type { ConversationCheckpoints } from '../checkpoints/conversation-checkpoints.js';
import type { ConversationContext } from '../context/conversation-context.js';
import type { UserMessages } from '../conversation/user-messages.js';
import type { Journal } from '../journal/journal.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import type { UsageMeter } from '../state/usage-meter.js';
import { PublishedItemStream, SILENT_STREAM } from './item-stream.js';
import { RunningOutputs } from './running-outputs.js';
import type { Session } from './session.js';
import type { Toolset } from './toolset.js';

const INTERRUPTED = 'Tool call interrupted before completion. The conversation was paused.';

/** What the runs of one open conversation work with. Made by `createAgentRuntime`. */
export class AgentRuntime {
  /** What actions print while they are executed. */
  readonly outputs: RunningOutputs;

  constructor(
    readonly journal: Journal,
    readonly masker: SecretMasker,
    readonly usage: UsageMeter,
    readonly toolset: Toolset,
    /** Undefined if the server keeps none. */
    readonly checkpoints: ConversationCheckpoints | undefined,
    readonly context: ConversationContext,
    readonly hooks: Hooks,
    readonly session: Session,
    readonly messages: UserMessages,
    /** What executes a run: the built-in agent loop, or `acpAgent`. */
    readonly driver: AgentDriver,
    /** The ACP agent of a conversation that has one. */
    readonly acpAgent: AcpAgent | undefined,
    private readonly bus: EventBus,
    private readonly stopListening: readonly (() => void)[],
  ) {
    this.outputs = new RunningOutputs(journal.state.id, bus, masker);
  }

  /** Makes system prompt, view and workspace ready, and connects MCP servers that were unreachable. */
  async prepareRun(): Promise<void> {
    const { agent } = this.journal.state;
    if (agent.kind !== 'ACPAgent') prepareCalls(agent.llm.model);
    await Promise.all([this.prepareView(), this.toolset.prepareWorkspace(), this.toolset.reconnect()]);
  }

  /** Has the workspace looked at while the model is asked; what an external agent changes is one step. */
  async beginRecording(): Promise<void> {
    const recorder = this.checkpoints?.recorder;
    if (this.acpAgent) await recorder?.begin({ eventId: null, tool: 'agent', files: null });
    else void recorder?.prepare(this.toolset.tools().has('terminal'));
  }

  /** Resolves when everything is recorded: what somebody changes from then on is not the agent's. */
  async endRecording(): Promise<void> {
    const recorder = this.checkpoints?.recorder;
    if (this.acpAgent) void recorder?.end(null);
    await recorder?.idle();
  }

  /** The view for a call of a model: it begins with the system prompt. */
  async prepareView(): Promise<AgentView> {
    await this.session.prepare();
    await this.journal.commit(this.session.opening());
    return this.journal.views.load();
  }

  /**
   * Reads a plugin of a registered marketplace. `apply` changes the state and returns the events that tell of
   * it; from the next step on the agent has what the plugin brings. `start` starts the plugin's MCP servers.
   * @throws UnknownPluginError, PluginSourceError
   */
  async readPlugin(ref: string): Promise<{ apply: () => EventDraft[]; start: () => Promise<void> }> {
    await this.session.prepare();
    const plugin = await this.context.readPlugin(ref);
    return {
      apply: () => {
        const events = plugin.apply();
        this.toolset.renew();
        return events;
      },
      start: () => this.toolset.changeServers(),
    };
  }

  /** Streams an answer to clients while the model writes it. @param itemId the id of its future event */
  stream(itemId: string): ItemStream {
    if (!this.acpAgent && !this.journal.state.agent.llm.stream) return SILENT_STREAM;
    return new PublishedItemStream(this.journal, itemId, this.bus, this.masker);
  }

  /** Tells those who watch all conversations that what the run does has changed. */
  publishUpdate(): void {
    this.bus.publishUpdate(this.journal.state.id);
  }

  /**
   * The events that end what an interrupted run left open: for each action without a result the result that
   * has arrived meanwhile, or an error.
   * @param resultOf results that the run has and that are not in the log
   */
  interruptedActions(resultOf?: (action: ActionEvent) => EventDraft | undefined): EventDraft[] {
    const view = this.journal.views.loaded;
    const open = view?.pendingActions() ?? [];
    const left = [
      ...failedAcpCallDrafts(view?.pendingAcpCalls() ?? []),
      ...(this.acpAgent?.takeInterruptedDrafts() ?? []),
    ];
    return [
      ...open.map((action) => resultOf?.(action) ?? toolErrorDraft(action, INTERRUPTED, AGENT_MISTAKE)),
      ...left.map((draft) => this.masker.maskEvent(draft)),
    ];
  }

  /** Ends the tools, the ACP agent and what hooks have started. */
  async close(): Promise<void> {
    for (const stop of this.stopListening) stop();
    await Promise.all([this.toolset.close(), this.hooks.close(), this.acpAgent?.close()]);
    await this.checkpoints?.recorder.settle();
  }
}
