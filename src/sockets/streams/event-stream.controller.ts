import { Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import type { Response as HttpResponse } from 'express';
import { CurrentPrincipal, type Principal, Scope } from '../../auth/index.js';
import {
  ConversationIdPipe,
  Field,
  flag,
  integer,
  nullable,
  Operation,
  readChecked,
} from '../../http/index.js';
import { EventStreams } from './event-streams.js';

const LAST_ID = 'Last-Event-ID';
const afterSeq = nullable(integer({ ge: -1 }));

/** What a stream contains. */
class EventStreamQueryDto {
  @Field(
    afterSeq,
    'Send the events after this number first; -1: all. Null: only events from now on. `Last-Event-ID` counts more.',
  )
  after_seq: number | null = null;

  @Field(flag(), 'Also send pieces of unfinished answers (`item`) and what commands print (`output`).')
  deltas = true;
}

/** The events of a conversation as server-sent events: for programs and pages that need no WebSocket. */
@Controller('api/conversations/:conversation_id/events')
export class EventStreamController {
  constructor(private readonly streams: EventStreams) {}

  @Get('stream')
  @Scope('read', { own: true })
  @Operation({
    tag: 'Events',
    summary: 'Stream events',
    description:
      'Server-sent events, until the client disconnects. A durable event has no name, its `id` is its sequence number, and ' +
      'its data the event, so that a browser that connects again goes on after the last one it has. Named events: `sync` ' +
      'first, `state` after the replay, `transient` for what is not stored, `item` and `output` for unfinished answers and ' +
      'commands, `closing` with a reason if there is nothing to come back for.',
    query: EventStreamQueryDto,
    headers: { [LAST_ID]: 'The number of the last event that the client has.' },
    answers: {
      200: {
        description: 'Server-sent events, one after the other.',
        schema: { type: 'string' },
        mediaType: 'text/event-stream',
      },
    },
    errors: { 429: 'Too many sockets and streams follow the conversation, or belong to the key.' },
  })
  stream(
    @Param('conversation_id', ConversationIdPipe) conversationId: string,
    @Query() { after_seq, deltas }: EventStreamQueryDto,
    @Headers(LAST_ID.toLowerCase()) lastId: string | undefined,
    @CurrentPrincipal() principal: Principal,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const last = lastId === undefined || lastId === '' ? after_seq : readSeq(lastId);
    return this.streams.send(
      {
        conversationId,
        principal,
        afterSeq: last ?? undefined,
        withPieces: deltas,
      },
      response,
    );
  }
}

/** @throws RequestValidationError */
function readSeq(header: string): number {
  return Number(readChecked(integer({ ge: -1 }), header, ['header', LAST_ID]));
}
