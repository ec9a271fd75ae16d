import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { parseUuid, RequestAnsweredError } from '../../http/index.js';
import { ServerForwarder } from './server-forwarder.js';

/** Parameters of paths that name the conversation, the first one that a path has counts. */
const PARAMETERS = ['conversation_id', 'runtime_conversation_id'];
/** Names the conversation of requests in OpenAI's format, below `/v1`. */
const HEADER = 'x-openhands-serverconversation-id';
/** Reads that any server can answer from the storage. */
const READS_OF_STORAGE =
  /^(\/api)?\/conversations\/[^/]+(\/(events(\/(search|count|[^/]+))?|agent_final_response|branches|timeline(\/summary)?))?$/;

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

/** The conversation that a request belongs to; undefined if there is none, or its id is invalid. */
export function conversationIn(
  request: Pick<HttpRequest, 'params' | 'path' | 'headers'>,
): string | undefined {
  const named = PARAMETERS.map((name) => request.params[name]).find((value) => value !== undefined);
  const given = named ?? (request.path.startsWith('/v1/') ? request.headers[HEADER] : undefined);
  const parsed = parseUuid(String(given ?? ''));
  return 'id' in parsed ? parsed.id : undefined;
}
