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
import { Scope } from '../../auth/index.js';
import {
  readChecked,
  listOf,
  text,
  uuid,
  UnreadBody,
  MISSING,
  RequestValidationError,
  prefixPath,
  Operation,
  type AnswerSource,
  streamJsonArray,
  RuntimeConversationIdPipe,
  UNKNOWN_CONVERSATION,
} from '../../http/index.js';
import { CountsAsActivity } from '../../server/index.js';
import type { BashHistory, BashQuery } from '../../storage/index.js';
import type { BashCommand, BashOutput } from '../bash-event.js';
import { BashService } from '../bash.service.js';
import { BashEventSearchQueryDto, ExecuteBashRequestDto } from './bash.dto.js';
import { OTHER_COMMANDS } from './examples.js';

const tag = 'Bash';
const SCOPE = 'runtime_conversation_id';

/** Commands that clients run directly, on the server or in a conversation's folder, and their output. */
@Controller(['api/bash', `api/conversations/:${SCOPE}/bash`])
@UseInterceptors(CountsAsActivity)
export class BashController {
  constructor(private readonly bash: BashService) {}

  @Post('execute_bash_command')
  @Scope('write', { machine: 'admin', own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Run a command and wait for its end',
    description:
      'Runs it with `/bin/sh -c` and answers when it has ended or was stopped after `timeout`. The exit code ' +
      'is -1 after a timeout, and if the command cannot be started.',
    body: {
      schema: ExecuteBashRequestDto,
      example: { command: 'echo hello; pwd' },
      otherExamples: OTHER_COMMANDS,
    },
    answers: { 200: { description: 'The output of the command.', schema: 'BashOutput' } },
    errors: { 404: UNKNOWN_CONVERSATION },
  })
  async execute(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Body() body: ExecuteBashRequestDto,
  ): Promise<BashOutput | StreamableFile> {
    const request = await this.bash.checked(body, scope);
    return (await (await this.bash.shell(scope)).execute(request)).toBody();
  }

  @Post('start_bash_command')
  @Scope('write', { machine: 'admin', own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Start a command',
    description:
      'Runs it with `/bin/sh -c` and answers at once. Get its output by a search, or live from ' +
      '`/sockets/bash-events`.',
    body: {
      schema: ExecuteBashRequestDto,
      example: { command: 'for i in 1 2 3; do echo $i; sleep 1; done', timeout: 10 },
    },
    answers: { 200: { description: 'The command.', schema: 'BashCommand' } },
    errors: { 404: UNKNOWN_CONVERSATION },
  })
  async start(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Body() body: ExecuteBashRequestDto,
  ): Promise<BashCommand> {
    const request = await this.bash.checked(body, scope);
    return (await this.bash.shell(scope)).start(request);
  }

  @Post('bash_commands/:command_id/stop')
  @Scope('write', { machine: 'admin', own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Stop a command',
    path: {
      command_id: {
        type: 'string',
        format: 'uuid',
        description: 'Id of the command: 32 hexadecimal digits, with or without dashes.',
      },
    },
    description:
      'Sends SIGTERM to its process group, and SIGKILL one second later. Does nothing if the command has ended.',
    answers: { 200: { description: 'The command has ended or is being stopped.', schema: 'Success' } },
    errors: { 404: 'No command has this id.' },
  })
  async stop(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Param('command_id') commandId: string,
  ): Promise<{ success: true }> {
    const id = withoutDashes(String(readChecked(uuid(), commandId, ['path', 'command_id'])));
    if (!(await (await this.bash.shell(scope)).stop(id))) throw new NotFoundException('Not Found');
    return { success: true };
  }

  @Get('bash_events/search')
  @Scope('read', { machine: 'admin', own: true })
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'List commands and their outputs',
    description:
      'Events are stored up to a maximum of number, size and age that the configuration sets; older ones are ' +
      'deleted.',
    query: BashEventSearchQueryDto,
    answers: {
      200: {
        description: 'A page of events, with fewer than `limit` if outputs are long.',
        schema: 'BashEventPage',
      },
    },
    errors: { 404: UNKNOWN_CONVERSATION },
  })
  async search(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() query: BashEventSearchQueryDto,
  ): Promise<string> {
    const { lines, nextPageId } = await (await this.bash.shell(scope)).history.search(toQuery(query));
    return `{"items":[${lines.join(',')}],"next_page_id":${JSON.stringify(nextPageId)}}`;
  }

  // Clients use this path with a trailing slash.
  @Get('bash_events{/}')
  @Scope('read', { machine: 'admin', own: true })
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'Get several commands and outputs',
    description: 'The body is a list of ids.',
    body: {
      schema: { type: 'array', items: { type: 'string' } },
      example: ['0ef3041af4dc4c8b8cd13e91c0cf4b89'],
    },
    answers: {
      200: {
        description: 'The events in the order of the ids, null for unknown ids.',
        schema: {
          type: 'array',
          items: { anyOf: [{ $ref: '#/components/schemas/BashEventBase' }, { type: 'null' }] },
        },
      },
    },
    errors: { 404: UNKNOWN_CONVERSATION },
  })
  async batch(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Body() body: unknown,
  ): Promise<AnswerSource> {
    if (body instanceof UnreadBody) throw new UnsupportedMediaTypeException(body.explanation);
    if (body === undefined) throw new RequestValidationError(prefixPath(['body'], [MISSING]), { body: null });
    const ids = readChecked(listOf(text(), { max: MAX_BATCH }), body, ['body']);
    const { history } = await this.bash.shell(scope);
    return streamJsonArray(linesOf(history, Array.isArray(ids) ? ids : []));
  }

  @Get('bash_events/:event_id')
  @Scope('read', { machine: 'admin', own: true })
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'Get a command or an output',
    description:
      'Reads one stored event. Old ones are deleted when the limits of the configuration are reached.',
    path: {
      event_id: { type: 'string', description: 'Id of the command or the output: 32 hexadecimal digits.' },
    },
    answers: { 200: { description: 'The command or the output.', schema: 'BashEventBase' } },
    errors: { 404: 'No event has this id, or it was deleted.' },
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
  @Scope('write', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'Delete all commands and outputs',
    description: 'Deletes the stored events. Commands that run go on, and their further output is stored.',
    answers: {
      200: {
        description: 'The number of deleted events, as `cleared_count`.',
        schema: { type: 'object', additionalProperties: { type: 'integer' } },
      },
    },
    errors: { 404: UNKNOWN_CONVERSATION },
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

/** The maximum number of ids in a request, because an output may have a megabyte. */
const MAX_BATCH = 100;

function toQuery(query: BashEventSearchQueryDto): BashQuery {
  const { kind__eq, command_id__eq, timestamp__gte, timestamp__lt, order__gt, page_id, limit } = query;
  return {
    kind: kind__eq ?? undefined,
    commandId: command_id__eq === null ? undefined : withoutDashes(command_id__eq),
    from: localToMicroseconds(timestamp__gte),
    before: localToMicroseconds(timestamp__lt),
    orderAfter: order__gt ?? undefined,
    descending: query.sort_order === 'TIMESTAMP_DESC',
    pageId: page_id ?? undefined,
    limit,
  };
}

/** Converts local time without a zone to microseconds since the epoch. */
function localToMicroseconds(local: string | null): number | undefined {
  if (local === null) return undefined;
  return new Date(local.slice(0, 19)).getTime() * 1000 + Number(local.slice(20).padEnd(6, '0'));
}

function withoutDashes(id: string): string {
  return id.replaceAll('-', '');
}
