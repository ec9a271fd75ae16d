import { randomUUID } from 'node:crypto';
import { withoutRefinementCount, type HookOutcome, type Hooks } from '../../agent/index.js';
import { plainText, textContent, type EventDraft, stateUpdate } from '../../events/index.js';
import { SerialQueue } from '../../flow/index.js';
import type { ConversationContext } from '../context/conversation-context.js';
import type { Journal } from '../journal/journal.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import { statusUpdate } from '../state/state-updates.js';
import type { Session } from '../agent-runtime/session.js';
import type { NewMessage } from '../state/start-request.js';
import type { TitleWriter } from '../titles/title-writer.js';

/** How a message is appended. */
interface AppendOptions {
  /** The id of its event; default: a new one. */
  id?: string;
  /** Events to append before it. */
  before?: readonly EventDraft[];
  /** What has to be stored first. The message keeps its place meanwhile; a rejection discards it. */
  after?: Promise<void>;
}

const NO_OUTCOME: HookOutcome = { events: [] };

/**
 * Appends messages of the user in the order in which they arrive. A message is appended at once, unless the
 * session is not ready (MCP servers are started), something has to be stored first, or `UserPromptSubmit`
 * hooks have to run: their output is part of its event. While a message waits, all later ones wait behind it,
 * even if they need not themselves.
 */
export class UserMessages {
  /** Messages that wait, in order. Each ends when it is durable. */
  private readonly waiting = new SerialQueue();

  constructor(
    private readonly journal: Journal,
    private readonly masker: SecretMasker,
    private readonly session: Session,
    private readonly hooks: Hooks,
    private readonly titles: TitleWriter,
    private readonly context: ConversationContext,
  ) {}

  /** Appends a message; resolves when it is durable. */
  append(message: NewMessage, { id = randomUUID(), before = [], after }: AppendOptions = {}): Promise<void> {
    const isReady = this.session.isReady && after === undefined && !this.hooks.has('UserPromptSubmit');
    if (isReady && this.waiting.isIdle) return this.commit(message, id, before, NO_OUTCOME);
    // Awaited only when it is the message's turn: a rejection before that is not an unhandled one.
    after?.catch(() => undefined);
    return this.waiting.run(async () => {
      await after;
      await this.prepareAndCommit(message, id, before);
    });
  }

  /** Begins the session and runs the hooks first. */
  private async prepareAndCommit(
    message: NewMessage,
    id: string,
    before: readonly EventDraft[],
  ): Promise<void> {
    await this.session.prepare();
    const outcome = this.hooks.has('UserPromptSubmit')
      ? await this.hooks.run(
          { type: 'UserPromptSubmit', message: plainText(message.content), messageId: id },
          this.journal.life.closeSignal,
        )
      : NO_OUTCOME;
    await this.commit(message, id, before, outcome);
  }

  private async commit(
    message: NewMessage,
    id: string,
    before: readonly EventDraft[],
    { events, blocked, context }: HookOutcome,
  ): Promise<void> {
    const { execution_status, blocked_messages, agent_state } = this.journal.state;
    const agentState = withoutRefinementCount(agent_state);
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
    const messageEvents = [
      ...events,
      ...(blocked === undefined
        ? []
        : [stateUpdate('blocked_messages', { ...blocked_messages, [id]: blocked })]),
      event,
    ];
    const committed = this.journal.commit([
      ...before,
      ...reset,
      ...this.session.opening(),
      ...messageEvents.map((draft) => this.masker.maskEvent(draft)),
      stateUpdate('last_user_message_id', id),
      ...(agentState ? [stateUpdate('agent_state', agentState)] : []),
    ]);
    this.titles.onUserMessage(message.content);
    await committed;
  }
}
