import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { Field, integer, text, Operation } from '../../http/index.js';
import { withErrorPrefixes } from '../installation/installation-errors.js';
import { nameField, OTHER_NAME } from '../installation/installation.dto.js';
import { ExtensionNamePipe } from '../installation/name.pipe.js';
import { CanvasBackends, type BackendStatus } from './backends/canvas-backends.js';

/** The requested version of a back end. */
class BackendRevisionRequestDto {
  @Field(
    text({ min: 1 }),
    'Version to approve or start, as `revision` of the status names it; it must be the installed one.',
  )
  revision!: string;
}

/** Limit of a log request. */
class BackendLogsQueryDto {
  @Field(integer({ ge: 1, le: 262_144 }), 'Maximum number of bytes of output to return, taken from its end.')
  limit_bytes = 65_536;
}

const tag = 'Canvas extensions';
const path = {
  extension_name: {
    ...nameField(OTHER_NAME).schema(),
    description: 'Name of the installed canvas extension.',
  },
};
const NAME = 'extension_name';
const name = new ExtensionNamePipe(NAME, OTHER_NAME);
const status = { 200: { description: 'The status of the back end.', schema: 'BackendStatus' } };
const revision = {
  schema: BackendRevisionRequestDto,
  // The digest of the manifest that the example writes.
  example: { revision: 'sha256:ba65b0ad6c495ab0edd4d91b04d81273841031fc013c3fb2c01f98aca54257c8' },
};
const installed = ['Bash_execute#canvas-extension', 'CanvasExtensions_install'];

/** Back ends of canvas extensions. */
@Controller('api/canvas-extensions/installed/:extension_name/backend')
export class CanvasBackendsController {
  constructor(private readonly backends: CanvasBackends) {}

  @Get()
  @Scope('read')
  @Operation({
    tag,
    summary: 'Get the state of a back end',
    description: 'A running back end is health-checked for this.',
    path,
    answers: status,
  })
  state(@Param(NAME, name) extension: string): Promise<BackendStatus> {
    return answered(this.backends.status(extension));
  }

  @Post('prepare')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Prepare a back end',
    description:
      'Approves a version: its archive is fetched, verified against the digest in the manifest and unpacked. After ' +
      'each installation the back end has to be prepared again.',
    path,
    body: { ...revision, after: installed },
    answers: status,
    errors: {
      409: 'The version is not the installed one, or its archive cannot be fetched, verified or unpacked.',
    },
  })
  prepare(
    @Param(NAME, name) extension: string,
    @Body() request: BackendRevisionRequestDto,
  ): Promise<BackendStatus> {
    return answered(this.backends.prepare(extension, request.revision));
  }

  @Post('start')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Start a back end',
    description: 'Returns when the back end is ready or has failed; see `state` and `detail`.',
    path,
    body: { ...revision, after: [...installed, 'CanvasBackends_prepare'] },
    answers: status,
    errors: {
      409: 'The version is not the installed or the prepared one, another one runs, or the server is shutting down.',
    },
  })
  start(
    @Param(NAME, name) extension: string,
    @Body() request: BackendRevisionRequestDto,
  ): Promise<BackendStatus> {
    return answered(this.backends.start(extension, request.revision));
  }

  @Post('stop')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Stop a back end',
    description: 'Ends the process of the back end. Without one nothing happens.',
    path,
    answers: status,
  })
  stop(@Param(NAME, name) extension: string): Promise<BackendStatus> {
    return answered(this.backends.stop(extension));
  }

  @Get('logs')
  @Scope('read')
  @Operation({
    tag,
    summary: 'Get the output of a back end',
    description: 'The last output since its latest start.',
    path,
    query: BackendLogsQueryDto,
    answers: {
      200: { description: 'The output of standard output and standard error.', schema: 'BackendLogs' },
    },
  })
  logs(
    @Param(NAME, name) extension: string,
    @Query() { limit_bytes }: BackendLogsQueryDto,
  ): { name: string; logs: string; truncated: boolean } {
    return { name: extension, ...this.backends.tail(extension, limit_bytes) };
  }

  @Delete('data')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Remove the data of a back end',
    description: 'Works for extensions that are no longer installed, too.',
    path,
    answers: status,
    errors: { 409: 'The back end runs.' },
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
