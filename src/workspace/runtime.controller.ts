import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ConversationsService } from '../conversations/index.js';
import { ConversationIdPipe, Operation } from '../http/index.js';

/** State of a conversation's runtime. It is always available: the server's machine. */
interface RuntimeInfo {
  runtime_status: 'available';
  can_resume: boolean;
  runtime_error: null;
}

const AVAILABLE: RuntimeInfo = { runtime_status: 'available', can_resume: true, runtime_error: null };
const tag = 'Runtime';

/** The runtime of a conversation. */
@Controller('api/conversations/:conversation_id/runtime')
export class RuntimeController {
  constructor(private readonly conversations: ConversationsService) {}

  @Get()
  @Operation({
    tag,
    summary: 'Get the runtime of a conversation',
    description: 'Tells whether the place where the conversation executes commands is available.',
    answers: {
      200: {
        description: 'The runtime, which is the machine of the server.',
        schema: 'ConversationRuntimeInfo',
      },
    },
  })
  info(@Param('conversation_id', ConversationIdPipe) id: string): Promise<RuntimeInfo> {
    return this.assertExists(id);
  }

  @Post('reprovision')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Provision the runtime of a conversation again',
    description: 'Does nothing, because the runtime is always available. For clients of the Python server.',
    answers: { 200: { description: 'The runtime.', schema: 'ConversationRuntimeInfo' } },
  })
  reprovision(@Param('conversation_id', ConversationIdPipe) id: string): Promise<RuntimeInfo> {
    return this.assertExists(id);
  }

  private async assertExists(id: string): Promise<RuntimeInfo> {
    await this.conversations.workingDir(id);
    return AVAILABLE;
  }
}
