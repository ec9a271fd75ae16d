import {
  type CallHandler,
  type ExecutionContext,
  HttpException,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { from, type Observable } from 'rxjs';
import { principalOf, SESSION } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { nameConversation, parseUuid } from '../../http/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { KeyLimiter } from '../../limits/index.js';
import { ConversationContainers } from '../fleet/conversation-containers.js';
import { ContainerCreation, type CreationAnswer } from './container-creation.js';

const CREATE = /^(\/api)?\/conversations\/?$/;

/** Creates conversations in containers where the configuration or the request says so. The body is read. */
@Injectable()
export class ContainerCreationInterceptor implements NestInterceptor {
  constructor(
    private readonly creation: ContainerCreation,
    private readonly containers: ConversationContainers,
    private readonly config: AppConfig,
    private readonly limiter: KeyLimiter,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const body: unknown = request.body;
    if (request.method !== 'POST' || !CREATE.test(request.path)) return next.handle();
    // The handler says what is wrong with it, and creates nothing.
    if (!isJsonObject(body)) return next.handle();
    if (!this.isForContainer(body)) return next.handle();
    return from(this.create(body, request, http.getResponse<HttpResponse>()));
  }

  private async create(body: JsonObject, request: HttpRequest, response: HttpResponse): Promise<JsonObject> {
    const principal = principalOf(request) ?? SESSION;
    const create = () => this.creation.create(body, request.headers, request.originalUrl, principal);
    const answer = await (this.isInContainer(body) ? create() : this.counted(request, create));
    nameConversation(request, answer.id);
    response.status(answer.status);
    return answer.body;
  }

  /** Counts a conversation of its key, unless it is not created. */
  private async counted(
    request: HttpRequest,
    create: () => Promise<CreationAnswer>,
  ): Promise<CreationAnswer> {
    const { id } = principalOf(request) ?? SESSION;
    const giveBack = await this.limiter.takeConversation(id === SESSION.id ? null : id);
    try {
      const answer = await create();
      if (answer.status === 200) giveBack();
      return answer;
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  private isInContainer({ conversation_id: id }: JsonObject): boolean {
    const parsed = typeof id === 'string' ? parseUuid(id) : undefined;
    return parsed !== undefined && 'id' in parsed && this.containers.has(parsed.id);
  }

  private isForContainer(body: JsonObject): boolean {
    const { conversation_runtime: wanted } = body;
    const { conversation_runtime: standard, conversation_runtime_selectable: isSelectable } = this.config;
    const isInContainer = this.isInContainer(body);
    // The handler says what is wrong with another word.
    if (wanted !== undefined && wanted !== null && wanted !== 'docker' && wanted !== 'local') return false;
    if (wanted === 'local' && (isInContainer || !isSelectable))
      throw new HttpException({ detail: 'This server only runs docker conversations' }, 422);
    return isInContainer || (wanted ?? standard) === 'docker';
  }
}
