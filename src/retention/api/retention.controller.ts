import { Body, Controller, Get, Header, HttpCode, Post, Query } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { documentSchemas, Operation } from '../../http/index.js';
import type { RetentionPlan } from '../plan/retention-plan.js';
import { RetentionService, type RetentionStatus } from '../retention.service.js';
import type { SweepReport } from '../sweep/sweep-report.js';
import { changesIn, RetentionPlanQueryDto, RetentionSweepRequestDto } from './retention.dto.js';
import type { PlanAnswer } from './retention-schemas.js';

documentSchemas(async () => (await import('./retention-schemas.js')).retentionSchemas());

const tag = 'Server Details';
/** Conversations that a plan lists. */
const MAX_LISTED = 1_000;

/** The retention of conversations, for administrators. */
@Controller('api/retention')
@Scope('admin')
export class RetentionController {
  constructor(private readonly retention: RetentionService) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag,
    summary: 'Get the rules of retention and the last sweep',
    description:
      'By which rules this server removes conversations that nobody uses, and what it removed last. With a database the ' +
      'servers take turns; each tells what it did itself.',
    answers: { 200: { description: 'The rules and the last sweep.', schema: 'RetentionStatus' } },
  })
  status(): RetentionStatus {
    return this.retention.status;
  }

  @Get('plan')
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag,
    summary: 'List what a sweep would remove',
    description:
      'Changes nothing. Other rules than those of the configuration can be tried. What conversations occupy is measured ' +
      'only if their file system is used beyond the budget at all.',
    query: RetentionPlanQueryDto,
    values: { retention_days: '30', disk_budget: '0.8' },
    answers: { 200: { description: 'What would be removed now, and why.', schema: 'RetentionPlan' } },
    errors: { 429: 'Too many plans of other rules are being made.' },
  })
  async plan(@Query() query: RetentionPlanQueryDto): Promise<PlanAnswer> {
    return answerOf(await this.retention.plan(changesIn(query)));
  }

  @Post('sweep')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Remove now what the rules say',
    description:
      'As the server does by itself every `conversation_storage_sweep_seconds`, also without a rule in the configuration. ' +
      'Each conversation is deleted as by its `DELETE`. Never one that runs, waits for a confirmation, has a socket, was ' +
      'used a moment ago or has the tag `bookmark`. Answers when it is done.',
    body: {
      schema: RetentionSweepRequestDto,
      required: false,
      example: { retention_days: 365 },
      otherExamples: { configured: { summary: 'The rules of the configuration', value: {} } },
    },
    answers: { 200: { description: 'What was removed.', schema: 'RetentionSweep' } },
    errors: { 409: 'This server or another one of its database sweeps already.' },
  })
  sweep(@Body() request: RetentionSweepRequestDto): Promise<SweepReport> {
    return this.retention.sweep(changesIn(request));
  }
}

/** A plan as it is shown: a part of its list is enough. */
function answerOf({ removals, ...plan }: RetentionPlan): PlanAnswer {
  return {
    ...plan,
    conversations: removals.slice(0, MAX_LISTED),
    total: removals.length,
    total_bytes: removals.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
