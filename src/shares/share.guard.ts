import { type CanActivate, type ExecutionContext, Injectable, UnauthorizedException } from '@nestjs/common';
import type { Request as HttpRequest } from 'express';
import { parseUuid } from '../http/index.js';
import { SharesService } from './shares.service.js';

/** The header with the token of a share link. It is not in the path, so that no log of a proxy has it. */
export const SHARE_HEADER = 'X-Share-Token';
/** The same for every reason: who guesses learns nothing. */
export const NOT_VALID = 'This link is not valid, has expired or was revoked.';

/** Admits requests with the token of a share link for the conversation in the path, and nothing else. */
@Injectable()
export class ShareGuard implements CanActivate {
  constructor(private readonly shares: SharesService) {}

  /** @throws UnauthorizedException */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const parsed = parseUuid(String(request.params['shared_id'] ?? ''));
    const claims =
      'id' in parsed ? await this.shares.check(request.get(SHARE_HEADER) ?? '', parsed.id) : undefined;
    if (!claims) throw new UnauthorizedException({ detail: NOT_VALID });
    return true;
  }
}
