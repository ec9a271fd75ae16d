import { Controller, Get, Query } from '@nestjs/common';
import { Operation } from '../../http/operation.js';
import { RepositorySearchQueryDto } from './git.dto.js';
import { RepositorySearch, type HostedRepositoryPage } from './repository-search.js';

/** Repositories at a host that the user has a token for. */
@Controller('api/git/repositories')
export class RepositoriesController {
  constructor(private readonly repositories: RepositorySearch) {}

  @Get('search')
  @Operation({
    tag: 'Git',
    summary: 'List repositories at a host',
    description:
      'With the token that is stored as a secret of the settings: `github_token`, `GITHUB_TOKEN`, `GH_TOKEN` or ' +
      '`github`. Without one nobody is asked.',
    query: RepositorySearchQueryDto,
    answers: {
      200: {
        description: 'A page, those that were changed last first.',
        schema: 'GitProviderRepositoryPage',
      },
    },
    errors: [403, 502, 504],
  })
  search(@Query() query: RepositorySearchQueryDto): Promise<HostedRepositoryPage> {
    return this.repositories.search(query);
  }
}
