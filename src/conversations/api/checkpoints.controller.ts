import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { Response as HttpResponse } from 'express';
import { Scope } from '../../auth/index.js';
import { ConversationIdPipe, documentSchemas, Operation } from '../../http/index.js';
import { CheckpointsService, type CheckpointPage } from '../checkpoints/checkpoints.service.js';
import type { CheckpointItem } from '../checkpoints/checkpoint-items.js';
import type { CheckpointDiff } from '../checkpoints/compare-moments.js';
import {
  CheckpointContentQueryDto,
  CheckpointDiffQueryDto,
  CheckpointQueryDto,
  RestoreRequestDto,
} from './dto/checkpoints.dto.js';
import { answerConflicts } from './restore-conflicts.js';

const tag = 'Conversations';
const OFF = 'Checkpoints are switched off on this server.';
const ELSEWHERE = 'The workspace is on another host.';
const STEP = { step: { type: 'string', description: 'Number of a checkpoint, or the id of its event.' } };

documentSchemas(async () => (await import('./schemas/checkpoint-schemas.js')).checkpointSchemas());

/** Checkpoints of files, and restores, over REST. */
@Controller('api/conversations/:conversation_id')
export class CheckpointsController {
  constructor(private readonly checkpoints: CheckpointsService) {}

  @Get('checkpoints')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'List checkpoints',
    description:
      'The steps of the conversation that have changed files of its workspace, the newest first. Before a tool ' +
      'changes a file its content is kept; what commands change is found by size and times in files that git ' +
      'tracks or does not ignore.',
    query: CheckpointQueryDto,
    answers: { 200: { description: 'A page of checkpoints.', schema: 'CheckpointPage' } },
    errors: { 409: OFF, 421: ELSEWHERE },
  })
  list(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Query() { page_id, limit }: CheckpointQueryDto,
  ): Promise<CheckpointPage> {
    return this.checkpoints.list(id, page_id ?? Infinity, limit);
  }

  @Get('checkpoints/diff')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Compare two moments',
    description:
      'Unified diffs of the files that steps of the conversation have changed, between its beginning, the moment ' +
      'after a step, and now. At most 500 files, 2 MiB of text and five seconds of work; ask for one file with ' +
      '`path`.',
    query: CheckpointDiffQueryDto,
    answers: { 200: { description: 'The files that differ.', schema: 'CheckpointDiff' } },
    errors: { 404: 'There is no such checkpoint.', 409: OFF, 421: ELSEWHERE },
  })
  diff(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Query() { from, to, path }: CheckpointDiffQueryDto,
  ): Promise<CheckpointDiff> {
    return this.checkpoints.diff(id, from, to, path);
  }

  @Get('checkpoints/:step/content')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Get a file at a step',
    description: 'The content of a file before a step that has changed it, or after it.',
    path: STEP,
    values: { step: '1' },
    query: CheckpointContentQueryDto,
    answers: {
      200: {
        description: 'The bytes of the file.',
        mediaType: 'application/octet-stream',
        schema: { type: 'string', format: 'binary' },
      },
    },
    errors: {
      404: 'There is no such checkpoint, or it does not have the content.',
      409: OFF,
      421: ELSEWHERE,
    },
  })
  async content(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Param('step') step: string,
    @Query() { path, side }: CheckpointContentQueryDto,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const bytes = await this.checkpoints.content(id, step, path, side);
    // Whatever agents have written: no browser may show it as a page of this server.
    response.setHeader('Content-Type', 'application/octet-stream');
    response.setHeader('Content-Disposition', 'attachment');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.end(bytes);
  }

  @Post('restore')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Restore files',
    description:
      'Puts files back as they were before a step: created ones are removed, deleted ones written again, with their ' +
      'permissions. A file that was changed by somebody else since is a conflict: nothing is restored then, unless ' +
      'with `force`. The restore is a checkpoint itself: undo it with its number and the mode `only`. A message in the ' +
      'log tells the agent.',
    body: {
      schema: RestoreRequestDto,
      example: { step: '1', mode: 'since' },
      needs: 'Needs a conversation whose run has ended and whose first step has changed a file.',
    },
    answers: { 200: { description: 'What was restored.', schema: 'RestoreResult' } },
    errors: {
      404: 'There is no such checkpoint.',
      409: 'A run is active, or files are not as the agent has left them: `conflicts` lists these, with `reason` and whether `force` helps (`can_force`).',
      421: ELSEWHERE,
    },
  })
  async restore(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() body: RestoreRequestDto,
  ): Promise<{ checkpoint: CheckpointItem | null; failed: readonly { path: string; reason: string }[] }> {
    const { checkpoint, failed } = await answerConflicts(this.checkpoints.restore(id, body));
    return { checkpoint: checkpoint && (await this.checkpoints.item(id, checkpoint)), failed };
  }
}
