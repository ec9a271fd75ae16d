import { Controller, Get, Param, Query, UseInterceptors } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import type { GitChange, GitCommitsPage, GitDiff } from '../../git/index.js';
import { RuntimeConversationIdPipe, readChecked, text, Operation } from '../../http/index.js';
import { CountsAsActivity } from '../../server/index.js';
import { GitChangesQueryDto, GitCommitsQueryDto, GitDiffQueryDto, GitPathQueryDto, SHA } from './git.dto.js';
import { GitService } from './git.service.js';

const tag = 'Git';
const SCOPE = 'runtime_conversation_id';
const changes = { type: 'array', items: { $ref: '#/components/schemas/GitChange' } };
const errors = {
  400: 'The path cannot be used, or git cannot find the branch or commit.',
  403: 'The server may not read the path, or it may hold git credentials.',
  404: 'The path does not exist.',
};

/**
 * Changes and commits of repositories, on the machine or in the workspace of a conversation. Nothing that a
 * repository configures is executed.
 */
@Controller(['api/git', `api/conversations/:${SCOPE}/git`])
@UseInterceptors(CountsAsActivity)
export class GitController {
  constructor(private readonly git: GitService) {}

  @Get('changes')
  @Scope('read', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'List changed files',
    description:
      'The files in a folder, sorted by path, including those of repositories directly below it. A rename is ' +
      'reported as one deletion and one addition. The list is empty outside of a repository.',
    query: GitChangesQueryDto,
    answers: { 200: { description: 'The changed files, each with what happened to it.', schema: changes } },
    errors,
  })
  changes(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() query: GitChangesQueryDto,
  ): Promise<GitChange[]> {
    return this.git.changes(query.path, query.ref, scope);
  }

  @Get('diff')
  @Scope('read', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'Get a file before and after',
    description:
      'Each text has at most 1 MiB. A text is empty where the file does not exist, and null outside of a repository.',
    query: GitDiffQueryDto,
    answers: { 200: { description: 'The texts before and after.', schema: 'GitDiff' } },
    errors,
  })
  diff(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() query: GitDiffQueryDto,
  ): Promise<GitDiff> {
    return this.git.diff(query.path, query, scope);
  }

  @Get('commits')
  @Scope('read', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'List the newest commits',
    description: 'The history of the current branch. The list is empty outside of a repository.',
    query: GitCommitsQueryDto,
    answers: { 200: { description: 'The commits, newest first.', schema: 'GitCommitsPage' } },
    errors,
  })
  commits(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() query: GitCommitsQueryDto,
  ): Promise<GitCommitsPage> {
    return this.git.commits(query.path, query.limit, scope);
  }

  @Get('commits/:sha/changes')
  @Scope('read', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'List the files that a commit changed',
    description: 'Compares the commit with its first parent. The list is empty outside of a repository.',
    path: {
      sha: { ...text({ pattern: SHA }).schema(), description: 'Hash of the commit; may be abbreviated.' },
    },
    query: GitPathQueryDto,
    answers: { 200: { description: 'The changed files, each with what happened to it.', schema: changes } },
    errors,
  })
  changesOfCommit(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Param('sha') sha: string,
    @Query() query: GitPathQueryDto,
  ): Promise<GitChange[]> {
    const name = String(readChecked(text({ pattern: SHA }), sha, ['path', 'sha']));
    return this.git.changesOfCommit(query.path, name, scope);
  }
}
