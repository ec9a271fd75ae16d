import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import {
  type Conversation,
  conversationIdFor,
  ConversationsService,
  ownerFilter,
} from '../../conversations/index.js';
import { ConflictError } from '../../errors/index.js';
import { type Content, EventBus, plainText } from '../../events/index.js';
import { KeyedSerialQueue } from '../../flow/index.js';
import { keyEnded, RpcConversations } from '../../rpc/index.js';
import { firstCharacters } from '../../text/index.js';
import { TaskNotCancelableError, TaskWatchEndedError, UnknownTaskError } from './task-errors.js';
import { CANCELED_TAG, type TaskFold } from './task-fold.js';
import type { TaskName } from './task-id.js';
import { TaskReader } from './task-reader.js';
import { TaskWatch } from './task-watch.js';

/** Most of the first message that is the title of its conversation (characters). */
const MAX_TITLE = 80;
/** Until there is a message; a title of the model would be another call of it. */
const NEW_TITLE = 'A2A task';
const CANCELED = 'The task was canceled.';

/** What a message asks for: that something is done, or that pending actions are approved or rejected. */
export type MessageIntent =
  { type: 'content'; content: Content[] } | { type: 'decision'; approves: boolean; reason: string };

/** A message of a client. */
export interface TaskMessage {
  intent: MessageIntent;
  /** Messages with the same key are one message. */
  key: string;
  principal: Principal;
}

/** A task that is watched from before the message that was sent, and its state after that. */
export interface SentMessage {
  name: TaskName;
  fold: TaskFold;
  watch: TaskWatch;
  /** The state may be the last one: nothing was done now. */
  rests: boolean;
}

/**
 * The use cases of tasks. Unknown tasks throw `UnknownTaskError`, unknown contexts
 * `ConversationNotFoundError`.
 */
@Injectable()
export class TasksService {
  private readonly watches = new Set<TaskWatch>();
  /** Changes of the tasks of a conversation: each sees what those before it have done. */
  private readonly changes = new KeyedSerialQueue();

  constructor(
    private readonly conversations: ConversationsService,
    private readonly rpc: RpcConversations,
    private readonly reader: TaskReader,
    private readonly bus: EventBus,
    private readonly config: AppConfig,
  ) {}

  /** Ends all watches: whoever waits is told that the server is stopping. */
  stopWatches(): void {
    for (const watch of this.watches) watch.stop(new TaskWatchEndedError());
  }

  /** The conversation that a message without a context begins, or has begun before. */
  newContext({ key, principal }: Omit<TaskMessage, 'intent'>): string {
    return conversationIdFor(key, ownerFilter(principal));
  }

  /**
   * Begins a task in a new conversation.
   * @throws InvalidRequestError if the key came with another message before; ConflictError if it is that of
   *   a conversation in which something else is going on; LimitReachedError, RunLimitError
   */
  begin(message: TaskMessage, withText: boolean): Promise<SentMessage> {
    const { intent, key, principal } = message;
    return this.sent(this.newContext(message), principal, withText, async () => {
      const content = contentOf(intent);
      const { id, created } = await this.rpc.start(
        {
          content,
          agentProfile: null,
          llmProfile: this.modelFor(principal),
          workingDir: null,
          title: NEW_TITLE,
          streams: true,
          key,
          messageKey: key,
        },
        principal,
      );
      const conversation = await this.conversations.open(id);
      if (created) await this.conversations.update(id, { title: titleOf(conversation, plainText(content)) });
      else await this.sendFirst(conversation, content, key);
      return this.begun(conversation, key, created);
    });
  }

  /**
   * Begins a task in a conversation.
   * @throws ConflictError while another one is not done; RunLimitError
   */
  beginIn(
    contextId: string,
    { intent, key, principal }: TaskMessage,
    withText: boolean,
  ): Promise<SentMessage> {
    return this.sent(contextId, principal, withText, async () => {
      const conversation = await this.conversations.open(contextId);
      const isNew = await this.sendFirst(conversation, contentOf(intent), key);
      return this.begun(conversation, key, isNew);
    });
  }

  /** The task of a message that was sent with a key. */
  private async begun(
    conversation: Conversation,
    key: string,
    isNew: boolean,
  ): Promise<Omit<SentMessage, 'watch'>> {
    const name = { conversationId: conversation.id, messageId: conversation.messageOfKey(key) ?? '' };
    // Of a new one the watch has heard everything.
    const fold = await (isNew ? this.reader.beginning(name) : this.reader.fold(name));
    return { name, fold, rests: true };
  }

  /**
   * Sends the first message of a task. Not every conversation with the key of a task was begun by one.
   * @returns whether it is a new one
   * @throws ConflictError while something else is going on; errors of `sendOnce`
   */
  private async sendFirst(conversation: Conversation, content: Content[], key: string): Promise<boolean> {
    const isNew = conversation.messageOfKey(key) === undefined;
    if (isNew) assertIdle(conversation);
    await this.sendOnce(conversation, content, key);
    return isNew;
  }

  /**
   * Sends a message that is answered by a run. One that came before has no effect, unless a crash has left it
   * without its event or its run.
   * @param taskMessage the message that began its task; default: itself
   * @throws InvalidRequestError if the key came with another message before; RunLimitError
   */
  private async sendOnce(
    conversation: Conversation,
    content: Content[],
    key: string,
    taskMessage?: string,
  ): Promise<void> {
    const message = { role: 'user' as const, content };
    const known = conversation.messageOfKey(key, message);
    if (known !== undefined) {
      const name = { conversationId: conversation.id, messageId: taskMessage ?? known };
      const fold = await this.reader.fold(name).catch(ifUnknown);
      // A run would begin anew, or execute what waits for an approval.
      if (fold?.isFinal === true || fold?.phase === 'approval') return;
    }
    await this.conversations.sendMessage(conversation.id, message, true, { key });
  }

