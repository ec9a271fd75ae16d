import { Controller, Get, Header, Param, Query, Res, UseInterceptors } from '@nestjs/common';
import type { Response as HttpResponse } from 'express';
import { CurrentPrincipal, Scope, type Principal } from '../../auth/index.js';
import {
  abortWhenClientLeaves,
  Operation,
  RuntimeConversationIdPipe,
  type AnswerSource,
} from '../../http/index.js';
import { CountsAsActivity } from '../../server/index.js';
import type { FoundNames } from './name-search.js';
import { ContentSearchQueryDto, NameSearchQueryDto } from './search.dto.js';
import { SearchService } from './search.service.js';

const tag = 'Files';
const SCOPE = 'runtime_conversation_id';
const errors = {
  400: 'The path cannot be used or is not a folder.',
  403: 'The server may not read the folder, or it lies outside of the allowed one.',
  404: 'The folder does not exist.',
  429: 'Too many searches run, of this key or of all.',
  501: 'There is no ripgrep for the platform of the server.',
};

/** Searches, on the machine or in the folder of a conversation. Links are not followed. */
@Controller(['api/file/search', `api/conversations/:${SCOPE}/file/search`])
@UseInterceptors(CountsAsActivity)
export class SearchController {
  constructor(private readonly search: SearchService) {}

  @Get('names')
  @Scope('read', { machine: 'admin', own: true })
  @Operation({
    tag,
    summary: 'Find files by name',
    description:
      'Ranked as the quick open of an editor does: what matches the name, the beginning of a word and consecutive ' +
      'characters is first. Files that may hold git credentials are left out. Looks at 300,000 files at most.',
    query: NameSearchQueryDto,
    values: { path: '/tmp', query: 'readme' },
    answers: { 200: { description: 'The files that fit best.', schema: 'FoundNames' } },
    errors,
  })
  names(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() { path, ...query }: NameSearchQueryDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<FoundNames> {
    const signal = abortWhenClientLeaves(response);
    return this.search.names(query, { path, conversationId: scope, principal, signal });
  }

  @Get('content')
  @Scope('read', { machine: 'admin', own: true })
  @Header('Content-Type', 'application/x-ndjson')
  @Operation({
    tag,
    summary: 'Find lines of files',
    description:
      'Sends a JSON object on each line while the search goes on: matching lines, lines around them, and one of the type ' +
      '`end`, without which the answer is incomplete. Binary files, files above 20 MB and files that may hold git credentials are left out. A search ' +
      'ends after 30 seconds, and when the client disconnects.',
    query: ContentSearchQueryDto,
    values: { path: '/tmp', query: 'TODO' },
    answers: {
      200: {
        description: 'The lines, those of a file together, and the end.',
        schema: 'SearchRecord',
        mediaType: 'application/x-ndjson',
      },
    },
    errors,
  })
  content(
    @Param(SCOPE, RuntimeConversationIdPipe) scope: string | undefined,
    @Query() { path, whole_words: wholeWords, ...query }: ContentSearchQueryDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<AnswerSource> {
    const signal = abortWhenClientLeaves(response);
    return this.search.content({ ...query, wholeWords }, { path, conversationId: scope, principal, signal });
  }
}
