import { Logger } from '@nestjs/common';
import type { ConversationsService } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import type { EventBus } from '../../events/index.js';
import type { AfterRequest } from './container-forwarder.js';

/** Requests after which webhooks are told what a conversation is like now, as without containers. */
const CHANGES = /^(?:\/api)?\/conversations\/[^/?]+(?:\/(?:pause|interrupt))?(?:\?|$)/;
const CHANGING = new Set(['POST', 'PATCH']);

/** Announces changes that the answer of a container tells. */
export function changeAnnouncer(conversations: ConversationsService, bus: EventBus): AfterRequest {
  const logger = new Logger('Containers');
  return (id, { method = '', url = '' }, status) => {
    if (status >= 400 || !CHANGING.has(method) || !CHANGES.test(url)) return;
    conversations
      .describe(id, { includeSkills: false, runtimeInfo: false })
      .then((info) => bus.publishChange({ conversationId: id, info: () => info }))
      .catch((error: unknown) => {
        logger.warn(`conversation ${id}: a change is not announced: ${errorMessage(error)}`);
      });
  };
}
