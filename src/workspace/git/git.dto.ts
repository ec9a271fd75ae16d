import { Field, choice, integer, nullable, text } from '../../http/index.js';

/** Commit hashes, which may be abbreviated. */
export const SHA = /^[0-9a-fA-F]{4,64}$/;

/** Query of routes that read a repository. */
export class GitPathQueryDto {
  @Field(
    text(),
    'Path in the repository. A relative path is resolved against the folder of the server; in a conversation ' +
      'it begins with `./` and is resolved against its working folder.',
  )
  path!: string;
}

/** Query for changed files. */
export class GitChangesQueryDto extends GitPathQueryDto {
  @Field(
    nullable(text()),
    'Branch, tag or commit to compare with; null: the commit at which the current branch began.',
  )
  ref: string | null = null;
}

/** Query for the texts of a changed file. */
export class GitDiffQueryDto extends GitChangesQueryDto {
  @Field(
    nullable(text({ pattern: SHA })),
    'Show the change of this commit, given by its hash; null: the change since `ref`. Not together with ' +
      '`ref`.',
  )
  commit: string | null = null;
}

/** Query for commits. */
export class GitCommitsQueryDto extends GitPathQueryDto {
  @Field(integer({ ge: 1, le: 200 }), 'Maximum number of commits in the answer.')
  limit = 50;
}

/** Hosting services of repositories. */
const PROVIDERS = ['github', 'gitlab', 'bitbucket', 'azure_devops'];

/** Query for repositories of a hosting service. */
export class RepositorySearchQueryDto {
  @Field(
    choice(PROVIDERS, 'enum'),
    'The service that hosts the repositories. Only `github` is supported; others are answered with 400.',
  )
  provider!: string;

  @Field(
    nullable(text()),
    'Part of the name of the owner or the repository, in upper or lower case; null: all repositories.',
  )
  query: string | null = null;

  @Field(integer({ ge: 1, le: 100 }), 'Maximum number of repositories in the page.')
  limit = 100;

  @Field(nullable(text()), 'The `next_page_id` of the previous page; null: the first page.')
  page_id: string | null = null;
}
