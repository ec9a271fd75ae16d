import type {
  AgentCard,
  CancelTaskRequest,
  GetTaskRequest,
  ListTaskPushNotificationConfigsResponse,
  ListTasksResponse,
  Message,
  SendMessageRequest,
  StreamResponse,
  SubscribeToTaskRequest,
  Task,
  TaskPushNotificationConfig,
} from '@a2a-js/sdk';
import { Role } from '@a2a-js/sdk';
import {
  A2AError,
  ContentTypeNotSupportedError,
  ExtendedAgentCardNotConfiguredError,
  PushNotificationNotSupportedError,
  RequestMalformedError,
  UnsupportedOperationError,
} from '@a2a-js/sdk/errors';
import type { A2ARequestHandler } from '@a2a-js/sdk/server';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import type { KeyScope, Principal } from '../../auth/index.js';
import type { AppConfig } from '../../config/index.js';
import { ConversationNotFoundError, type Ownership, readIdempotencyKey } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import { expectedAnswer, parseUuid, releaseBody, RequestAnsweredError } from '../../http/index.js';
import type { RpcCalls, RpcForwarder, RpcUse } from '../../rpc/index.js';
import { UnknownTaskError } from '../tasks/task-errors.js';
import { LeaseHeldError } from '../../storage/index.js';
import { parseTaskId, type TaskName, taskIdOf } from '../tasks/task-id.js';
import type { TaskReader } from '../tasks/task-reader.js';
import type { SentMessage, TaskMessage, TasksService } from '../tasks/tasks.service.js';
import { protocolError } from './a2a-errors.js';
import { CAPABILITIES } from './agent-card.js';
import { OUTPUT_TYPES, readIntent } from './message-content.js';
import { TaskStream } from './task-stream.js';
import { TaskView } from './task-view.js';

/** What the calls of all requests share. */
export interface A2aServices {
  tasks: TasksService;
  reader: TaskReader;
  calls: RpcCalls;
  forwarder: RpcForwarder;
  ownership: Ownership;
  config: AppConfig;
}

/** A request, and who sends it. */
export interface A2aExchange {
  request: HttpRequest;
  response: HttpResponse;
  principal: Principal;
}

/** Longest id of a message, as of an idempotency key (characters). */
const MAX_MESSAGE_ID = 255;
/** The fields of a request that the SDK needs for its answers. */
const ENVELOPE = ['jsonrpc', 'id', 'method'];
const ANY_OUTPUT = new Set([...OUTPUT_TYPES, 'text', 'text/*', 'application/*', '*/*', '*']);

/**
 * Answers one request of the protocol. The SDK has read it, and writes the answer: this says what it means
 * for conversations, who may do it, and on which server of a cluster it is done.
 */
export class A2aCall implements A2ARequestHandler {
  /** Why the request failed, if that is answered with an HTTP status. */
  failure: Error | undefined;
  /** The client has left: what it waits for goes on. */
  private readonly left = new AbortController();

  constructor(
    private readonly services: A2aServices,
    private readonly exchange: A2aExchange,
  ) {
    exchange.response.once('close', () => this.left.abort());
  }

  /** The handlers of the SDK look for the capabilities; the card of the server is another one. */
  getAgentCard(): Promise<AgentCard> {
    return Promise.resolve({
      name: '',
      description: '',
      version: '',
      supportedInterfaces: [],
      provider: undefined,
      capabilities: { ...CAPABILITIES, extensions: [] },
      securitySchemes: {},
      securityRequirements: [],
      defaultInputModes: [],
      defaultOutputModes: [],
      skills: [],
      signatures: [],
    });
  }

  getAuthenticatedExtendedAgentCard(): Promise<AgentCard> {
    return Promise.reject(new ExtendedAgentCardNotConfiguredError());
  }

  async sendMessage(params: SendMessageRequest): Promise<Message | Task> {
    return this.translated(async () => {
      const { returnImmediately } = params.configuration ?? {};
      const historyLength = historyLengthOf(params.configuration?.historyLength);
      const sent = await this.send(params, 'SendMessage', false);
      const { name, watch, fold, rests } = sent;
      const stop = (): void => watch.stop();
      try {
        if (returnImmediately !== true) {
          this.left.signal.addEventListener('abort', stop);
          const { gateway_timeout_seconds: seconds } = this.services.config;
          const timer = seconds === null ? undefined : setTimeout(stop, seconds * 1000);
          const updates = watch.updates(fold, (task, length) => this.readOn(name, task, length), rests);
          try {
            while (!(await updates.next()).done);
          } finally {
            clearTimeout(timer);
          }
        }
        return await this.view(name).task(fold, historyLength);
      } finally {
        stop();
      }
    });
  }

