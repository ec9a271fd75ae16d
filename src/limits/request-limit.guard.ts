import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request as HttpRequest } from 'express';
import { principalOf } from '../auth/index.js';
import { hopOf } from '../forwarding/index.js';
import { KeyLimiter } from './key-limiter.js';

/**
 * Refuses requests of a key that has sent too many, before their bodies are read. The key was checked by an
 * earlier guard. What another server has passed on was counted there.
 */
@Injectable()
export class RequestLimitGuard implements CanActivate {
  constructor(private readonly limiter: KeyLimiter) {}

  /** @throws LimitReachedError */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const principal = principalOf(request);
    if (principal !== undefined && !hopOf(request)) await this.limiter.takeRequest(principal);
    return true;
  }
}
