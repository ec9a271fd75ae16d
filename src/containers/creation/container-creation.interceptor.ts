import {
  type CallHandler,
  type ExecutionContext,
  HttpException,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { from, type Observable } from 'rxjs';
import { principalOf } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { nameConversation, parseUuid } from '../../http/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { ConversationContainers } from '../fleet/conversation-containers.js';
import { ContainerCreation } from './container-creation.js';

const CREATE = /^(\/api)?\/conversations\/?$/;

/** Creates conversations in containers where the configuration or the request says so. The body is read. */
@Injectable()
export class ContainerCreationInterceptor implements NestInterceptor {
  constructor(
    private readonly creation: ContainerCreation,
    private readonly containers: ConversationContainers,
    private readonly config: AppConfig,
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
    if (principalOf(request)?.reach === 'own')
      throw new HttpException(
        { detail: 'Keys that reach their own conversations only cannot create conversations in containers' },
        403,
      );
    return from(this.create(body, request, http.getResponse<HttpResponse>()));
  }

  private async create(body: JsonObject, request: HttpRequest, response: HttpResponse): Promise<JsonObject> {
    const answer = await this.creation.create(body, request.headers, request.originalUrl);
    const { id } = answer.body;
    if (typeof id === 'string') nameConversation(request, id);
    response.status(answer.status);
    return answer.body;
  }

  private isForContainer({ conversation_runtime: wanted, conversation_id: id }: JsonObject): boolean {
    const { conversation_runtime: standard, conversation_runtime_selectable: isSelectable } = this.config;
    const parsed = typeof id === 'string' ? parseUuid(id) : undefined;
    const isInContainer = parsed !== undefined && 'id' in parsed && this.containers.has(parsed.id);
    // The handler says what is wrong with another word.
    if (wanted !== undefined && wanted !== null && wanted !== 'docker' && wanted !== 'local') return false;
    if (wanted === 'local' && (isInContainer || !isSelectable))
      throw new HttpException({ detail: 'This server only runs docker conversations' }, 422);
    return isInContainer || (wanted ?? standard) === 'docker';
  }
}
