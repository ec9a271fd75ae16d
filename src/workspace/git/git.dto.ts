import { Field, choice, integer, nullable, text } from '../../http/index.js';

/** Names of commits as the routes take them. */
export const SHA = /^[0-9a-fA-F]{4,64}$/;

/** A folder in a repository. */
export class GitPathQueryDto {
  @Field(text(), 'A relative one starts from the folder of the server.')
  path!: string;
}

/** A folder, and what it is compared with. */
export class GitChangesQueryDto extends GitPathQueryDto {
  @Field(
    nullable(text()),
    'Branch, tag or commit to compare with; without it where the work of the branch began.',
  )
  ref: string | null = null;
}

/** A file, and what it is compared with. */
export class GitDiffQueryDto extends GitChangesQueryDto {
  @Field(nullable(text({ pattern: SHA })), 'Shows what this commit has changed.')
  commit: string | null = null;
}

/** How many commits are listed. */
export class GitCommitsQueryDto extends GitPathQueryDto {
  @Field(integer({ ge: 1, le: 200 }))
  limit = 50;
}

/** Hosts of repositories. */
export const PROVIDERS = ['github', 'gitlab', 'bitbucket', 'azure_devops'];

/** Which repositories of a host are listed. */
export class RepositorySearchQueryDto {
  @Field(choice(PROVIDERS, 'enum'))
  provider!: string;

  @Field(nullable(text()), 'Part of the name.')
  query: string | null = null;

  @Field(integer({ ge: 1, le: 100 }))
  limit = 100;

  @Field(nullable(text()), 'The `next_page_id` of the page before.')
  page_id: string | null = null;
}
