import type { AcpAgent } from '../../acp/index.js';
import type { AgentDriver } from '../../agent/agent-driver.js';
import type { ItemStream } from '../../agent/agent-session.js';
import type { AgentView } from '../../agent/agent-view.js';
import { failedCalls, toolErrorDraft } from '../../agent/drafts.js';
import { AGENT_MISTAKE } from '../../agent/error-classification.js';
import type { Hooks } from '../../agent/hooks/index.js';
import { addUsage, summarise } from '../../agent/metrics.js';
import type { ActionEvent, DurableEvent, EventDraft } from '../../events/index.js';
import { hasChanges } from '../../git/index.js';
import { prepareCalls, type CompletionLog } from '../../llm/index.js';
import type { LlmResponse } from '../../llm/llm.js';
import type { Tool } from '../../tools/tool.js';
import type { StateBroadcaster } from '../state/state-broadcaster.js';
import type { Background } from '../conversation/background.js';
import { ConversationContext } from '../context/conversation-context.js';
import { createHooks } from './conversation-hooks.js';
import { createAcpAgent } from './acp-agent.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { ConversationState } from '../state/conversation-state.js';
import { PublishedItemStream, SILENT_STREAM } from './item-stream.js';
import type { Journal } from '../journal/journal.js';
import { stateUpdate } from '../runs/run.js';
import type { RunControlHost } from '../runs/run-control.js';
import { explainMissingKey } from '../secrets/missing-key.js';
import { maskJson } from '../secrets/mask-json.js';
import { SecretVault } from '../secrets/secret-vault.js';
import { Session } from './session.js';
import { TitleWriter, type TitleHost } from '../titles/title-writer.js';
import { toolAbilities } from './tool-abilities.js';
import { Toolset, type ToolAbilities } from './toolset.js';
import { UserMessages } from '../conversation/user-messages.js';

const INTERRUPTED = 'Tool call interrupted before completion. The conversation was paused.';

/**
 * What agents and models work with in one open conversation: its view, tools, secrets and messages, and the
 * statistics that their answers count in. What they say goes through it into the journal.
 */
export class AgentRuntime implements RunControlHost, TitleHost {
  private readonly vault: SecretVault;
  private readonly toolset: Toolset;
  private readonly abilities: ToolAbilities;
  private readonly context: ConversationContext;
  readonly hooks: Hooks;
  /** The agent from elsewhere, in a conversation that has one. */
  readonly acpAgent: AcpAgent | undefined;
  readonly session: Session;
  readonly messages: UserMessages;
  private readonly stopListening: () => void;

  constructor(
    private readonly journal: Journal,
    private readonly announcements: StateBroadcaster,
    private readonly services: ConversationServices,
    background: Background,
  ) {
    const { state, log } = journal;
    this.vault = new SecretVault(state, () => services.credentials.secretsOf(state.id));
    this.toolset = new Toolset(state, services, this.vault, () => this.abilities);
    this.abilities = toolAbilities(this, journal, services, this.toolset, this.vault);
    const { workingDir } = this.toolset;
    this.context = new ConversationContext({ state, workingDir, save: () => journal.save() }, services);
    this.acpAgent = createAcpAgent(state, services, this.toolset, this.vault);
    const titles = new TitleWriter(this, services, background);
    this.hooks = createHooks(this, services, this.toolset);
    this.session = new Session(this, log, this.toolset, this.vault, this.hooks, this.context);
    this.messages = new UserMessages(this, this.session, this.hooks, titles, this.context);
    this.stopListening = services.llm.listen(state.id, (call) => this.logCall(call));
  }

  get state(): ConversationState {
    return this.journal.state;
  }

