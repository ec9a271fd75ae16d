import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import type { Request as HttpRequest } from 'express';
import { principalOf } from '../../auth/index.js';
import { conversationsIn } from '../../http/index.js';
import { ForbiddenError } from '../conversation-errors.js';
import { ownerFilter, Ownership } from './ownership.js';

/** Where a controller serves the whole machine as well as, with this in the path, a conversation. */
const IN_CONVERSATION = ':runtime_conversation_id';

/**
 * The one place that hides conversations from keys which reach their own only: whatever a route does with an
 * id, a request for a conversation of somebody else ends here, with the answer for an unknown id. The key was
 * checked by an earlier guard; the body is not read yet.
 */
@Injectable()
export class OwnerGuard implements CanActivate {
  constructor(private readonly ownership: Ownership) {}

  /** @throws ConversationNotFoundError, ForbiddenError */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const principal = principalOf(request);
    if (principal === undefined || ownerFilter(principal) === undefined) return true;
    const ids = conversationsIn(request);
    for (const id of ids) {
      // An id that is not used yet may be that of a new conversation of `/v1`.
      if (!isCreation(request) || (await this.ownership.ownerKey(id)) !== undefined)
        await this.ownership.assertVisible(id, principal);
    }
    if (ids.length === 0 && servesBoth(context.getClass())) {
      throw new ForbiddenError(
        'This key reaches its own conversations only. Use the same operation below /api/conversations/{id}.',
      );
    }
    return true;
  }
}

function isCreation({ method, path }: HttpRequest): boolean {
  return method === 'POST' && path.startsWith('/v1/');
}

/** Whether the paths of a controller are those of the machine and, further ones, of a conversation. */
function servesBoth(controller: object): boolean {
  const paths: unknown = Reflect.getMetadata(PATH_METADATA, controller);
  return Array.isArray(paths) && paths.some((path) => String(path).includes(IN_CONVERSATION));
}