  async *sendMessageStream(params: SendMessageRequest): AsyncGenerator<StreamResponse, void, undefined> {
    const historyLength = historyLengthOf(params.configuration?.historyLength);
    const sent = await this.translated(() => this.send(params, 'SendStreamingMessage', true));
    yield* this.stream(sent, historyLength);
  }

  async *resubscribe({ id }: SubscribeToTaskRequest): AsyncGenerator<StreamResponse, void, undefined> {
    const sent = await this.translated(async () => {
      const name = readTaskId(id);
      await this.routeTask(name, 'uses');
      releaseBody(this.exchange.request, ENVELOPE);
      return this.perform('SubscribeToTask', 'read', name.conversationId, () =>
        this.services.tasks.follow(name, this.exchange.principal),
      );
    });
    yield* this.stream(sent, 0);
  }

  getTask({ id, historyLength }: GetTaskRequest): Promise<Task> {
    return this.translated(async () => {
      const name = readTaskId(id);
      const length = historyLengthOf(historyLength);
      await this.routeTask(name, 'reads');
      const { reader } = this.services;
      return this.perform('GetTask', 'read', name.conversationId, async () =>
        this.view(name).task(await reader.fold(name), length),
      );
    });
  }

  cancelTask({ id }: CancelTaskRequest): Promise<Task> {
    return this.translated(async () => {
      const name = readTaskId(id);
      await this.routeTask(name, 'uses');
      return this.perform('CancelTask', 'write', name.conversationId, async () =>
        this.view(name).task(await this.services.tasks.cancel(name, this.exchange.principal)),
      );
    });
  }

  listTasks(): Promise<ListTasksResponse> {
    return Promise.reject(
      new UnsupportedOperationError(
        'Tasks are not listed. GET /api/conversations/search lists their contexts.',
      ),
    );
  }

  createTaskPushNotificationConfig(): Promise<TaskPushNotificationConfig> {
    return Promise.reject(new PushNotificationNotSupportedError());
  }

  getTaskPushNotificationConfig(): Promise<TaskPushNotificationConfig> {
    return Promise.reject(new PushNotificationNotSupportedError());
  }

  listTaskPushNotificationConfigs(): Promise<ListTaskPushNotificationConfigsResponse> {
    return Promise.reject(new PushNotificationNotSupportedError());
  }

  deleteTaskPushNotificationConfig(): Promise<void> {
    return Promise.reject(new PushNotificationNotSupportedError());
  }

  /** Sends a message where it belongs: to a task, into a context, or into a new one. */
  private async send(params: SendMessageRequest, operation: string, withText: boolean): Promise<SentMessage> {
    const { message, configuration } = params;
    if (!message) throw new RequestMalformedError('message is required');
    if (configuration?.taskPushNotificationConfig) throw new PushNotificationNotSupportedError();
    assertOutput(configuration?.acceptedOutputModes ?? []);
    const { tasks } = this.services;
    const sent = this.readMessage(message);
    const name = message.taskId === '' ? undefined : readTaskId(message.taskId);
    const contextId = message.contextId === '' ? undefined : readContextId(message.contextId);
    if (name && contextId !== undefined && contextId !== name.conversationId)
      throw new RequestMalformedError('The context of the message is not that of its task.');
    const id = name?.conversationId ?? contextId ?? tasks.newContext(sent);
    if (name) await this.routeTask(name, 'uses');
    else await this.route(id, contextId === undefined ? 'creates' : 'uses');
    try {
      const done = await this.perform(operation, 'write', id, () => {
        if (name) return tasks.goOn(name, sent, withText);
        return contextId === undefined
          ? tasks.begin(sent, withText)
          : tasks.beginIn(contextId, sent, withText);
      });
      // The SDK has both as long as the answer takes; the message is in the log.
      Object.assign(params, { message: undefined, configuration: undefined, metadata: undefined });
      releaseBody(this.exchange.request, ENVELOPE);
      return done;
    } catch (error) {
      // Another server has begun the same conversation at the same time.
      if (error instanceof LeaseHeldError) await this.route(id, 'creates');
      throw error;
    }
  }

