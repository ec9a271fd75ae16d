import { type CanActivate, type ExecutionContext, Inject, Injectable, Optional } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { clientAddress } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { operationName } from '../http/index.js';
import { ServerSetup } from './deferred-init.js';

/** Whoever has shown the key of the set-up. */
const INIT_KEY = { id: 'init-key', name: 'init key' };
/** Answers to a client whose key is wrong. */
const WRONG_KEY = new Set([401, 429]);

/**
 * Records each attempt to set up a waiting server, which has no audit log of its own. It is the first guard,
 * so that it sees what the other one refuses. On other servers the guard of all routes records.
 */
@Injectable()
export class InitAuditGuard implements CanActivate {
  constructor(
    @Optional() @Inject(ServerSetup) private readonly server: ServerSetup | undefined,
    private readonly config: AppConfig,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const { server } = this;
    if (!server) return true;
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const response = http.getResponse<HttpResponse>();
    const { secret_key, trust_forwarded_headers } = this.config;
    const startedAt = Date.now();
    const started = performance.now();
    response.once('close', () => {
      const status = response.headersSent ? response.statusCode : null;
      const hasShownKey = secret_key !== null && status !== null && !WRONG_KEY.has(status);
      server.audit({
        principal: hasShownKey ? INIT_KEY : undefined,
        address: clientAddress(request, trust_forwarded_headers),
        operation: operationName(context.getClass(), context.getHandler()),
        status,
        startedAt,
        durationMs: performance.now() - started,
      });
    });
    return true;
  }
}
