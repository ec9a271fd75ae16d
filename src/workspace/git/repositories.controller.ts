import { Controller, Get, Query } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { Operation } from '../../http/index.js';
import { RepositorySearchQueryDto } from './git.dto.js';
import { RepositorySearch, type HostedRepositoryPage } from './repository-search.js';

/** Repositories on a git host for which the user has stored a token. */
@Controller('api/git/repositories')
export class RepositoriesController {
  constructor(private readonly repositories: RepositorySearch) {}

  @Get('search')
  @Scope('read')
  @Operation({
    tag: 'Git',
    summary: 'List repositories on a git host',
    description:
      'Uses the token that is stored as a secret of the settings: `github_token`, `GITHUB_TOKEN`, `GH_TOKEN` ' +
      'or `github`. Without one nobody is asked.',
    query: RepositorySearchQueryDto,
    answers: {
      200: {
        description: 'A page of repositories, most recently pushed first.',
        schema: 'GitProviderRepositoryPage',
      },
    },
    errors: {
      400: 'The provider is not supported, or `page_id` is not one of this operation.',
      403: 'The host refuses the stored token or limits its requests.',
      502: 'The host cannot be reached or failed.',
      504: 'The host did not answer in time.',
    },
  })
  search(@Query() query: RepositorySearchQueryDto): Promise<HostedRepositoryPage> {
    return this.repositories.search(query);
  }
}
