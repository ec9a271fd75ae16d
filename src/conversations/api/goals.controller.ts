import { Body, Controller, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { ConversationIdPipe, Field, integer, text, Operation } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { DONE, RUN_LIMIT, RUN_STARTED, startedRun, SUCCESS } from './answers.js';
import { RunRequestQueryDto, toRunRequest } from './dto/queries.dto.js';
import { GoalsService } from '../goal/goals.service.js';

const tag = 'Conversations';

/** A goal to pursue. */
class StartGoalRequestDto {
  @Field(text(), 'What the agent is to achieve; it becomes the first message.')
  objective!: string;

  @Field(integer({ ge: 1 }), 'Maximum number of audits before the goal is given up.')
  max_iterations = 10;
}

/** Goals and condensation over REST, under `/api` and without a prefix. */
@Controller(['api/conversations/:conversation_id', 'conversations/:conversation_id'])
export class GoalsController {
  constructor(private readonly goals: GoalsService) {}

  @Post('goal')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Start a goal',
    description:
      'After each run of the agent a model audits the work and tells the agent what is missing. This repeats until the ' +
      'goal is complete or `max_iterations` audits were made. State updates with the key `goal` report the progress.',
    query: RunRequestQueryDto,
    body: {
      schema: StartGoalRequestDto,
      example: { objective: 'The file hello.txt says hello.', max_iterations: 2 },
      needs: 'Needs a conversation whose run has ended.',
    },
    answers: RUN_STARTED,
    errors: {
      400: 'The objective is blank, or the agent cannot pursue a goal.',
      409: 'A run or another goal is active.',
      429: RUN_LIMIT,
    },
  })
  async start(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { objective, max_iterations }: StartGoalRequestDto,
    @Query() query: RunRequestQueryDto,
  ): Promise<JsonObject> {
    return startedRun(await this.goals.start(id, objective, max_iterations, toRunRequest(query)));
  }

  @Post('goal/stop')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Stop the goal',
    description:
      'No further audit is made. The active run is not stopped. A goal that waits leaves the queue.',
    answers: DONE,
  })
  async stop(@Param('conversation_id', ConversationIdPipe) id: string): Promise<typeof SUCCESS> {
    await this.goals.stop(id);
    return SUCCESS;
  }

  @Post('goal/resume')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Resume the goal',
    description: 'Continues a goal that was stopped, also by a shutdown, with the audits that are left.',
    query: RunRequestQueryDto,
    answers: RUN_STARTED,
    errors: {
      400: 'There is no goal to resume, or the agent cannot pursue one.',
      409: 'A run or another goal is active.',
      429: RUN_LIMIT,
    },
  })
  async resume(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Query() query: RunRequestQueryDto,
  ): Promise<JsonObject> {
    return startedRun(await this.goals.resume(id, toRunRequest(query)));
  }

  @Post('condense')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Condense the history',
    description:
      "The agent's condenser replaces old events by a summary. Nothing is deleted from the log. If the model returns no " +
      'summary, the answer is 500 with its error and nothing changes.',
    answers: DONE,
    errors: {
      409: 'The agent has no condenser, there is nothing to replace, or the budget of the conversation is spent.',
    },
  })
  async condense(@Param('conversation_id', ConversationIdPipe) id: string): Promise<typeof SUCCESS> {
    await this.goals.condense(id);
    return SUCCESS;
  }
}
