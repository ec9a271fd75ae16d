import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { conversationIn, RequestAnsweredError } from '../../http/index.js';
import { ServerForwarder } from './server-forwarder.js';

/** Reads that any server can answer from the storage. */
const READS_OF_STORAGE =
  /^(\/api)?\/conversations\/[^/]+(\/(events(\/(?!stream$)[^/]+)?|agent_final_response|branches|timeline(\/summary)?))?$/;

/**
 * Passes requests of conversations on to the server that has them. An earlier global guard has checked the
 * session key; a later guard, of the route, reads the body.
 */
@Injectable()
export class ForwardingGuard implements CanActivate {
  constructor(private readonly forwarder: ServerForwarder) {}

  /** @throws RequestAnsweredError when another server has answered; ForwardingError */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const id = conversationIn(request);
    if (id === undefined) return true;
    const isRead = request.method === 'GET';
    const passed = await this.forwarder.forward(id, request, http.getResponse<HttpResponse>(), {
      takes: !isRead,
      canFallBack: isRead && answersFromStorage(request.path),
    });
    if (passed) throw new RequestAnsweredError();
    return true;
  }
}

/** Whether a GET of this path needs nothing but what is stored of its conversation. */
export function answersFromStorage(path: string): boolean {
  return READS_OF_STORAGE.test(path);
}
