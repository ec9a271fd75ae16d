import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { checkKeys, FailedKeys, KeySet } from '../auth/index.js';
import { AppConfig } from '../config/index.js';

/** Requires the server's secret key in `X-Init-API-Key`, if the server has one. */
@Injectable()
export class InitKeyGuard implements CanActivate {
  private readonly keys: KeySet;

  constructor(
    { secret_key: key }: AppConfig,
    private readonly failedKeys: FailedKeys,
  ) {
    this.keys = new KeySet(key === null ? [] : [key]);
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const shown = request.get('x-init-api-key') ?? '';
    if (!this.keys.required()) return true;
    return checkKeys(this.keys, this.failedKeys, [shown], {
      request,
      response: http.getResponse<HttpResponse>(),
    });
  }
}
