import { Controller, HttpStatus, Post, Query, Req, Res } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { CurrentPrincipal, type Principal, Scope } from '../../auth/index.js';
import { documentSchemas, Operation } from '../../http/index.js';
import {
  ArchiveImportService,
  type ArchiveImportAnswer,
} from '../transfer/importing/archive-import.service.js';
import { ImportQueryDto } from './dto/import.dto.js';

documentSchemas(async () => (await import('./schemas/import-schemas.js')).importSchemas());

/** Conversations of other servers, over REST. */
@Controller('api/conversations')
export class ImportController {
  constructor(private readonly archives: ArchiveImportService) {}

  @Post('import')
  @Scope('write', { own: true })
  @Operation({
    tag: 'Conversations',
    summary: 'Import a conversation',
    description:
      'Takes the trajectory zip of a conversation, as this server or the Python server answers it: its events with ' +
      'their ids, its branches, state, task list and long outputs. Send it as the field `file` of a form, or as ' +
      '`application/octet-stream`. A run that was active is paused. Trajectories have no secrets: set the key of the ' +
      'model again before the conversation goes on. What cannot be read is named in the report and kept beside the ' +
      'conversation. A key that reaches its own conversations only owns it, and its agent works in the folder of ' +
      'that key; what such a key may not use is refused as for a new conversation. What its models have cost is in ' +
      '`stats`, and comes into `GET /api/usage` when the administrator calls `openhands-agent-server usage rebuild`.',
    query: ImportQueryDto,
    body: {
      schema: {
        type: 'object',
        properties: {
          file: { type: 'string', format: 'binary', description: 'The trajectory zip of one conversation.' },
        },
        required: ['file'],
      },
      example: { file: 'the bytes of a zip' },
      needs: 'Needs the zip of `GET /api/file/download-trajectory/{conversation_id}` as the file.',
      mediaType: 'multipart/form-data',
    },
    answers: {
      200: {
        description: 'The conversation is here already, with these events; or nothing was to be written.',
        schema: 'ImportedConversation',
      },
      201: { description: 'The conversation was imported.', schema: 'ImportedConversation' },
    },
    errors: {
      400: 'The body is malformed or was cut off.',
      403: 'The key may not have such a conversation; the answer says why.',
      409: 'A different conversation has the id.',
      413: 'The archive is larger than 256 MiB, or than `max_upload_bytes`.',
      415: 'The body is neither a form nor binary.',
      422: 'The file is no zip, has not just one conversation, or is too large when unpacked.',
      429: 'Two archives are being imported, or the key may create no more conversations today.',
    },
  })
  async import(
    @Query() { new_id, dry_run, time_zone }: ImportQueryDto,
    @Req() request: HttpRequest,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<ArchiveImportAnswer> {
    const wanted = { newId: new_id, dryRun: dry_run, timeZone: time_zone };
    const answer = await this.archives.import(request, wanted, principal);
    if (answer.outcome === 'same' || dry_run) response.status(HttpStatus.OK);
    return answer;
  }
}
