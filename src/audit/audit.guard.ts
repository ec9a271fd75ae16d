import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { clientAddress, principalOf, requirementOf } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { hopOf } from '../forwarding/index.js';
import { conversationIn, namedConversation, operationName } from '../http/index.js';
import { AuditTrail } from './audit-trail.js';

/**
 * Records each request that changes something, and each whose key was refused, when it is answered. It is the
 * first guard, so that it sees what later ones refuse. A request that another server has passed on is
 * recorded there.
 */
@Injectable()
export class AuditGuard implements CanActivate {
  constructor(
    private readonly trail: AuditTrail,
    private readonly config: AppConfig,
  ) {}

  /** @throws AuditUnavailableError if nothing may be changed without an audit log */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    if (hopOf(request)) return true;
    const changes = isChange(context, request);
    this.recordAtEnd(context, request, http.getResponse<HttpResponse>(), changes);
    if (changes) await this.trail.assertWritable();
    return true;
  }

  private recordAtEnd(
    context: ExecutionContext,
    request: HttpRequest,
    response: HttpResponse,
    changes: boolean,
  ): void {
    const startedAt = Date.now();
    const started = performance.now();
    response.once('close', () => {
      const { statusCode } = response;
      // Reading is recorded only if the key had no right to it.
      if (!changes && !REFUSALS.has(statusCode)) return;
      this.trail.record({
        principal: principalOf(request),
        address: clientAddress(request, this.config.trust_forwarded_headers),
        operation: operationName(context.getClass(), context.getHandler()),
        conversationId: namedConversation(request) ?? conversationIn(request),
        status: response.headersSent ? statusCode : null,
        startedAt,
        durationMs: performance.now() - started,
      });
    });
  }
}

const REFUSALS = new Set([401, 403, 429]);

/** Whether an operation may change something: it is no GET, and needs more than the scope `read`. */
function isChange(context: ExecutionContext, { method, params }: HttpRequest): boolean {
  if (method === 'GET') return false;
  const targets = [context.getHandler(), context.getClass()];
  return requirementOf(targets, (name) => params[name] !== undefined)?.scope !== 'read';
}
