import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Field } from '../../http/field.js';
import { integer, text } from '../../http/field-type.js';
import { Operation } from '../../http/operation.js';
import { answering } from '../installation/answering.js';
import { Installations } from '../installation/installations.js';
import { nameField, OTHER_NAME } from '../installation/installation.dto.js';
import { ExtensionNamePipe } from '../installation/name.pipe.js';
import { readCanvasManifest } from './canvas-manifest.js';

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

/** What is known of the back end of a canvas extension. */
export interface BackendStatus {
  name: string;
  /** `missing`: there is no such extension. */
  state: 'missing' | 'unsupported';
  /** The commit, or the digest of the manifest. */
  revision: string | null;
  prepared_revision: null;
  pid: null;
  port: null;
  detail: string;
}

const tag = 'Canvas extensions';
const path = { extension_name: nameField(OTHER_NAME).schema() };
const NAME = 'extension_name';
const name = new ExtensionNamePipe(NAME, OTHER_NAME);
const status = { 200: { description: 'How it is.', schema: 'BackendStatus' } };
const NO_REFUSALS = { unavailable: '', invalid: '' };
const NOT_RUN = 'This server does not run back ends of canvas extensions';

/** The back ends of canvas extensions. This server runs none and says so: nothing is prepared, started or stored. */
@Controller('api/canvas-extensions/installed/:extension_name/backend')
export class CanvasBackendsController {
  constructor(private readonly installations: Installations) {}

  @Get()
  @Operation({ tag, summary: 'Get the state of a back end', path, answers: status })
  async state(@Param(NAME, name) extension: string): Promise<BackendStatus> {
    const nothing = { prepared_revision: null, pid: null, port: null };
    const all = await answering(NO_REFUSALS, this.installations.canvas.list());
    const installed = all.find((entry) => entry.name === extension);
    const manifest = installed && (await readCanvasManifest(installed.install_path).catch(() => undefined));
    if (!installed || !manifest) {
      const detail = `Canvas extension '${extension}' is not installed`;
      return { name: extension, state: 'missing', revision: null, ...nothing, detail };
    }
    const revision = installed.resolved_ref ?? manifest.digest;
    const hasBackend = manifest.manifest.backend !== null;
    const detail = hasBackend ? NOT_RUN : 'Canvas App does not declare a backend';
    return { name: extension, state: 'unsupported', revision, ...nothing, detail };
  }

  @Post('prepare')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Prepare a back end',
    description: NOT_RUN,
    path,
    body: { schema: BackendRevisionRequestDto },
    answers: status,
  })
  prepare(
    @Param(NAME, name) extension: string,
    @Body() _request: BackendRevisionRequestDto,
  ): Promise<BackendStatus> {
    return this.state(extension);
  }

  @Post('start')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Start a back end',
    description: NOT_RUN,
    path,
    body: { schema: BackendRevisionRequestDto },
    answers: status,
  })
  start(
    @Param(NAME, name) extension: string,
    @Body() _request: BackendRevisionRequestDto,
  ): Promise<BackendStatus> {
    return this.state(extension);
  }

  @Post('stop')
  @HttpCode(200)
  @Operation({ tag, summary: 'Stop a back end', description: NOT_RUN, path, answers: status })
  stop(@Param(NAME, name) extension: string): Promise<BackendStatus> {
    return this.state(extension);
  }

  @Get('logs')
  @Operation({
    tag,
    summary: 'Get the end of the log of a back end',
    description: `${NOT_RUN}: it is empty.`,
    path,
    query: BackendLogsQueryDto,
    answers: { 200: { description: 'What it printed.', schema: 'BackendLogs' } },
  })
  logs(
    @Param(NAME, name) extension: string,
    @Query() _query: BackendLogsQueryDto,
  ): { name: string; logs: string; truncated: boolean } {
    return { name: extension, logs: '', truncated: false };
  }

  @Delete('data')
  @Operation({ tag, summary: 'Remove the data of a back end', description: NOT_RUN, path, answers: status })
  removeData(@Param(NAME, name) extension: string): Promise<BackendStatus> {
    return this.state(extension);
  }
}
