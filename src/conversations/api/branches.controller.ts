import { Body, Controller, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { ConversationIdPipe, Operation } from '../../http/index.js';
import type { StartedChild } from '../../tools/index.js';
import type { JsonObject } from '../../json/index.js';
import { BranchesService } from '../branches/branches.service.js';
import {
  ForkConversationRequestDto,
  NavigateRequestDto,
  StartChildConversationRequestDto,
} from './dto/branches.dto.js';
import { ConversationViewQueryDto, RunRequestQueryDto, toRunRequest } from './dto/queries.dto.js';
import { answerConflicts } from './restore-conflicts.js';
import { RUN_LIMIT } from './answers.js';

const tag = 'Conversations';

/** Branches, forks and child conversations over REST, under `/api` and without a prefix. */
@Controller(['api/conversations/:conversation_id', 'conversations/:conversation_id'])
export class BranchesController {
  constructor(private readonly branches: BranchesService) {}

  @Post('navigate')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Navigate to an event',
    description: 'The next event follows the given one. Nothing is deleted, and no event is written.',
    query: ConversationViewQueryDto,
    body: {
      schema: NavigateRequestDto,
      example: { event_id: null },
      needs: 'Needs a conversation whose run has ended.',
    },
    answers: { 200: { description: 'The conversation with its new head.', schema: 'ConversationInfo' } },
    errors: {
      404: 'The conversation has no event with this id.',
      409: 'A run is active or waits, or files to restore were changed since: `conflicts` lists them.',
    },
  })
  navigate(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { event_id, restore_files, force }: NavigateRequestDto,
    @Query() { include_skills }: ConversationViewQueryDto,
  ): Promise<JsonObject> {
    return answerConflicts(
      this.branches.navigate(id, event_id, include_skills, restore_files ? { force } : undefined),
    );
  }

  @Post('fork')
  @Scope('write', { own: true })
  @Operation({
    tag,
    summary: 'Fork a conversation',
    description:
      'Creates a conversation with the same agent and secrets and with the history, or one branch of it.',
    query: ConversationViewQueryDto,
    body: { schema: ForkConversationRequestDto, required: false, example: { title: 'Another attempt' } },
    answers: { 201: { description: 'The new conversation, which is idle.', schema: 'ConversationInfo' } },
    errors: {
      404: 'The conversation has no event with the id `from_event_id`.',
      409: 'A conversation with the requested id exists already; or with `restore_files` a run is active, or files were changed since: `conflicts` lists them.',
    },
  })
  fork(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() body: ForkConversationRequestDto,
    @Query() { include_skills }: ConversationViewQueryDto,
  ): Promise<JsonObject> {
    const { title, tags, reset_metrics, from_event_id } = body;
    const files = body.restore_files ? { force: body.force } : undefined;
    const request = {
      id: body.id,
      title,
      tags,
      resetMetrics: reset_metrics,
      fromEventId: from_event_id,
      files,
    };
    return answerConflicts(this.branches.fork(id, request, include_skills));
  }

  @Post('children')
  @Scope('write', { own: true })
  @Operation({
    tag,
    summary: 'Start a child conversation',
    description: 'The child inherits the agent, secrets, tags and policies, and works on the given task.',
    query: RunRequestQueryDto,
    body: {
      schema: StartChildConversationRequestDto,
      example: { task: 'RUN: ls\nFINISH: listed', isolation: 'shared' },
    },
    answers: {
      201: {
        description: 'The child conversation and where it works.',
        schema: 'StartChildConversationResponse',
      },
    },
    errors: {
      429: RUN_LIMIT,
      422: '`isolation` is `worktree`, and no worktree of the workspace can be created.',
    },
  })
  startChild(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() body: StartChildConversationRequestDto,
    @Query() query: RunRequestQueryDto,
  ): Promise<StartedChild> {
    return this.branches.startChild(id, body, toRunRequest(query));
  }
}
