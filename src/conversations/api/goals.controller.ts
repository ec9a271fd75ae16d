import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ConversationIdPipe } from '../../http/validation/conversation-id.pipe.js';
import { Operation } from '../../http/operation.js';
import { StartGoalRequestDto } from './dto/goal.dto.js';
import { GoalsService } from '../goal/goals.service.js';

const SUCCESS = { success: true } as const;
const tag = 'Conversations';
const done = { 200: { description: 'Done.', schema: 'Success' } };

/** Goals and condensation over REST, under `/api` and without a prefix. */
@Controller(['api/conversations/:conversation_id', 'conversations/:conversation_id'])
export class GoalsController {
  constructor(private readonly work: GoalsService) {}

  @Post('goal')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Work for a goal',
    description:
      'The agent runs, a model audits what is left to do, and the agent is told; again and again until the goal is ' +
      'complete or was audited `max_iterations` times. State updates with the key `goal` tell how it stands.',
    body: { schema: StartGoalRequestDto },
    answers: done,
    errors: [400, 404, 409, 429],
  })
  async start(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { objective, max_iterations }: StartGoalRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.work.startGoal(id, objective, max_iterations);
    return SUCCESS;
  }

  @Post('goal/stop')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Stop working for a goal',
    description: 'A run that goes on is not stopped.',
    answers: done,
    errors: [404],
  })
  async stop(@Param('conversation_id', ConversationIdPipe) id: string): Promise<typeof SUCCESS> {
    await this.work.stopGoal(id);
    return SUCCESS;
  }

  @Post('goal/resume')
  @HttpCode(200)
  @Operation({ tag, summary: 'Go on with a goal', answers: done, errors: [400, 404, 409, 429] })
  async resume(@Param('conversation_id', ConversationIdPipe) id: string): Promise<typeof SUCCESS> {
    await this.work.resumeGoal(id);
    return SUCCESS;
  }

  @Post('condense')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Condense the history',
    description:
      "The agent's condenser puts a summary in the place of old events. Nothing is deleted from the log. 500 with the " +
      "model's error where it gives no summary: then nothing has changed.",
    answers: done,
    errors: [404, 409],
  })
  async condense(@Param('conversation_id', ConversationIdPipe) id: string): Promise<typeof SUCCESS> {
    await this.work.condense(id);
    return SUCCESS;
  }
}
