import { Controller, Delete, HttpCode, NotFoundException, Param, Post } from '@nestjs/common';
import { Scope } from '../auth/index.js';
import { ConversationIdPipe, Operation } from '../http/index.js';

const tag = 'Runtime';

/**
 * Routes that only conversations in containers have. `ContainersGuard` answers for those; for all others they
 * do not exist.
 */
@Controller(['api/conversations/:conversation_id/runtime', 'conversations/:conversation_id/runtime'])
export class ContainersController {
  @Post('credentials')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    hidden: true,
    summary: 'Get the key of a container',
    description: 'For clients that talk to the server in the container of a conversation directly.',
    answers: { 200: { description: 'The session key of the server in the container.' } },
  })
  credentials(@Param('conversation_id', ConversationIdPipe) _id: string): never {
    throw new NotFoundException('Not Found');
  }

  @Delete()
  @Scope('write', { own: true })
  @HttpCode(204)
  @Operation({
    tag,
    hidden: true,
    summary: 'Stop a container',
    description: 'Stops the container of a conversation and keeps everything that belongs to it.',
    answers: { 204: { description: 'The container is stopped.' } },
  })
  release(@Param('conversation_id', ConversationIdPipe) _id: string): never {
    throw new NotFoundException('Not Found');
  }
}
