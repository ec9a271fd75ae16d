import { Controller, Get, HttpCode, Param, Post, Query, Req, Res, UseInterceptors } from '@nestjs/common';
import path from 'node:path';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { Scope } from '../../auth/index.js';
import { RuntimeConversationIdPipe, Operation } from '../../http/index.js';
import { CountsAsActivity } from '../../server/index.js';
import { FilePathQueryDto, LinesQueryDto } from './files.dto.js';
import { sendForView, sendOpened } from './send-file.js';
import { FilesService } from './files.service.js';
import type { TextLines } from './text-lines.js';

const tag = 'Files';
const SCOPE = 'runtime_conversation_id';
const READ_ERRORS = {
  400: 'The path is not absolute, is not a file, or lies outside of the allowed folder.',
  403: 'The server may not read the file, or it may hold git credentials.',
  404: 'The file does not exist.',
};

/** What routes answer that send a file, whole or a range of it. */
const CONTENT = {
  answers: {
    200: { description: 'The content of the file.' },
    206: { description: 'The requested range of the file.' },
  },
  errors: { ...READ_ERRORS, 416: 'The requested range lies outside of the file.' },
};

/** Uploads and downloads, on the machine or in the folder of a conversation. */
@Controller(['api/file', `api/conversations/:${SCOPE}/file`])
@UseInterceptors(CountsAsActivity)
export class FilesController {
  constructor(private readonly files: FilesService) {}

  @Post('upload')
  @Scope('write', { machine: 'admin', own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Upload a file',
    description:
      'Send it as the field `file` of a form. Missing folders are created. An existing file is replaced when ' +
      'the new one is complete.',
    query: FilePathQueryDto,
    values: { path: '/tmp/openhands-example.txt' },
    body: {
      schema: {
        type: 'object',
        properties: { file: { type: 'string', format: 'binary', description: 'The content of the file.' } },
        required: ['file'],
      },
      example: { file: 'hello\n' },
      needs: 'Needs a path in the working folder, if the file is uploaded to a conversation.',
      mediaType: 'multipart/form-data',
    },
    answers: {
      200: {
        description: 'The file was stored; its size.',
        schema: 'FileUploadResult',
      },
    },
    errors: {
      400: 'The path is not absolute, is a folder, or lies outside of the allowed folder; or the form is malformed.',
      403: 'The server may not write the file, or it may hold git credentials.',
      404: 'A part of the path does not exist and cannot be created.',
    },
  })
  async upload(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() query: FilePathQueryDto,
    @Req() request: HttpRequest,
  ): Promise<{ success: true; file_size: number }> {
    return { success: true, file_size: await this.files.upload(request, query.path, scope) };
  }

  @Get('download')
  @Scope('read', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'Download a file',
    description:
      'Supports ranges and conditional requests. Files that may contain git credentials are refused with 403.',
    query: FilePathQueryDto,
    ...CONTENT,
  })
  async download(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() query: FilePathQueryDto,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const file = await this.files.download(query.path, scope);
    // The requested name: a link may lead to a file with another name.
    const name = path.basename(path.normalize(query.path));
    await sendOpened(request, response, file, { attachment: { name, type: 'application/octet-stream' } });
  }

  @Get('view')
  @Scope('read', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'Show a file',
    description:
      'For images, sound, video and the like in a page. Everything else is sent as plain text, so that no page or script in it has the ' +
      'origin of the server. Supports ranges and conditional requests. Files that may contain git credentials are refused with 403.',
    query: FilePathQueryDto,
    ...CONTENT,
  })
  async view(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() query: FilePathQueryDto,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    await sendForView(request, response, await this.files.download(query.path, scope));
  }

  @Get('lines')
  @Scope('read', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'Get lines of a text file',
    description:
      'At most `count` lines and 1 MiB, and 8 KiB of each line. `next` of the answer has `from` and `offset` of the following ' +
      'lines: with them the server does not have to read the file from its beginning, which it does for 256 MiB at most.',
    query: LinesQueryDto,
    answers: { 200: { description: 'The lines, and where the following ones begin.', schema: 'TextLines' } },
    errors: READ_ERRORS,
  })
  lines(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() { path: file, from, offset, count }: LinesQueryDto,
  ): Promise<TextLines> {
    return this.files.lines(file, { from, offset }, count, scope);
  }

  @Post('create_directory')
  @Scope('write', { machine: 'admin', own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Create a folder',
    description: 'Also creates missing parents. An existing folder stays unchanged.',
    query: FilePathQueryDto,
    answers: { 200: { description: 'The folder exists.', schema: 'Success' } },
    errors: {
      400: 'The path is not absolute, is a file, or lies outside of the allowed folder.',
      403: 'The server may not create the folder.',
      404: 'A part of the path does not exist and cannot be created.',
    },
  })
  async createDirectory(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() query: FilePathQueryDto,
  ): Promise<{ success: true }> {
    await this.files.makeFolder(query.path, scope);
    return { success: true };
  }
}
