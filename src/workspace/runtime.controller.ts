import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ConversationsService } from '../conversations/conversations.service.js';
import { ConversationIdPipe } from '../http/validation/conversation-id.pipe.js';
import { Operation } from '../http/operation.js';

/** Whether a conversation has a place to run commands. Here it always has: the machine of the server. */
interface RuntimeInfo {
  runtime_status: 'available';
  can_resume: boolean;
  runtime_error: null;
}

const AVAILABLE: RuntimeInfo = { runtime_status: 'available', can_resume: true, runtime_error: null };
const tag = 'Runtime';

/** Where a conversation runs. */
@Controller('api/conversations/:conversation_id/runtime')
export class RuntimeController {
  constructor(private readonly conversations: ConversationsService) {}

  @Get()
  @Operation({
    tag,
    summary: 'Whether a conversation has a place to run commands',
    answers: {
      200: { description: 'It has: the machine of the server.', schema: 'ConversationRuntimeInfo' },
    },
    errors: [404],
  })
  info(@Param('conversation_id', ConversationIdPipe) id: string): Promise<RuntimeInfo> {
    return this.known(id);
  }

  @Post('reprovision')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Get a conversation a place to run commands',
    description: 'Does nothing: it has one.',
    answers: { 200: { description: 'It has.', schema: 'ConversationRuntimeInfo' } },
    errors: [404],
  })
  reprovision(@Param('conversation_id', ConversationIdPipe) id: string): Promise<RuntimeInfo> {
    return this.known(id);
  }

  private async known(id: string): Promise<RuntimeInfo> {
    await this.conversations.workingDir(id);
    return AVAILABLE;
  }
}
