import {
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { mergeMap, type Observable } from 'rxjs';
import { OtherServers, ServerForwarder } from '../forwarding/index.js';
import { RequestAnsweredError } from '../http/index.js';
import { isJsonObject } from '../json/index.js';
import { TerminalServers } from './terminal-servers.js';

const LIST = /^\/api\/terminals\/?$/;
const ONE = /^\/api\/terminals\/([^/]+)/;

/** Passes requests for terminals that belong to no conversation on to the servers that have them. */
@Injectable()
export class TerminalsGuard implements CanActivate {
  constructor(
    private readonly servers: TerminalServers,
    private readonly forwarder: ServerForwarder,
  ) {}

  /** @throws RequestAnsweredError when another server has answered; ForwardingError */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const id = ONE.exec(request.path)?.[1];
    const server = id === undefined ? undefined : await this.servers.serverFor(id, request);
    if (!server) return true;
    await this.forwarder.forwardTo(server, request, context.switchToHttp().getResponse<HttpResponse>());
    throw new RequestAnsweredError();
  }
}

/** Adds those of the other servers to the list of terminals of this one. */
@Injectable()
export class TerminalsInterceptor implements NestInterceptor {
  constructor(private readonly servers: OtherServers) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const isList = context.getType() === 'http' && request.method === 'GET' && LIST.test(request.path);
    return isList ? next.handle().pipe(mergeMap((own) => this.withOthers(own, request))) : next.handle();
  }

  private async withOthers(own: unknown, request: HttpRequest): Promise<unknown> {
    const others = await this.servers.answers(request);
    if (others.length === 0) return own;
    const missing = others.filter((answer) => answer === undefined).length;
    return { items: [own, ...others].flatMap(itemsOf), missing_servers: missing };
  }
}

function itemsOf(answer: unknown): unknown[] {
  return isJsonObject(answer) && Array.isArray(answer['items']) ? answer['items'] : [];
}
