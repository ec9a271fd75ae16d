import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Field } from '../../http/validation/field.js';
import { integer, text } from '../../http/validation/field-type.js';
import { Operation } from '../../http/operation.js';
import { withErrorPrefixes } from '../installation/installation-errors.js';
import { nameField, OTHER_NAME } from '../installation/installation.dto.js';
import { ExtensionNamePipe } from '../installation/name.pipe.js';
import { CanvasBackends, type BackendStatus } from './backends/canvas-backends.js';

/** Which version of a back end is meant. */
export class BackendRevisionRequestDto {
  @Field(text({ min: 1 }))
  revision!: string;
}

/** How much of a log. */
export class BackendLogsQueryDto {
  @Field(integer({ ge: 1, le: 262_144 }), 'Bytes.')
  limit_bytes = 65_536;
}

const tag = 'Canvas extensions';
const path = { extension_name: nameField(OTHER_NAME).schema() };
const NAME = 'extension_name';
const name = new ExtensionNamePipe(NAME, OTHER_NAME);
const status = { 200: { description: 'How it is.', schema: 'BackendStatus' } };
const revision = { schema: BackendRevisionRequestDto };

/** The programs that canvas extensions bring along. */
@Controller('api/canvas-extensions/installed/:extension_name/backend')
export class CanvasBackendsController {
  constructor(private readonly backends: CanvasBackends) {}

  @Get()
  @Operation({
    tag,
    summary: 'Get the state of a back end',
    description: 'One that runs is asked whether it still serves.',
    path,
    answers: status,
  })
  state(@Param(NAME, name) extension: string): Promise<BackendStatus> {
    return answered(this.backends.status(extension));
  }

  @Post('prepare')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Allow a version of a back end to run',
    description:
      'Its archive is fetched, compared with the digest in the manifest and unpacked. An extension that is installed ' +
      'anew has to be prepared again.',
    path,
    body: revision,
    answers: status,
    errors: [409],
  })
  prepare(
    @Param(NAME, name) extension: string,
    @Body() request: BackendRevisionRequestDto,
  ): Promise<BackendStatus> {
    return answered(this.backends.prepare(extension, request.revision));
  }

  @Post('start')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Start a back end',
    description: 'Answers when it serves or has failed: `state` and `detail` say which.',
    path,
    body: revision,
    answers: status,
    errors: [409],
  })
  start(
    @Param(NAME, name) extension: string,
    @Body() request: BackendRevisionRequestDto,
  ): Promise<BackendStatus> {
    return answered(this.backends.start(extension, request.revision));
  }

  @Post('stop')
  @HttpCode(200)
  @Operation({ tag, summary: 'Stop a back end', path, answers: status })
  stop(@Param(NAME, name) extension: string): Promise<BackendStatus> {
    return answered(this.backends.stop(extension));
  }

  @Get('logs')
  @Operation({
    tag,
    summary: 'Get the end of the log of a back end',
    description: 'What it printed since it was started last.',
    path,
    query: BackendLogsQueryDto,
    answers: { 200: { description: 'What it printed.', schema: 'BackendLogs' } },
  })
  logs(
    @Param(NAME, name) extension: string,
    @Query() { limit_bytes }: BackendLogsQueryDto,
  ): { name: string; logs: string; truncated: boolean } {
    return { name: extension, ...this.backends.tail(extension, limit_bytes) };
  }

  @Delete('data')
  @Operation({
    tag,
    summary: 'Remove the data of a back end',
    description: 'Also of an extension that is no longer installed.',
    path,
    answers: status,
    errors: [409],
  })
  removeData(@Param(NAME, name) extension: string): Promise<BackendStatus> {
    return answered(this.backends.removeData(extension));
  }
}

/** Without prefixes: the original's back end routes have none. */
const NO_PREFIXES = { unavailable: '', invalid: '' };

function answered<T>(work: Promise<T>): Promise<T> {
  return withErrorPrefixes(NO_PREFIXES, work);
}
