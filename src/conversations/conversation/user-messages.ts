import { randomUUID } from 'node:crypto';
import { forgetRefinement } from '../../agent/critics/index.js';
import type { HookOutcome, Hooks } from '../../agent/hooks/index.js';
import { plainText, textContent, type DurableEvent, type EventDraft } from '../../events/index.js';
import { SerialQueue } from '../../flow/index.js';
import type { ConversationContext } from '../context/conversation-context.js';
import type { ConversationState } from '../state/conversation-state.js';
import { stateUpdate, statusUpdate } from '../runs/run.js';
import type { Session } from '../agent-runtime/session.js';
import type { IncomingMessage } from '../state/start-request.js';
import type { TitleWriter } from '../titles/title-writer.js';

/** What messages need of their conversation. */
export interface MessageHost {
  readonly state: Readonly<ConversationState>;
  /** Aborted when it is being closed. */
  readonly closeSignal: AbortSignal;
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
  masked(draft: EventDraft): EventDraft;
}

/** How a message is appended. */
export interface AppendOptions {
  /** The id of its event, where it is known before. */
  id?: string;
  /** What the log says before it. */
  before?: readonly EventDraft[];
}

const NOTHING_SAID: HookOutcome = { events: [] };

/**
 * Messages of the user on their way into the log, in the order in which they came. A message is appended at
 * once, unless hooks have a say in it: then its sender waits for them, because what they say
 * becomes part of its event.
 */
export class UserMessages {
  /** Those that are still on their way, one behind the other. */
  private readonly waiting = new SerialQueue();

  constructor(
    private readonly host: MessageHost,
    private readonly session: Session,
    private readonly hooks: Hooks,
    private readonly titles: TitleWriter,
    private readonly context: ConversationContext,
  ) {}

  /** Appends a message; resolves when it is durable. */
  append(message: IncomingMessage, options: AppendOptions = {}): Promise<void> {
    const waits = !this.waiting.isIdle || !this.session.isReady || this.hooks.has('UserPromptSubmit');
    if (!waits) return this.commit(message, options.id ?? randomUUID(), options, NOTHING_SAID);
    return this.waiting.run(() => this.submit(message, options));
  }

  private async submit(message: IncomingMessage, options: AppendOptions): Promise<void> {
    await this.session.prepare();
    const messageId = options.id ?? randomUUID();
    const said = this.hooks.has('UserPromptSubmit')
      ? await this.hooks.run(
          { type: 'UserPromptSubmit', message: plainText(message.content), messageId },
          this.host.closeSignal,
        )
      : NOTHING_SAID;
    await this.commit(message, messageId, options, said);
  }

  private async commit(
    message: IncomingMessage,
    id: string,
    { before = [] }: AppendOptions,
    { events, blocked, context }: HookOutcome,
  ): Promise<void> {
    const { execution_status, blocked_messages, agent_state } = this.host.state;
    const agentState = forgetRefinement(agent_state);
    const extras = this.context.messageExtras(message.content);
    const reset = ['finished', 'stuck'].includes(execution_status) ? [statusUpdate('idle')] : [];
    const event: EventDraft = {
      id,
      source: 'user',
      llm_message: { role: message.role, content: message.content, thinking_blocks: [] },
      activated_skills: extras.activated,
      extended_content: [...extras.content, ...(context === undefined ? [] : [textContent(context)])],
      kind: 'MessageEvent',
    };
    const said = [
      ...events,
      ...(blocked === undefined
        ? []
        : [stateUpdate('blocked_messages', { ...blocked_messages, [id]: blocked })]),
      event,
    ];
    const committed = this.host.commit([
      ...before,
      ...reset,
      ...this.session.opening(),
      ...said.map((draft) => this.host.masked(draft)),
      stateUpdate('last_user_message_id', id),
      ...(agentState ? [stateUpdate('agent_state', agentState)] : []),
    ]);
    this.titles.onUserMessage(message.content);
    await committed;
  }
}
