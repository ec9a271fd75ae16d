import { Controller, Get, Param, Query } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { ConversationIdPipe, documentSchemas, Operation } from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { TimelineService } from '../timeline/timeline.service.js';
import { TimelineQueryDto } from './dto/timeline.dto.js';
import { branchTree, timelinePage, timelineSummary } from './timeline-answers.js';

const tag = 'Conversations';

documentSchemas(async () => (await import('./schemas/timeline-schemas.js')).timelineSchemas());

/** What a conversation did with its time, over REST. */
@Controller('api/conversations/:conversation_id')
export class TimelineController {
  constructor(private readonly timelines: TimelineService) {}

  @Get('timeline')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'List where the time went',
    description:
      'Spans of waiting for the model, tools, hooks, condensations and people, derived from the log of the ' +
      'conversation, so they are there for conversations of any age. Pages go backwards from the end; the totals ' +
      'are those of the whole log. The log records moments: `derived` names the boundaries that it does not.',
    query: TimelineQueryDto,
    answers: { 200: { description: 'A page of spans.', schema: 'TimelinePage' } },
  })
  async timeline(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Query() { page_id, limit, kind }: TimelineQueryDto,
  ): Promise<JsonObject> {
    const query = { before: page_id ?? undefined, limit, kind: kind ?? undefined };
    return timelinePage(await this.timelines.timeline(id, query));
  }

  @Get('timeline/summary')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Get sums, costs over time and files',
    description:
      'Sums of the whole log by kind, tool and model; costs, tokens and the fill of the context over the steps; ' +
      'the files that tools have used. Costs and tokens are there for answers of any age, unlike the lists in ' +
      '`stats`, which hold the last 1,000.',
    answers: { 200: { description: 'The summary of the log.', schema: 'TimelineSummary' } },
  })
  async summary(@Param('conversation_id', ConversationIdPipe) id: string): Promise<JsonObject> {
    return timelineSummary(await this.timelines.summary(id));
  }

  @Get('branches')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Get the tree of branches',
    description:
      'The events after which branches part, the ends of branches and the head. Navigate to one of them to go on ' +
      'from there, or fork it.',
    answers: { 200: { description: 'The tree of branches.', schema: 'BranchTree' } },
  })
  async branches(@Param('conversation_id', ConversationIdPipe) id: string): Promise<JsonObject> {
    return branchTree(await this.timelines.branches(id));
  }
}
