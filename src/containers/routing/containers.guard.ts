import { type CanActivate, type ExecutionContext, HttpException, Injectable } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { principalOf } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { answersFromStorage } from '../../forwarding/index.js';
import { conversationIn, RequestAnsweredError } from '../../http/index.js';
import { KeyAccounts } from '../accounts/key-accounts.js';
import { ContainerError } from '../fleet/container-errors.js';
import { ConversationContainers } from '../fleet/conversation-containers.js';
import { ContainerForwarder } from './container-forwarder.js';
import { RuntimeRoutes } from './runtime-routes.js';

/** What the original does not do in containers either: it would need the stores of this server. */
const UNAVAILABLE =
  /^(\/api)?\/conversations\/[^/]+\/(fork|switch_llm|switch_profile|credential-bindings)(\/|$)/;
const TRAJECTORY = /^\/api\/file\/download-trajectory\/[^/]+$/;
const CONVERSATION = /^(\/api)?\/conversations\/[^/]+$/;
/** Links are made and checked by this server. */
const SHARES = /^\/api\/conversations\/[^/]+\/shares(\/|$)/;
/** A message may begin a run; its body is not read here. */
const RUN = /\/(run|events|events\/respond_to_confirmation|goal|goal\/resume|children)\/?$|^\/v1\//;
const MODEL_CALL = /\/(ask_agent|condense|generate_title)\/?$/;
const READS = new Set(['GET', 'HEAD']);

/**
 * Decides where a request for a conversation is served: reads of what is stored here, everything else in the
 * container of the conversation. Comes after the guard of keys and before bodies are read.
 */
@Injectable()
export class ContainersGuard implements CanActivate {
  constructor(
    private readonly containers: ConversationContainers,
    private readonly forwarder: ContainerForwarder,
    private readonly runtime: RuntimeRoutes,
    private readonly accounts: KeyAccounts,
    private readonly config: AppConfig,
  ) {}

  /** @throws RequestAnsweredError when the container has answered; EngineAwayError, ContainerError */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const response = http.getResponse<HttpResponse>();
    const id = conversationIn(request);
    if (id === undefined) return this.servesHere(request);
    if (!this.containers.has(id)) return this.servesLocal(request);
    const principal = principalOf(request);
    // Another guard has said so already.
    if (principal && !this.containers.records.isVisible(id, principal)) throw notFound();
    if (isStored(request) || SHARES.test(request.path)) return true;
    if (UNAVAILABLE.test(request.path))
      throw new ContainerError('unsupported', 'This operation is unavailable in Docker runtime mode');
    if (request.headers['x-expose-secrets'] !== undefined)
      throw new HttpException({ detail: 'Runtime secret exposure is unsupported' }, 422);
    const isHandled = await this.runtime.handle(id, request, response);
    if (!isHandled) await this.forward(id, request, response);
    throw new RequestAnsweredError();
  }

  /** What calls a model, or begins a run, counts for the key that the conversation belongs to. */
  private async forward(id: string, request: HttpRequest, response: HttpResponse): Promise<void> {
    const isPost = request.method === 'POST';
    if (isPost && MODEL_CALL.test(request.path)) this.accounts.assertSolvent(id);
    const settle = isPost && RUN.test(request.path) ? this.accounts.beginRun(id) : undefined;
    try {
      await this.forwarder.forward(id, request, response);
    } finally {
      settle?.(response.headersSent && response.statusCode < 400);
    }
  }

  /** Agents behind `/v1` would run in this process, next to its keys. */
  private servesHere({ method, path }: HttpRequest): boolean {
    if (this.config.conversation_runtime_selectable || READS.has(method) || !path.startsWith('/v1/'))
      return true;
    throw new ContainerError(
      'unsupported',
      'Conversations of this server run in containers, which /v1 does not start: use POST /api/conversations',
    );
  }

  /** A server that only runs containers shows conversations from before, and does nothing with them. */
  private servesLocal(request: HttpRequest): boolean {
    if (this.config.conversation_runtime_selectable || isStored(request) || READS.has(request.method))
      return true;
    throw notFound();
  }
}

function notFound(): HttpException {
  return new HttpException({ detail: 'Conversation not found' }, 404);
}

/** Whether what is stored of the conversation is the answer. */
function isStored({ method, path }: HttpRequest): boolean {
  return READS.has(method) && (answersFromStorage(path) || TRAJECTORY.test(path) || CONVERSATION.test(path));
}