  private readMessage({ messageId, role, parts }: Message): TaskMessage {
    const { request, principal } = this.exchange;
    if (messageId === '' || messageId.length > MAX_MESSAGE_ID)
      throw new RequestMalformedError(`message.messageId must have 1 to ${MAX_MESSAGE_ID} characters`);
    if (role !== Role.ROLE_USER) throw new RequestMalformedError('message.role must be that of the user');
    // Ids of messages are unique for the program that chooses them.
    const key = readIdempotencyKey(request.get('idempotency-key')) ?? `a2a ${principal.id} ${messageId}`;
    return { intent: readIntent(parts), key, principal };
  }

  /**
   * Passes the request on if another server has the conversation.
   * @throws ConversationNotFoundError for a conversation that the key does not see
   * @throws RequestAnsweredError when another server has answered
   */
  private async route(id: string, use: RpcUse | 'creates'): Promise<void> {
    const { ownership, forwarder } = this.services;
    const { request, response, principal } = this.exchange;
    if (use !== 'creates') await ownership.assertVisible(id, principal);
    if (await forwarder.forward(id, use === 'reads' ? 'reads' : 'uses', request, response))
      throw new RequestAnsweredError();
  }

  /** As `route`, for a task. @throws UnknownTaskError for one that the key does not see */
  private async routeTask(name: TaskName, use: RpcUse): Promise<void> {
    try {
      await this.route(name.conversationId, use);
    } catch (error) {
      throw error instanceof ConversationNotFoundError ? new UnknownTaskError(taskIdOf(name)) : error;
    }
  }

  private perform<T>(
    operation: string,
    scope: KeyScope,
    conversationId: string,
    work: () => Promise<T>,
  ): Promise<T> {
    const { request, principal } = this.exchange;
    return this.services.calls.perform(
      { request, principal, operation: `A2a_${operation}`, scope, conversationId },
      work,
    );
  }

  private async *stream(
    { name, watch, fold, rests }: SentMessage,
    historyLength: number | undefined,
  ): AsyncGenerator<StreamResponse, void, undefined> {
    const stop = (): void => watch.stop();
    this.left.signal.addEventListener('abort', stop);
    if (this.left.signal.aborted) stop();
    const stream = new TaskStream(this.view(name));
    const readOn = (task: typeof fold, length: number) => this.readOn(name, task, length);
    try {
      yield await stream.begin(fold, historyLength);
      for await (const update of watch.updates(fold, readOn, rests)) yield* stream.events(update, fold);
    } catch (error) {
      throw this.failed(error);
    } finally {
      stop();
    }
  }

  private view(name: TaskName): TaskView {
    return new TaskView(name, this.services.reader);
  }

  private readOn(name: TaskName, fold: SentMessage['fold'], length: number): Promise<void> {
    return this.services.reader.readOn(name, fold, length);
  }

  private async translated<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.failed(error);
    }
  }

  /** The error of the protocol. One that has none is kept, for an answer with an HTTP status. */
  private failed(error: unknown): unknown {
    if (error instanceof A2AError) return error;
    const known = protocolError(error, expectedAnswer(error, this.exchange.request));
    this.failure = known ? undefined : asError(error);
    return known ?? error;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(errorMessage(error));
}

/** @throws UnknownTaskError */
function readTaskId(id: string): TaskName {
  const name = parseTaskId(id);
  if (!name) throw new UnknownTaskError(id);
  return name;
}

/** @throws RequestMalformedError */
function readContextId(id: string): string {
  const parsed = parseUuid(id);
  if (!('id' in parsed))
    throw new RequestMalformedError(
      'message.contextId must be that of a conversation of this server, or missing',
    );
  return parsed.id;
}

/** @throws RequestMalformedError */
function historyLengthOf(length: number | undefined): number | undefined {
  if (length === undefined || (Number.isInteger(length) && length >= 0)) return length;
  throw new RequestMalformedError('historyLength must be an integer that is not negative');
}

/** @throws ContentTypeNotSupportedError for a client that accepts nothing that agents answer with */
function assertOutput(accepted: readonly string[]): void {
  if (accepted.length === 0 || accepted.some((type) => ANY_OUTPUT.has(type))) return;
  throw new ContentTypeNotSupportedError(`Agents answer with ${OUTPUT_TYPES.join(' and ')}.`);
}