  get driver(): AgentDriver {
    return this.acpAgent ?? this.services.loop;
  }

  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]> {
    return this.journal.commit(drafts);
  }

  async prepareRun(): Promise<void> {
    const { agent } = this.state;
    if (agent.kind !== 'ACPAgent') prepareCalls(agent.llm.model);
    await Promise.all([this.prepareView(), this.toolset.prepareWorkspace(), this.toolset.reconnect()]);
  }

  /** The view that a model is asked with: it begins with the system prompt. */
  async prepareView(): Promise<AgentView> {
    await this.session.prepare();
    await this.commit(this.session.opening());
    return this.currentView();
  }

  currentView(): Promise<AgentView> {
    return this.journal.views.load();
  }

  /** Whether a view is that of the active branch. */
  isCurrent(view: AgentView): boolean {
    return this.journal.views.loaded === view;
  }

  view(): AgentView {
    const view = this.journal.views.loaded;
    if (!view) throw new Error('the view is not loaded');
    return view;
  }

  tools(): ReadonlyMap<string, Tool> {
    return this.toolset.tools();
  }

  /**
   * Reads a plugin of a registered marketplace. Nothing changes before `apply` is called; it answers with the
   * events that tell of it, and from the next step on the agent has what the plugin brings; `start` starts
   * the servers of it.
   * @throws UnknownPluginError, SourceError
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

  withRules(draft: EventDraft, files: readonly string[]): EventDraft {
    return this.context.withRules(draft, files);
  }

  masked(draft: EventDraft): EventDraft {
    return explainMissingKey(this.vault.maskDraft(draft), this.state, this.services.secrets);
  }

  /** A text as everybody may see it. */
  maskSecrets(text: string): string {
    return this.vault.mask(text);
  }

  /** Counts an answer of a model. The answer is the event that tells of it. */
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft {
    addUsage(this.state.stats, usageId, model, response);
    return stateUpdate('stats', summarise(this.state.stats));
  }

  workspaceChanged(): Promise<boolean> {
    return hasChanges(this.toolset.workingDir, this.state.created_at);
  }

  stream(itemId: string): ItemStream {
    if (!this.acpAgent && !this.state.agent.llm.stream) return SILENT_STREAM;
    const anchor = (): number => this.journal.length - 1;
    const mask = () => this.vault.stream();
    const ready = this.journal.settled();
    return new PublishedItemStream(this.state.id, itemId, this.services.bus, ready, anchor, mask);
  }

  interruptedActions(resultOf?: (action: ActionEvent) => EventDraft | undefined): EventDraft[] {
    const view = this.journal.views.loaded;
    const open = view?.unmatched() ?? [];
    const left = [...failedCalls(view?.unendedCalls() ?? []), ...(this.acpAgent?.takeInterrupted() ?? [])];
    return [
      ...open.map((action) => resultOf?.(action) ?? toolErrorDraft(action, INTERRUPTED, AGENT_MISTAKE)),
      ...left.map((draft) => this.masked(draft)),
    ];
  }

  titled(): void {
    this.journal.saveSoon(true);
  }

  async runEnded(): Promise<void> {
    if (this.journal.sealed) return;
    await this.announcements.publishFullState();
    await this.journal.save().catch((error: unknown) => this.report('save', error));
  }

  report(what: string, error: unknown): void {
    this.journal.report(what, error);
  }

  /** Aborted when the conversation is being closed. */
  get closeSignal(): AbortSignal {
    return this.journal.closeSignal;
  }

  /** Runs what hooks want to be done at the end; never fails. */
  async endSession(): Promise<void> {
    await this.session.end().catch((error: unknown) => this.report('the end of the session', error));
  }

  /** Nobody waits for it; a log that takes nothing more has said so elsewhere. */
  private logCall({ filename, data, model, usageId }: CompletionLog): void {
    const kwargs = this.services.secrets.mask({ kwargs: data['kwargs'] });
    const log_data = maskJson({ ...data, ...kwargs }, (text) => this.vault.mask(text));
    const event: EventDraft = {
      source: 'environment',
      filename,
      log_data,
      model_name: model,
      usage_id: usageId,
      kind: 'LLMCompletionLogEvent',
    };
    this.commit([event]).catch(() => undefined);
  }

  /** Ends the tools and what hooks have started. */
  async close(): Promise<void> {
    this.stopListening();
    await Promise.all([this.toolset.close(), this.hooks.close(), this.acpAgent?.close()]);
  }
}
