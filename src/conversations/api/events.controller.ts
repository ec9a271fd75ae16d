import {
  Body,
  Controller,
  Get,
  Header,
  Headers,
  HttpCode,
  Param,
  Post,
  Query,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { turnForLine } from '../../flow/index.js';
import { withNulls } from '../../events/index.js';
import {
  ConversationIdPipe,
  readChecked,
  listOf,
  text,
  UnreadBody,
  Operation,
  type AnswerSource,
  streamJsonArray,
} from '../../http/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { RUN_LIMIT, RUN_STARTED, startedRun } from './answers.js';
import { type EventFilter, ConversationsService } from '../conversations.service.js';
import { ConfirmationResponseRequestDto, SendMessageRequestDto } from './dto/message.dto.js';
import { IDEMPOTENCY_HEADER, readIdempotencyKey } from './headers/idempotency-key.js';
import {
  EventCountQueryDto,
  EventListQueryDto,
  EventSearchQueryDto,
  RunRequestQueryDto,
  toRunRequest,
} from './dto/queries.dto.js';
import { toNewMessage } from './dto/to-new-message.js';
import { pageJson } from '../queries/json-page.js';

const tag = 'Events';

/** The events of a conversation over REST, under `/api` and without a prefix. */
@Controller(['api/conversations/:conversation_id/events', 'conversations/:conversation_id/events'])
export class EventsController {
  constructor(private readonly conversations: ConversationsService) {}

  @Get('search')
  @Scope('read', { own: true })
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'List events',
    description: 'Events are in the order of the log. Null fields are left out.',
    query: EventSearchQueryDto,
    answers: { 200: { description: 'A page of events.', schema: 'EventPage' } },
  })
  async search(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Query() query: EventSearchQueryDto,
  ): Promise<Buffer | AnswerSource> {
    const page = await this.conversations.searchEvents(id, {
      ...toFilter(query),
      pageId: query.page_id ?? undefined,
      limit: query.limit,
      descending: query.sort_order === 'TIMESTAMP_DESC',
    });
    // The items are lines of the log. They are sent as stored, without being parsed.
    return pageJson(page);
  }

  @Get('count')
  @Scope('read', { own: true })
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'Count events',
    description: 'Counts all events of the conversation, or those that match the filters.',
    query: EventCountQueryDto,
    answers: { 200: { description: 'The number of events.', schema: { type: 'integer' } } },
  })
  async count(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Query() query: EventCountQueryDto,
  ): Promise<string> {
    return JSON.stringify(await this.conversations.countEvents(id, toFilter(query)));
  }

  @Get()
  @Scope('read', { own: true })
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'Get several events',
    description:
      'Ids are sent in the body or as `ids` in the query. Without ids the answer is that of the search.',
    query: EventListQueryDto,
    body: {
      schema: { type: 'array', items: { type: 'string' } },
      required: false,
      example: ['0ef3041a-f4dc-4c8b-8cd1-3e91c0cf4b89'],
    },
    answers: {
      200: {
        description: 'The events in the order of the ids, null for unknown ids; or a page.',
        schema: {
          anyOf: [
            { type: 'array', items: { anyOf: [{ $ref: '#/components/schemas/Event' }, { type: 'null' }] } },
            { $ref: '#/components/schemas/EventPage' },
          ],
        },
      },
    },
  })
  async list(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Query() query: EventListQueryDto,
    @Body() body: unknown,
  ): Promise<Buffer | AnswerSource> {
    if (body instanceof UnreadBody) throw new UnsupportedMediaTypeException(body.explanation);
    const ids = body === undefined ? query.ids : readIds(body);
    if (ids === null) return this.search(id, query);
    // Reads the first event before the answer starts, so that a missing conversation is answered with 404.
    const first = await this.lines(id, ids.slice(0, 1));
    return streamJsonArray(this.streamEvents(id, first, ids));
  }

  /** Reads events one by one, because the same event may be requested many times. */
  private async *streamEvents(
    id: string,
    first: readonly (string | null)[],
    ids: readonly string[],
  ): AsyncGenerator<string, void> {
    yield* first.map(toItem);
    for (const eventId of ids.slice(1)) {
      const turn = turnForLine();
      if (turn) await turn;
      yield* (await this.lines(id, [eventId])).map(toItem);
    }
  }

  private lines(id: string, ids: readonly string[]): Promise<(string | null)[]> {
    return this.conversations.eventLines(id, ids);
  }

  @Post()
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Send a message',
    description:
      'Appends a message of a user. With `run` the agent answers it; an active run takes it into account with ' +
      'its next step.',
    query: RunRequestQueryDto,
    headers: IDEMPOTENCY_HEADER,
    body: {
      schema: SendMessageRequestDto,
      example: {
        role: 'user',
        content: [{ type: 'text', text: 'RUN: cat hello.txt\nFINISH: It says hello.' }],
        run: true,
      },
      large: true,
    },
    answers: RUN_STARTED,
    errors: {
      409: 'The message was stored, but no run can start: the conversation was closed on this server meanwhile.',
      422: 'The role is not `user`, or the `Idempotency-Key` came with another message before.',
      429: 'The message was stored, but no run can start: the maximum number of runs is active.',
    },
  })
  async send(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() body: SendMessageRequestDto,
    @Query() query: RunRequestQueryDto,
    @Headers('idempotency-key') key: string | undefined,
  ): Promise<JsonObject> {
    const message = toNewMessage(body, ['body', 'role']);
    const options = { key: readIdempotencyKey(key), ...toRunRequest(query) };
    return startedRun(await this.conversations.sendMessage(id, message, body.run, options));
  }

  @Post('respond_to_confirmation')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Accept or reject pending actions',
    description:
      'Concerns the actions for which the conversation waits (status `waiting_for_confirmation`). Accepting ' +
      'starts a run that executes them. Rejecting tells the model so with the next run.',
    query: RunRequestQueryDto,
    body: {
      schema: ConfirmationResponseRequestDto,
      example: { accept: false, reason: 'Show me the command first.' },
    },
    answers: RUN_STARTED,
    errors: {
      409: 'A run or a goal is active already.',
      429: RUN_LIMIT,
    },
  })
  async respond(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { accept, reason }: ConfirmationResponseRequestDto,
    @Query() query: RunRequestQueryDto,
  ): Promise<JsonObject> {
    const run = toRunRequest(query);
    return startedRun(await this.conversations.respondToConfirmation(id, accept, reason, run));
  }
}

function toFilter(query: EventCountQueryDto): EventFilter {
  return {
    // Clients may include the module path of the class.
    kind: query.kind?.split('.').at(-1),
    source: query.source ?? undefined,
    body: query.body ?? undefined,
    timestampGte: query.timestamp__gte ?? undefined,
    timestampLt: query.timestamp__lt ?? undefined,
  };
}

function readIds(body: unknown): string[] {
  const ids = readChecked(listOf(text()), body, ['body']);
  return Array.isArray(ids) ? ids.map(String) : [];
}

function toItem(line: string | null): string {
  return line === null ? 'null' : JSON.stringify(withNulls(asJsonObject(JSON.parse(line))));
}
