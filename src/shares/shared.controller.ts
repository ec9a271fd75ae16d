import { Controller, Get, Header, Param, type PipeTransform, Query, UseGuards } from '@nestjs/common';
import { OpenRoute } from '../auth/index.js';
import { Field, integer, nullable, Operation, parseUuid, text } from '../http/index.js';
import { SHARE_HEADER, ShareGuard } from './share.guard.js';
import { SharedView } from './shared-view.js';

const tag = 'Shared conversations';
const path = {
  shared_id: { type: 'string', format: 'uuid', description: 'Id of the conversation that the link is for.' },
};
const headers = { [SHARE_HEADER]: 'The token of the share link.' };
const errors = { 401: 'The link is not valid, has expired or was revoked.' };

/** The page of events. */
class SharedEventsQueryDto {
  @Field(nullable(text({ max: 100 })), 'The `next_page_id` of the previous page; null: the first page.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }), 'Maximum number of events in the page.')
  limit = 100;
}

/** The id in the path, which the guard has checked. */
class SharedIdPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    const parsed = parseUuid(value);
    return 'id' in parsed ? parsed.id : value;
  }
}

/** One conversation for people with a share link. Needs no key, and leads nowhere else. */
@Controller('api/shared/:shared_id')
@OpenRoute()
@UseGuards(ShareGuard)
export class SharedController {
  constructor(private readonly view: SharedView) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag,
    summary: 'Get a shared conversation',
    description: 'Title and state of the conversation of a share link.',
    path,
    headers,
    errors,
    answers: { 200: { description: 'The conversation.', schema: { type: 'object' } } },
  })
  info(@Param('shared_id', SharedIdPipe) id: string): Promise<object> {
    return this.view.info(id);
  }

  @Get('events')
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag,
    summary: 'List the events of a shared conversation',
    description:
      'Events in the order of the log. Secrets are masked, folders of the server have other names, and what configures ' +
      'the agent is left out. New ones come over `/sockets/shared/{shared_id}?share_token=...&after_seq=...`.',
    path,
    headers,
    errors,
    query: SharedEventsQueryDto,
    answers: { 200: { description: 'A page of events.', schema: 'EventPage' } },
  })
  events(
    @Param('shared_id', SharedIdPipe) id: string,
    @Query() { page_id, limit }: SharedEventsQueryDto,
  ): Promise<object> {
    return this.view.events(id, page_id ?? undefined, limit);
  }
}
