import { InvalidRequestError } from '../../errors/index.js';
import { Controller, Get, NotFoundException, Param, Query, Req, Res, UseInterceptors } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { Scope } from '../../auth/index.js';
import { ConversationIdPipe, RuntimeConversationIdPipe, Operation } from '../../http/index.js';
import { CountsAsActivity } from '../../server/index.js';
import { ArchiveQueryDto } from '../files/files.dto.js';
import { RuntimeScopes } from '../paths/runtime-scopes.js';
import { ArchiveService } from './archive.service.js';

const tag = 'Files';
const SCOPE = 'runtime_conversation_id';

/** Downloads of folders and conversations as archives. */
@Controller(['api/file', `api/conversations/:${SCOPE}/file`])
@UseInterceptors(CountsAsActivity)
export class ArchiveController {
  constructor(
    private readonly archives: ArchiveService,
    private readonly scopes: RuntimeScopes,
  ) {}

  @Get('archive')
  @Scope('read', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'Download a folder or its changes',
    description:
      'A folder that is no repository, but has just one within three levels, stands for that one. An archive has plain ' +
      'files and folders only, and none that may hold git credentials; headers `X-Archive-...` say what it is of.',
    query: ArchiveQueryDto,
    answers: {
      200: { description: 'The patch as text, or the archive in the format `tar.gz`.' },
      206: { description: 'The requested range of a patch, for downloads that continue.' },
    },
    errors: {
      400: 'The path is not a folder, `base_ref` cannot be resolved, or there is no repository for a patch.',
      403: 'The server may not read the path, or it may hold git credentials.',
      404: 'The path does not exist.',
      416: 'The requested range lies outside of the patch.',
    },
  })
  async archive(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() query: ArchiveQueryDto,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    if (query.format === 'tar.gz') await this.archives.sendTarGz(query, response, scope);
    else await this.archives.sendPatch(query, request, response, scope);
  }

  @Get('download-trajectory/:conversation_id')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Download all stored data of a conversation',
    description: 'A zip archive with the events and the state of the conversation. Secrets are masked.',
    answers: { 200: { description: 'The archive in the format `zip`.' } },
  })
  async trajectory(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Res() response: HttpResponse,
  ): Promise<void> {
    if (scope !== undefined) {
      await this.scopes.of(scope);
      if (scope !== id)
        throw new InvalidRequestError([], 'Trajectory must belong to the selected conversation');
    }
    if (!(await this.archives.hasConversation(id))) throw new NotFoundException('Conversation not found');
    await this.archives.sendTrajectory(id, response);
  }
}