  /**
   * Sends a further message to a task, or decides about the actions that wait for an approval in it.
   * @throws ConflictError for a task that is over, or does not wait for that; RunLimitError
   */
  async goOn(
    name: TaskName,
    { intent, key, principal }: TaskMessage,
    withText: boolean,
  ): Promise<SentMessage> {
    const { conversationId: id } = name;
    return this.sent(id, principal, withText, async () => {
      const fold = await this.reader.fold(name);
      const conversation = await this.conversations.open(id);
      const isRepeated = conversation.messageOfKey(key) !== undefined;
      if (!isRepeated) assertWaitsFor(intent, fold);
      if (intent.type === 'content') await this.sendOnce(conversation, intent.content, key, name.messageId);
      else {
        await this.rpc.respond(id, intent.approves, intent.reason, principal, { key });
        // The agent hears of the rejection and goes on.
        if (!isRepeated && !intent.approves && !conversation.isRunning) await this.rpc.resume(id, principal);
      }
      return { name, fold, rests: isRepeated };
    });
  }

  /** Watches a task. @throws ConflictError for one that is over */
  follow(name: TaskName, principal: Principal): Promise<SentMessage> {
    return this.watched(name.conversationId, principal, true, async () => {
      const fold = await this.reader.fold(name);
      if (fold.isFinal) throw new ConflictError(`The task is ${fold.phase}: nothing more happens to it.`);
      // Whoever watches opens it, so that it is open when somebody else goes on with it.
      await this.conversations.open(name.conversationId);
      return { name, fold, rests: false };
    });
  }

  /** Ends a task. @throws TaskNotCancelableError for one that is over */
  cancel(name: TaskName, principal: Principal): Promise<TaskFold> {
    return this.changes.run(name.conversationId, () => this.cancelNow(name, principal));
  }

  private async cancelNow(name: TaskName, principal: Principal): Promise<TaskFold> {
    const { conversationId: id } = name;
    const fold = await this.reader.fold(name);
    if (fold.isFinal) throw new TaskNotCancelableError(fold.phase);
    const { state } = await this.conversations.open(id);
    // First: whoever watches is not told that it was paused.
    await this.conversations.update(id, { tags: { ...state.tags, [CANCELED_TAG]: name.messageId } });
    const after = await this.reader.fold(name);
    if (after.phase !== 'canceled') throw new TaskNotCancelableError(after.phase);
    if (state.execution_status === 'waiting_for_confirmation')
      await this.conversations.respondToConfirmation(id, false, CANCELED);
    await this.rpc.interrupt(id, principal);
    return after;
  }

  /** The LLM profile of new conversations; null: as the settings say, which are not for keys of one's own. */
  private modelFor(principal: Principal): string | null {
    return ownerFilter(principal) === undefined ? null : (this.config.own_keys_llm_profiles[0] ?? null);
  }

  /** Sends a message, after the changes that were requested before, and watches its task. */
  private sent(
    id: string,
    principal: Principal,
    withText: boolean,
    send: () => Promise<Omit<SentMessage, 'watch'>>,
  ): Promise<SentMessage> {
    return this.watched(id, principal, withText, () => this.changes.run(id, send));
  }

  /**
   * Watches a conversation before something is done in it, so that nothing of what follows is missed. Counts
   * as a socket of the key.
   * @throws LimitReachedError, TooManyFollowersError before anything is done
   */
  private async watched(
    id: string,
    principal: Principal,
    withText: boolean,
    act: () => Promise<Omit<SentMessage, 'watch'>>,
  ): Promise<SentMessage> {
    const release = this.rpc.beginWait(id, principal, () => watch.stop(keyEnded()));
    const watch: TaskWatch = new TaskWatch(this.bus, id, withText, () => {
      release();
      this.watches.delete(watch);
    });
    this.watches.add(watch);
    try {
      return { ...(await act()), watch };
    } catch (error) {
      watch.stop();
      throw error;
    }
  }
}

/** @throws ConflictError for a decision that concerns no task */
function contentOf(intent: MessageIntent): Content[] {
  if (intent.type === 'content') return intent.content;
  throw new ConflictError('A decision about pending actions needs the id of their task.');
}

/** @throws ConflictError for a conversation in which something else is going on */
function assertIdle({ isWorking, state }: Conversation): void {
  if (state.execution_status === 'waiting_for_confirmation')
    throw new ConflictError(
      'Actions of the conversation wait for an approval: approve or reject them first, in their task.',
    );
  if (isWorking)
    throw new ConflictError(
      'The conversation is busy: wait for the end of its task, or send the message with the id of that task.',
    );
}

/** @throws ConflictError */
function assertWaitsFor({ type }: MessageIntent, fold: TaskFold): void {
  if (fold.isFinal)
    throw new ConflictError(
      `The task is ${fold.phase}: begin another one with a message that has only its context.`,
    );
  if (type === 'decision' && fold.phase !== 'approval')
    throw new ConflictError('The task waits for no approval.');
  if (type === 'content' && fold.phase === 'approval')
    throw new ConflictError('The task waits for an approval: answer with approve or reject.');
}

/** The beginning of the first message, without secrets. */
function titleOf({ agentRuntime }: Conversation, text: string): string {
  const [line = ''] = agentRuntime.masker.mask(text).trim().split('\n');
  return firstCharacters(line, MAX_TITLE) || NEW_TITLE;
}

function ifUnknown(error: unknown): undefined {
  if (!(error instanceof UnknownTaskError)) throw error;
}
