import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { KeySet } from '../auth/index.js';
import { AppConfig } from '../config/index.js';

/** Lets a request pass that carries the server's secret key in `X-Init-API-Key`, or any when there is none. */
@Injectable()
export class InitKeyGuard implements CanActivate {
  private readonly keys: KeySet;

  constructor({ secret_key: key }: AppConfig) {
    this.keys = new KeySet(key === null ? [] : [key]);
  }

  canActivate(context: ExecutionContext): boolean {
    const shown = context.switchToHttp().getRequest<Request>().get('x-init-api-key');
    if (!this.keys.required() || (shown !== undefined && this.keys.accepts(shown))) return true;
    throw new UnauthorizedException({ detail: 'Unauthorized' });
  }
}
