import { Controller, Get, Param, Query, UseInterceptors } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { Operation, RuntimeConversationIdPipe } from '../../http/index.js';
import { CountsAsActivity } from '../../server/index.js';
import { TreeQueryDto } from '../files/files.dto.js';
import { TreeService, type TreePage } from './tree.service.js';

const SCOPE = 'runtime_conversation_id';

/** Levels of folders, on the machine or in the folder of a conversation. */
@Controller(['api/file/tree', `api/conversations/:${SCOPE}/file/tree`])
@UseInterceptors(CountsAsActivity)
export class TreeController {
  constructor(private readonly tree: TreeService) {}

  @Get()
  @Scope('read', { machine: 'admin', own: true })
  @Operation({
    tag: 'Files',
    summary: 'List a folder with its state in git',
    description:
      'One level of a tree: folders first, each in the order of their names ignoring case. Looks at 100,000 entries at most. ' +
      'The states in git come from one `git status` for all levels that are asked for together; it runs nothing that the ' +
      'repository configures, and ends after 15 seconds.',
    query: TreeQueryDto,
    values: { path: '/tmp' },
    answers: { 200: { description: 'A page of entries.', schema: 'TreePage' } },
    errors: {
      400: 'The path cannot be used or is not a folder.',
      403: 'The server may not read the folder, or it lies outside of the allowed one.',
      404: 'The folder does not exist.',
    },
  })
  level(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() { path, page_id: pageId, ...options }: TreeQueryDto,
  ): Promise<TreePage> {
    return this.tree.level(path, { ...options, pageId }, scope);
  }
}
