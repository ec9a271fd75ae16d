import { Controller, Get, Header, Query } from '@nestjs/common';
import { CurrentPrincipal, type Principal, Scope } from '../../auth/index.js';
import { documentSchemas, Operation, type AnswerSource } from '../../http/index.js';
import { ConversationSummaries } from '../queries/conversation-summaries.js';
import { pageJson } from '../queries/json-page.js';
import { parseCursor } from '../queries/summary-page.js';
import { ConversationSummariesQueryDto } from './dto/queries.dto.js';

documentSchemas(async () => (await import('./schemas/summary-schemas.js')).summarySchemas());

/** What all conversations do and wait for, over REST. Changes come over `/sockets/conversations`. */
@Controller('api/conversations')
export class SummariesController {
  constructor(private readonly summaries: ConversationSummaries) {}

  @Get('summaries')
  @Scope('read', { own: true })
  @Header('Content-Type', 'application/json')
  @Operation({
    tag: 'Conversations',
    summary: 'List what conversations do and wait for',
    description:
      'Short descriptions of all conversations, latest update first, without opening any of them: what each waits ' +
      'for and why, what its run does, and what it has cost. The socket `/sockets/conversations` sends the new ' +
      'summary of each conversation that changes. Open it first, then read the pages: a conversation that changes ' +
      'meanwhile may be missing in the pages, but not on the socket.',
    query: ConversationSummariesQueryDto,
    answers: { 200: { description: 'A page of summaries.', schema: 'ConversationSummaryPage' } },
  })
  async list(
    @Query() { page_id: pageId, limit, status }: ConversationSummariesQueryDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<Buffer | AnswerSource> {
    const after = pageId === null ? undefined : parseCursor(pageId);
    return pageJson(await this.summaries.page({ after, limit, status: status ?? undefined }, principal));
  }
}
