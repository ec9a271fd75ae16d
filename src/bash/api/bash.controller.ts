import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Query,
  StreamableFile,
  UnsupportedMediaTypeException,
  UseInterceptors,
} from '@nestjs/common';
import { readChecked } from '../../http/validation/dto.js';
import { listOf, text, uuid } from '../../http/validation/field-type.js';
import { UnreadBody } from '../../http/body/json-body.js';
import { MISSING, RequestValidationError, prefixPath } from '../../http/validation/problem.js';
import { Operation } from '../../http/operation.js';
import { type AnswerSource, listInPieces } from '../../http/body/stream-answer.js';
import { RuntimeConversationIdPipe } from '../../http/validation/conversation-id.pipe.js';
import { CountsAsActivity } from '../../server/counts-as-activity.js';
import type { BashCommand, BashOutput } from '../bash-event.js';
import type { BashHistory, BashQuery } from '../history/bash-history.js';
import { BashService } from '../bash.service.js';
import { BashEventSearchQueryDto, ExecuteBashRequestDto } from './bash.dto.js';

const tag = 'Bash';
const SCOPE = 'runtime_conversation_id';

/**
 * Commands that clients run themselves, on the machine or in the folder of a conversation, and what came of
 * them.
 */
@Controller(['api/bash', `api/conversations/:${SCOPE}/bash`])
@UseInterceptors(CountsAsActivity)
export class BashController {
  constructor(private readonly bash: BashService) {}

  @Post('execute_bash_command')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Run a command and wait for its end',
    description: 'A timeout, and a command that cannot be started, are an exit code of -1.',
    body: { schema: ExecuteBashRequestDto },
    answers: { 200: { description: 'All of its output.', schema: 'BashOutput' } },
    errors: [404, 429],
  })
  async execute(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Body() body: ExecuteBashRequestDto,
  ): Promise<BashOutput | StreamableFile> {
    const request = await this.bash.admitted(body, scope);
    return (await (await this.bash.shell(scope)).execute(request)).answer();
  }

  @Post('start_bash_command')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Start a command',
    description: 'Its output is found by the search, and comes over `/sockets/bash-events`.',
    body: { schema: ExecuteBashRequestDto },
    answers: { 200: { description: 'The command.', schema: 'BashCommand' } },
    errors: [404, 429],
  })
  async start(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Body() body: ExecuteBashRequestDto,
  ): Promise<BashCommand> {
    const request = await this.bash.admitted(body, scope);
    return (await this.bash.shell(scope)).start(request);
  }

  @Post('bash_commands/:command_id/stop')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'End a command',
    description:
      'Its process group gets SIGTERM, and a second later SIGKILL. One that has ended is left as it is.',
    answers: { 200: { description: 'It has ended.', schema: 'Success' } },
    errors: [404],
  })
  async stop(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Param('command_id') commandId: string,
  ): Promise<{ success: true }> {
    const id = hex(String(readChecked(uuid(), commandId, ['path', 'command_id'])));
    if (!(await (await this.bash.shell(scope)).stop(id))) throw new NotFoundException('Not Found');
    return { success: true };
  }

  @Get('bash_events/search')
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'List commands and their outputs',
    query: BashEventSearchQueryDto,
    answers: {
      200: {
        description: 'A page; it may be shorter than asked for where outputs are long.',
        schema: 'BashEventPage',
      },
    },
    errors: [404],
  })
  async search(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() query: BashEventSearchQueryDto,
  ): Promise<string> {
    const { lines, nextPageId } = await (await this.bash.shell(scope)).history.search(toQuery(query));
    return `{"items":[${lines.join(',')}],"next_page_id":${JSON.stringify(nextPageId)}}`;
  }

  // Clients ask with a slash at the end.
  @Get('bash_events{/}')
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'Get several commands and outputs',
    description: 'By ids in the body.',
    body: { schema: { type: 'array', items: { type: 'string' } } },
    answers: {
      200: {
        description: 'In the order asked, null for ids that are not known.',
        schema: {
          type: 'array',
          items: { anyOf: [{ $ref: '#/components/schemas/BashEventBase' }, { type: 'null' }] },
        },
      },
    },
    errors: [404],
  })
  async batch(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Body() body: unknown,
  ): Promise<AnswerSource> {
    if (body instanceof UnreadBody) throw new UnsupportedMediaTypeException(body.explanation);
    if (body === undefined) throw new RequestValidationError(prefixPath(['body'], [MISSING]), { body: null });
    const ids = readChecked(listOf(text(), { max: MAX_BATCH }), body, ['body']);
    const { history } = await this.bash.shell(scope);
    return listInPieces(linesOf(history, Array.isArray(ids) ? ids : []));
  }

  @Get('bash_events/:event_id')
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'Get a command or an output',
    answers: { 200: { description: 'It.', schema: 'BashEventBase' } },
    errors: [404],
  })
  async get(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Param('event_id') eventId: string,
  ): Promise<string> {
    const line = await (await this.bash.shell(scope)).history.line(eventId);
    if (line === undefined) throw new NotFoundException('Not Found');
    return line;
  }

  @Delete('bash_events')
  @Operation({
    tag,
    summary: 'Forget all commands and outputs',
    answers: {
      200: {
        description: 'How many there were.',
        schema: { type: 'object', additionalProperties: { type: 'integer' } },
      },
    },
    errors: [404],
  })
  async clear(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
  ): Promise<{ cleared_count: number }> {
    return { cleared_count: await (await this.bash.shell(scope)).history.clear() };
  }
}

async function* linesOf(history: BashHistory, ids: readonly unknown[]): AsyncGenerator<string, void> {
  for (const id of ids) yield (await history.line(String(id))) ?? 'null';
}

/** Ids of one request: an output may have a megabyte. */
const MAX_BATCH = 100;

function toQuery(query: BashEventSearchQueryDto): BashQuery {
  const { kind__eq, command_id__eq, timestamp__gte, timestamp__lt, order__gt, page_id, limit } = query;
  return {
    kind: kind__eq ?? undefined,
    commandId: command_id__eq === null ? undefined : hex(command_id__eq),
    from: microsOfLocal(timestamp__gte),
    before: microsOfLocal(timestamp__lt),
    orderAfter: order__gt ?? undefined,
    descending: query.sort_order === 'TIMESTAMP_DESC',
    pageId: page_id ?? undefined,
    limit,
  };
}

/** Microseconds since the epoch of naive local time. */
function microsOfLocal(local: string | null): number | undefined {
  if (local === null) return undefined;
  return new Date(local.slice(0, 19)).getTime() * 1000 + Number(local.slice(20).padEnd(6, '0'));
}

function hex(id: string): string {
  return id.replaceAll('-', '');
}
