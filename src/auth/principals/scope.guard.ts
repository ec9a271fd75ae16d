import { type CanActivate, type ExecutionContext, ForbiddenException, Injectable } from '@nestjs/common';
import type { Request as HttpRequest } from 'express';
import { principalOf } from './request-principal.js';
import { refusalOf, requirementOf, STRICTEST } from './scope.js';

/** Refuses with 403 what the key of a request may not do. The key was checked by an earlier guard. */
@Injectable()
export class ScopeGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const principal = principalOf(request);
    // A route that needs no key.
    if (principal === undefined) return true;
    const targets = [context.getHandler(), context.getClass()];
    const required = requirementOf(targets, (name) => request.params[name] !== undefined);
    const refusal = refusalOf(principal, required ?? STRICTEST);
    if (refusal !== undefined) throw new ForbiddenException({ detail: refusal });
    return true;
  }
}
