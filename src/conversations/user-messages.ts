import { systemPromptDraft } from '../agent/prompt/system-prompt.js';
import { createEvent, type DurableEvent, type EventDraft } from '../events/index.js';
import type { EventLog } from '../storage/index.js';
import type { ConversationContext } from './context/conversation-context.js';
import { systemPromptSeq } from './branches/branch-path.js';
import type { ConversationState } from './conversation-state.js';
import { stateUpdate, statusUpdate } from './run.js';
import type { SecretVault } from './secrets/secret-vault.js';
import type { IncomingMessage } from './start-request.js';
import type { TitleWriter } from './titles/title-writer.js';
import type { Toolset } from './toolset.js';

/** What messages need of their conversation. */
export interface MessageHost {
  readonly state: Readonly<ConversationState>;
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
}

/** How a message is appended. */
export interface AppendOptions {
  /** The id of its event, where it is known before. */
  id?: string;
  /** What the log says before it. */
  before?: readonly EventDraft[];
}

/** Messages of the user on their way into the log, and the system prompt that stands before the first of them. */
export class UserMessages {
  /** Whether the log has a system prompt; looked up when it is first asked for. */
  private prompted: boolean | undefined;

  constructor(
    private readonly host: MessageHost,
    private readonly log: EventLog,
    private readonly toolset: Toolset,
    private readonly vault: SecretVault,
    private readonly titles: TitleWriter,
    private readonly context: ConversationContext,
  ) {}

  /** Appends a message; resolves when it is durable. */
  async append(message: IncomingMessage, { id, before = [] }: AppendOptions = {}): Promise<void> {
    await this.prepareContext();
    const { execution_status } = this.host.state;
    const extras = this.context.extrasOf(message.content);
    const reset = ['finished', 'stuck'].includes(execution_status) ? [statusUpdate('idle')] : [];
    const event = createEvent({
      id,
      source: 'user',
      llm_message: { role: message.role, content: message.content, thinking_blocks: [] },
      activated_skills: extras.activated,
      extended_content: extras.content,
      kind: 'MessageEvent',
    });
    const last = stateUpdate('last_user_message_id', event.id);
    const committed = this.host.commit([...before, ...reset, ...this.opening(), event, last]);
    this.titles.heard(message.content);
    await committed;
  }

  /** The system prompt, if the log has none yet: it stands before the first message or run. Who asks appends it. */
  opening(): EventDraft[] {
    if (this.hasPrompt()) return [];
    const facts = { secrets: this.vault.names(), memory: this.context.memory, now: new Date() };
    const draft = systemPromptDraft(this.host.state.agent, this.toolset.definitions(), facts);
    this.prompted = true;
    return [...this.context.takeUpdates(), draft];
  }

  /** What the agent knows is read before the prompt that tells of it, and not again. */
  async prepareContext(): Promise<void> {
    if (!this.hasPrompt()) await this.context.prepare();
  }

  private hasPrompt(): boolean {
    return (this.prompted ??= systemPromptSeq(this.log, this.log.length) !== undefined);
  }
}
